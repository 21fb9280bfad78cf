"""Reads from snapshots: tried again where that helps, and told where it does not."""

import pytest

from slysock_store import (
    StoreError,
)
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, between, send
from tests.store.mongo_parts import failing, open_parts
from tests.store.mongod import Mongod

pytestmark = pytest.mark.port


async def test_a_read_that_fails_is_told_and_later_reads_work(mongo_url: str, mongod: Mongod) -> None:
    async with open_parts(mongo_url) as parts:
        await send(parts.store, ANNA)
        with failing(mongod, {"errorCode": 8}, "find"), pytest.raises(StoreError, match="refused a command: code 8"):
            await parts.store.find_chat(SYSTEM, between(ANNA, BEN).key)
        with failing(mongod, {"errorCode": 246}, "find", times=5):
            assert await parts.store.find_chat(SYSTEM, between(ANNA, BEN).key) is not None
        with failing(mongod, {"closeConnection": True}, "find", times=1):
            assert await parts.store.find_chat(SYSTEM, between(ANNA, BEN).key) is not None
