"""The checks of races hold for a store that keeps the contract."""

from pathlib import Path

from slysock_store.testing import Check
from slysock_store.testing.races import CHECKS, DURABLE_CHECKS
from tests.store.conftest import opener
from tests.store.contract import each_of


@each_of(CHECKS)
async def test_check_holds(check: Check) -> None:
    await check(opener("sqlite://"))


@each_of(DURABLE_CHECKS)
async def test_durable_check_holds(check: Check, tmp_path: Path) -> None:
    await check(opener(f"sqlite:///{tmp_path}/chat.db"))
