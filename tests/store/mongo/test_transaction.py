"""Writes that share a transaction see what went before them in it."""

from collections.abc import Awaitable, Callable
from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from slysock_store import ChatId, MessageId
from slysock_store.ids import IdGenerator
from slysock_store.mongo.layout import Snapshot
from slysock_store.mongo.transaction import Batch, Transaction
from slysock_store.progress import Kind
from slysock_store.testing import audit
from slysock_store.testing.harness import ANNA, BEN, CARA, OTHER_SYSTEM, SYSTEM, between, said, send
from tests.store.blocking import blocked
from tests.store.mongo_parts import open_parts

pytestmark = pytest.mark.port


async def test_what_shares_a_transaction_sees_what_went_before_in_it(mongo_url: str) -> None:
    """Records kept in memory and commands to the server take turns within one transaction."""
    async with open_parts(mongo_url) as parts:
        store, chat = parts.store, between(ANNA, BEN)
        calls: list[Callable[[], Awaitable[object]]] = []
        (first,) = await send(store, ANNA)
        calls.append(partial(store.add_message, SYSTEM, chat, said(ANNA, "second", client_message_id="c")))
        calls.append(partial(store.mark_delivered, SYSTEM, first.chat_id, BEN))
        calls.append(partial(store.edit_message, SYSTEM, first.id, by=ANNA, text="edited"))
        calls.append(partial(store.mark_read, SYSTEM, first.chat_id, BEN))
        calls.append(partial(store.mark_read, SYSTEM, first.chat_id, CARA))
        calls.append(partial(store.add_message, SYSTEM, chat, said(ANNA, "retry", client_message_id="c")))
        calls.append(partial(store.add_message, SYSTEM, chat, said(BEN, "third")))
        calls.append(partial(store.delete_message, SYSTEM, first.id, by=ANNA))
        async with trio.open_nursery() as nursery, blocked(parts.writer):
            for call in calls:
                nursery.start_soon(call)
                await wait_all_tasks_blocked()
        assert store.statistics().commits == 3
        messages = await audit(store, first.chat_id)
        assert [message.text for message in messages] == ["edited", "second", "third"]
        assert [message.read_by for message in messages] == [(CARA, BEN), (CARA, BEN), ()]
        assert messages[0].is_deleted


async def test_what_is_not_there_is_told_by_none(mongo_url: str) -> None:
    def look(tx: Transaction) -> tuple[object, ...]:
        return (
            tx.chat(SYSTEM, ChatId("0" * 24)),
            tx.chat_with(SYSTEM, between(ANNA, BEN).key),
            tx.message(SYSTEM, MessageId("0" * 24)),
            tx.retried("no such key"),
        )

    async with open_parts(mongo_url) as parts:
        assert await parts.writer.write(look) == (None,) * 4


async def test_a_record_is_known_in_its_system_alone(mongo_url: str) -> None:
    async with open_parts(mongo_url) as parts:
        (message,) = await send(parts.store, ANNA)

        def look(tx: Transaction) -> list[bool]:
            systems = (SYSTEM, OTHER_SYSTEM, SYSTEM)
            return [
                found is not None
                for system in systems
                for found in (tx.chat(system, message.chat_id), tx.message(system, message.id))
            ]

        assert await parts.writer.write(look) == [True, True, False, False, True, True]


async def test_only_commands_that_change_something_count_as_sent(mongo_url: str) -> None:
    def read_then_change(tx: Transaction) -> tuple[bool, bool]:
        tx.settle()
        tx.chat(SYSTEM, ChatId("0" * 24))
        before = tx.has_sent
        tx.direct()
        return before, tx.has_sent

    async with open_parts(mongo_url) as parts:
        assert await parts.writer.write(read_then_change) == (False, True)


async def test_reading_ahead_for_nobody_asks_nothing(mongo_url: str) -> None:
    async with open_parts(mongo_url) as parts:
        with parts.connection.client.start_session() as session:
            batch = Batch(Snapshot(collections=parts.connection.collections, session=session), IdGenerator())
            batch.load_chats([], [])
            batch.load_retries([])
            assert session.operation_time is None


async def test_pages_are_kept_until_the_transaction_ends_and_cleared_with_it(mongo_url: str) -> None:
    chat_id = ChatId("c")

    def put(tx: Transaction) -> int:
        tx.put_pages(chat_id, ANNA, Kind.READ, {0: 3})
        return tx.page(chat_id, ANNA, Kind.READ, 0)

    def look(tx: Transaction) -> dict[int, int]:
        return dict(tx.pages(chat_id, ANNA, Kind.READ, range(2)))

    async with open_parts(mongo_url) as parts:
        found: list[object] = []

        async def write(operation: Callable[[Transaction], object]) -> None:
            found.append(await parts.writer.write(operation))

        async with trio.open_nursery() as nursery, blocked(parts.writer):
            for operation in (put, look, lambda tx: tx.clear_pages(chat_id, ANNA, Kind.READ), look):
                nursery.start_soon(write, operation)
                await wait_all_tasks_blocked()
        assert sorted(map(str, found)) == sorted(map(str, (3, {0: 3, 1: 0}, None, {0: 0, 1: 0})))
        assert await parts.writer.write(look) == {0: 0, 1: 0}
        await parts.writer.write(put)
        assert await parts.writer.write(look) == {0: 3, 1: 0}


async def test_messages_are_read_ahead_with_one_command(mongo_url: str) -> None:
    async with open_parts(mongo_url) as parts:
        sent = await send(parts.store, ANNA, BEN)

        def look(tx: Transaction) -> list[object]:
            tx.load_messages([*(message.id for message in sent), MessageId("0" * 24)])
            tx.load_messages([sent[0].id])
            return [found and found.sequence for found in (tx.message(SYSTEM, message.id) for message in sent)]

        assert await parts.writer.write(look) == [1, 2]
