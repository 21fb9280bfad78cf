"""Marks cost what they should in long chats, and name and hand out the right messages."""

from pathlib import Path

import pytest

from slysock_store import ChatId, MarkedMessages, MessageId, NewMessage, SystemName, UserKey, open_store
from slysock_store.paging import window
from slysock_store.progress import PAGE_MESSAGES, Kind
from slysock_store.receipts import FIRST_LOOK, mark_all
from slysock_store.sqlite.chats import existing_chat
from slysock_store.sqlite.receipts import ReceiptRecords, mark_read, take_undelivered
from slysock_store.sqlite.transaction import Transaction
from slysock_store.testing import Check, SettableClock
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, between, said, send
from slysock_store.testing.model import CHECKS
from tests.store import long_chat
from tests.store.conftest import opener
from tests.store.contract import each_of
from tests.store.long_chat import SENDER
from tests.store.sqlite_parts import Parts, open_parts

LONG = long_chat.SYSTEM
READER = UserKey("VENDOR:1")


async def long_one(path: Path, size: int) -> ChatId:
    return await long_chat.make(f"sqlite:///{path}", key="1", size=size, readers=(READER,))


def rows(parts: Parts, table: str) -> int:
    (count,) = parts.connection.execute(f"SELECT count(*) FROM {table}").fetchone()
    assert isinstance(count, int)
    return count


@each_of(CHECKS)
async def test_contract(check: Check) -> None:
    await check(opener("sqlite://"))


async def test_every_other_of_100_000_messages_is_read_one_by_one(tmp_path: Path) -> None:
    size = 100_000
    chat_id = await long_one(tmp_path / "chat.db", size)
    async with open_parts(tmp_path / "chat.db") as parts:
        ids = dict(parts.connection.execute("SELECT sequence, id FROM messages").fetchall())

        def read(tx: Transaction, first: int) -> int:
            numbers = range(first, min(first + 2_000, size + 1), 2)
            return sum(mark_read(tx, LONG, chat_id, READER, MessageId(ids[n])).count for n in numbers)

        counts = [await parts.writer.write(read, first) for first in range(2, size + 1, 2_000)]
        assert sum(counts) == size // 2
        assert rows(parts, "receipt_pages") == 2 * (size // PAGE_MESSAGES + 1)  # as read, and as delivered
        page = await parts.store.list_messages(LONG, chat_id, page=size // 200, limit=100)
        assert [READER in message.read_by for message in page.items] == [True, False] * 50
        marked = await parts.store.mark_read(LONG, chat_id, READER)
        assert (marked.count, marked.chat.unread_of(READER)) == (size // 2, 0)
        assert [marked.message_ids[n] for n in (0, 1)] == [ids[size - 1], ids[size - 3]]
        assert [n in marked.sequences for n in (1, 2, size - 1, size)] == [True, False, True, False]
        assert rows(parts, "receipt_pages") == 0


async def test_what_waits_is_taken_page_by_page_from_a_long_chat(tmp_path: Path) -> None:
    size = 2 * PAGE_MESSAGES + 50
    chat_id = await long_one(tmp_path / "chat.db", size)
    async with open_store(f"sqlite:///{tmp_path}/chat.db") as store:
        await store.add_message(LONG, chat_id, NewMessage(sender=READER, text="one's own"))
        expected = list(range(size, 0, -1))
        taken: list[int] = []
        while items := (await store.take_undelivered(LONG, READER, limit=100)).page.items:
            taken += [message.sequence for message in items]
            if len(taken) == 300:
                added = await store.add_message(LONG, chat_id, NewMessage(sender=SENDER, text="meanwhile"))
                expected.insert(300, added.message.sequence)
        assert taken == expected
        assert (await store.mark_delivered(LONG, chat_id, READER)).count == 0


async def test_one_that_waits_below_very_many_of_ones_own_is_counted_and_found_once(tmp_path: Path) -> None:
    """A mark looks for names only so far; taking goes on until it has found what it counts."""
    async with open_parts(tmp_path / "chat.db") as parts:
        (first,) = await send(parts.store, BEN)
        await send(parts.store, *[ANNA] * 2_000)

        def mark(tx: Transaction) -> MarkedMessages:
            chat = existing_chat(tx, SYSTEM, first.chat_id)
            return mark_all(ReceiptRecords(tx), chat, ANNA, Kind.READ)

        taken = await parts.store.take_undelivered(SYSTEM, ANNA)
        assert [message.id for message in taken.page.items] == [first.id]
        marked = await parts.writer.write(mark)
        assert (marked.count, marked.message_ids, first.sequence in marked.sequences) == (1, (), True)


@pytest.mark.parametrize("waiting", [1, FIRST_LOOK, 3 * FIRST_LOOK])
async def test_the_newest_of_many_chats_are_taken_in_their_order(tmp_path: Path, waiting: int) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        sent = [
            (await parts.store.add_message(SYSTEM, between(ANNA, BEN, key=str(number)), said(ANNA))).message
            for _ in range(waiting)
            for number in range(7)
        ]
        sent.sort(key=lambda message: (message.created_at, message.chat_id, message.sequence), reverse=True)
        taken = await parts.store.take_undelivered(SYSTEM, BEN, limit=5)
        rest = await parts.store.take_undelivered(SYSTEM, BEN, limit=100)
        found = [*taken.page.items, *rest.page.items]
        assert [message.id for message in found] == [message.id for message in sent[: len(found)]]


async def test_taking_nothing_is_no_change(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        taken = await parts.writer.write(take_undelivered, SystemName("none"), BEN, window(1, 20))
        assert (taken.page.items, taken.page.total_records, dict(taken.chats)) == ((), 0, {})


async def test_where_a_clock_was_far_ahead_nothing_that_waits_is_left_out(tmp_path: Path) -> None:
    clock = SettableClock()
    async with open_store(f"sqlite:///{tmp_path}/chat.db", clock=clock) as store:
        clock.move(86_400)
        ahead = await send(store, ANNA, ANNA)
        clock.move(-86_400)
        later = await send(store, ANNA, ANNA)
        elsewhere = await send(store, ANNA, chat=between(ANNA, BEN, key="elsewhere"))
        sent = {message.id for message in (*ahead, *later, *elsewhere)}
        listed: list[MessageId] = []
        while items := (
            await store.list_undelivered(SYSTEM, BEN, before=listed[-1] if listed else None, limit=1)
        ).page.items:
            listed += [message.id for message in items]
        assert (len(listed), set(listed)) == (5, sent)
        taken: list[MessageId] = []
        while items := (await store.take_undelivered(SYSTEM, BEN, limit=1)).page.items:
            taken += [message.id for message in items]
        assert taken == listed
