"""Fixtures of the systems' tests."""

from collections.abc import AsyncIterator

import pytest

pytest.register_assert_rewrite("tests.systems.market")

from tests.systems.market import Market, open_market  # noqa: E402 - its assertions are rewritten by the line above


@pytest.fixture
async def market() -> AsyncIterator[Market]:
    """A marketplace in memory. A test that lets time pass asks for `autojump_clock` as well."""
    async with open_market() as running:
        yield running
