"""Notifications on MongoDB keep the contract."""

import pytest

from slysock_store.testing import Check, OpenStore
from slysock_store.testing.receipts import OF_NOTIFICATIONS
from tests.store.contract import each_of

pytestmark = pytest.mark.port


@each_of(OF_NOTIFICATIONS)
async def test_contract(check: Check, open_mongo: OpenStore) -> None:
    await check(open_mongo)
