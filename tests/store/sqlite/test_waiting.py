"""What waits until it is received, on SQLite, keeps the contract."""

from slysock_store.testing import Check, OpenStore
from slysock_store.testing.waiting import CHECKS
from tests.store.contract import each_of


@each_of(CHECKS)
async def test_contract(check: Check, open_sqlite: OpenStore) -> None:
    await check(open_sqlite)
