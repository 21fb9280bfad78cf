"""The checks of what waits hold for a store that keeps the contract."""

from slysock_store.testing import Check
from slysock_store.testing.waiting import CHECKS
from tests.store.conftest import opener
from tests.store.contract import each_of


@each_of(CHECKS)
async def test_check_holds(check: Check) -> None:
    await check(opener("sqlite://"))
