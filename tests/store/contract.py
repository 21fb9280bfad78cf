"""How a test file runs its part of the contract that the package ships."""

from collections.abc import Sequence

import pytest

from slysock_store.testing import Check


def name_of(check: Check) -> str:
    return getattr(check, "__name__", "check").removeprefix("check_")


def each_of(checks: Sequence[Check]) -> pytest.MarkDecorator:
    """Run the test for each of these checks, under its name."""
    return pytest.mark.parametrize("check", checks, ids=name_of)
