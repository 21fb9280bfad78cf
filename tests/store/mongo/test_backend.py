"""When the server fails: clear errors within seconds, nothing acknowledged is lost, and service again by itself."""

import time
from collections.abc import Iterator

import pymongo
import pytest
import trio

from slysock_store import ChatId, SchemaTooNew, Store, StoreUnavailable, UserKey, open_store
from slysock_store.testing import DURABLE_CHECKS, Check, OpenStore, audit
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, between, said, send
from slysock_store.testing.races import CHECKS
from tests.store.contract import each_of
from tests.store.mongo_parts import failing
from tests.store.mongod import Mongod, running
from tests.store.opening import fails

pytestmark = pytest.mark.port


@each_of(CHECKS + DURABLE_CHECKS)
async def test_contract(check: Check, open_mongo: OpenStore) -> None:
    await check(open_mongo)


BOUND_SECONDS = 20
"""Longest time until a call fails while there is no server: its own deadline behind that of another write."""

SENDERS = 10
MESSAGES_EACH = 40


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A server to stop and to kill."""
    with running(tmp_path_factory.mktemp("fragile")) as server:
        yield server


async def assert_reads_and_writes_fail(store: Store) -> None:
    """Both kinds at once, several of each, so that those behind the first are seen to fail in time as well."""
    began = time.monotonic()
    outcomes: list[StoreUnavailable] = []

    async def read() -> None:
        with pytest.raises(StoreUnavailable) as caught:
            await store.find_chat(SYSTEM, between(ANNA, BEN).key)
        outcomes.append(caught.value)

    async def write() -> None:
        with pytest.raises(StoreUnavailable) as caught:
            await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA, "lost"))
        outcomes.append(caught.value)

    async with trio.open_nursery() as nursery:
        for _ in range(30):
            nursery.start_soon(read)
            nursery.start_soon(write)
    assert len(outcomes) == 60
    assert not any(outcome.outcome_unknown for outcome in outcomes)
    assert time.monotonic() - began < BOUND_SECONDS


async def send_until_stored(store: Store, sender: UserKey, client_message_id: str) -> int:
    """Send, and again after each failure, as a client does; give the sequence number that was acknowledged."""
    message = said(sender, client_message_id, client_message_id=client_message_id)
    while True:
        try:
            return (await store.add_message(SYSTEM, between(ANNA, BEN), message)).message.sequence
        except StoreUnavailable:
            await trio.lowlevel.checkpoint()


async def test_a_server_that_stands_still_is_told_in_time_and_service_resumes(fragile: Mongod) -> None:
    with trio.fail_after(120):
        async with open_store(fragile.url("paused")) as store:
            (first,) = await send(store, ANNA)
            fragile.pause()
            try:
                await assert_reads_and_writes_fail(store)
            finally:
                fragile.resume()
            await send_until_stored(store, BEN, "after")
            assert len(await audit(store, first.chat_id)) == 2


async def test_a_server_that_is_gone_is_told_in_time_and_service_resumes(fragile: Mongod) -> None:
    with trio.fail_after(120):
        async with open_store(fragile.url("killed")) as store:
            (first,) = await send(store, ANNA)
            fragile.kill()
            await assert_reads_and_writes_fail(store)
            await trio.to_thread.run_sync(fragile.restart)
            await send_until_stored(store, BEN, "after")
            assert len(await audit(store, first.chat_id)) == 2


async def test_a_store_closes_in_time_while_the_server_is_gone(fragile: Mongod) -> None:
    with trio.fail_after(120):
        async with open_store(fragile.url("closing")) as store:
            await send(store, ANNA)
            fragile.pause()
            began = time.monotonic()
        fragile.resume()
        assert time.monotonic() - began < BOUND_SECONDS


async def test_kill_9_of_the_server_in_a_burst_loses_no_acknowledged_message(fragile: Mongod) -> None:
    acknowledged: dict[tuple[UserKey, str | None], int] = {}
    enough = trio.Event()
    with trio.fail_after(180):
        async with open_store(fragile.url("burst")) as store:
            chat_id = (await store.ensure_chat(SYSTEM, between(ANNA, BEN))).chat.id

            async def sending(sender: UserKey) -> None:
                for number in range(MESSAGES_EACH):
                    name = str(number)
                    acknowledged[sender, name] = await send_until_stored(store, sender, name)
                    if len(acknowledged) >= SENDERS * MESSAGES_EACH // 4:
                        enough.set()

            async with trio.open_nursery() as nursery:
                for number in range(SENDERS):
                    nursery.start_soon(sending, UserKey(f"CUSTOMER:{number}"))
                await enough.wait()
                fragile.kill()
                await trio.to_thread.run_sync(fragile.restart)
            await assert_stored_once_each(store, chat_id, acknowledged)


async def assert_stored_once_each(
    store: Store, chat_id: ChatId, acknowledged: dict[tuple[UserKey, str | None], int]
) -> None:
    messages = await audit(store, chat_id)
    stored = {(message.sender, message.client_message_id): message.sequence for message in messages}
    assert stored == acknowledged
    assert len(messages) == SENDERS * MESSAGES_EACH


async def test_an_opening_that_fails_is_told(new_mongo_url: str, mongod: Mongod) -> None:
    with failing(mongod, {"errorCode": 13}, "createIndexes"):
        error = await fails(new_mongo_url)
    assert isinstance(error, StoreUnavailable)
    assert "does not allow this user to do that" in str(error)
    async with open_store(new_mongo_url) as store:
        await send(store, ANNA)


async def test_a_database_of_a_newer_version_is_told(new_mongo_url: str) -> None:
    with pymongo.MongoClient[dict[str, object]](new_mongo_url) as client:
        client.get_default_database()["slysock"].insert_one({"_id": "schema", "version": 99})
    assert isinstance(await fails(new_mongo_url), SchemaTooNew)
