"""Receipts on SQLite keep the contract."""

from slysock_store.testing import Check, OpenStore
from slysock_store.testing.receipts import OF_RECEIPTS
from tests.store.contract import each_of


@each_of(OF_RECEIPTS)
async def test_contract(check: Check, open_sqlite: OpenStore) -> None:
    await check(open_sqlite)
