"""Fixtures of the support tests."""

from collections.abc import AsyncIterator

import pytest

pytest.register_assert_rewrite("tests.slysock.systems.support.center")

from tests.slysock.systems.support.center import Center, open_center  # noqa: E402 - its assertions are rewritten by the line above


@pytest.fixture
async def center() -> AsyncIterator[Center]:
    """A support centre in memory. A test that lets time pass asks for `autojump_clock` as well."""
    async with open_center() as running:
        yield running
