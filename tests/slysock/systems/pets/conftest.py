"""Fixtures of these tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.slysock.systems.pets.shop")

from tests.slysock.systems.pets.shop import Shop, open_shop  # noqa: E402 - its assertions are rewritten by the line above


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """Pets in memory, files in a folder of the test's."""
    async with open_shop(tmp_path / "media") as opened:
        yield opened
