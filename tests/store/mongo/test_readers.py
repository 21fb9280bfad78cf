"""Reads from snapshots: tried again where that helps, and told where it does not."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock_store import (
    StoreClosed,
    StoreError,
    StoreUnavailable,
)
from slysock_store.mongo.connection import connect, parse
from slysock_store.mongo.readers import TURN_SECONDS, Readers
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, between, send
from tests.store.blocking import Blocker
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


async def test_a_snapshot_that_never_becomes_available_is_told(mongo_url: str, mongod: Mongod) -> None:
    async with open_parts(mongo_url) as parts:
        with failing(mongod, {"errorCode": 246}, "find"), pytest.raises(StoreUnavailable, match="is busy"):
            await parts.store.find_chat(SYSTEM, between(ANNA, BEN).key)


async def test_closed_readers_refuse(mongo_url: str) -> None:
    async with open_parts(mongo_url) as parts:
        pass
    with pytest.raises(StoreClosed):
        await parts.store.find_chat(SYSTEM, between(ANNA, BEN).key)


async def test_a_read_waits_for_its_turn_so_long_and_no_longer(mongo_url: str, mock_clock: MockClock) -> None:
    connection = connect(parse(f"{mongo_url}&maxPoolSize=2"))
    readers = Readers(connection)
    blocker = Blocker()
    failures: list[StoreUnavailable] = []

    async def late() -> None:
        with pytest.raises(StoreUnavailable, match="did not answer other reads in time") as caught:
            await readers.read(lambda snapshot: None)
        failures.append(caught.value)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(readers.read, blocker)
        await blocker.wait_begun()
        nursery.start_soon(late)
        await wait_all_tasks_blocked()
        mock_clock.jump(TURN_SECONDS + 1)
        await wait_all_tasks_blocked()
        assert len(failures) == 1
        blocker.release()
    assert await readers.read(lambda snapshot, number: number + 1, 1) == 2
    await readers.aclose()
    connection.close()
