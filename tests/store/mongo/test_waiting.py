"""What waits until it is received, on MongoDB, keeps the contract."""

import pytest

from slysock_store.testing import Check, OpenStore
from slysock_store.testing.waiting import CHECKS
from tests.store.contract import each_of

pytestmark = pytest.mark.port


@each_of(CHECKS)
async def test_contract(check: Check, open_mongo: OpenStore) -> None:
    await check(open_mongo)
