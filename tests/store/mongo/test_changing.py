"""Edits, reactions and deletion on MongoDB keep the contract."""

import pytest

from slysock_store.testing import Check, OpenStore
from slysock_store.testing.messages import OF_CHANGES
from tests.store.contract import each_of

pytestmark = pytest.mark.port


@each_of(OF_CHANGES)
async def test_contract(check: Check, open_mongo: OpenStore) -> None:
    await check(open_mongo)
