"""Sending on SQLite keeps the contract."""

from slysock_store.testing import Check, OpenStore
from slysock_store.testing.messages import OF_SENDING
from tests.store.contract import each_of


@each_of(OF_SENDING)
async def test_contract(check: Check, open_sqlite: OpenStore) -> None:
    await check(open_sqlite)
