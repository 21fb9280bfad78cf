"""Fixtures of the tests of services."""

from collections.abc import AsyncIterator

import pytest

pytest.register_assert_rewrite("tests.slysock.systems.services.office", "tests.slysock.systems.services.replay")

from tests.slysock.systems.services.office import Office, open_office  # noqa: E402 - its assertions are rewritten by then


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """The system in memory. A test that lets time pass asks for `autojump_clock` as well."""
    async with open_office() as opened:
        yield opened
