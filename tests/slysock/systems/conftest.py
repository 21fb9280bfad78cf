"""Fixtures of the systems' tests."""

from collections.abc import AsyncIterator

import pytest

from tests.slysock.systems.market import Market, open_market


@pytest.fixture
async def market() -> AsyncIterator[Market]:
    """A marketplace in memory. A test that lets time pass asks for `autojump_clock` as well."""
    async with open_market() as running:
        yield running
