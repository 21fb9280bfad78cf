"""What the writer knows of chats without reading is always what the database holds."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from slysock_store import ChatChanges, ChatId, SystemName, UserKey
from slysock_store.sqlite.chats import get_chat
from slysock_store.sqlite.known_chats import KnownChats
from slysock_store.sqlite.transaction import Transaction
from slysock_store.testing import audit
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, between, said
from tests.store.blocking import blocked
from tests.store.sqlite_parts import Parts, open_parts

OTHER = SystemName("other")


def check(parts: Parts) -> None:
    """Compare everything that is known with the database."""
    for chat in parts.committer.chats:
        assert get_chat(parts.connection, chat.system, chat.id) == chat


def is_known(parts: Parts, chat_id: ChatId) -> bool:
    return parts.committer.chats.get(SYSTEM, chat_id) is not None


async def test_no_operation_leaves_something_known_that_is_not_so(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        store = parts.store
        first = await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        second = await store.add_message(SYSTEM, first.chat.id, said(BEN, client_message_id="1"))
        chat, message = first.chat.id, first.message.id
        operations = (
            partial(store.ensure_chat, SYSTEM, between(ANNA, BEN)),
            partial(store.ensure_chat, OTHER, between(ANNA, BEN)),
            partial(store.add_message, SYSTEM, chat, said(ANNA)),
            partial(store.add_message, SYSTEM, between(ANNA, BEN), said(BEN, client_message_id="1")),
            partial(store.add_message, SYSTEM, chat, said(UserKey("ADMIN:1"))),
            partial(store.edit_message, SYSTEM, message, by=ANNA, text="other"),
            partial(store.set_reaction, SYSTEM, message, by=BEN, emoji="!"),
            partial(store.mark_delivered, SYSTEM, chat, BEN),
            partial(store.mark_read, SYSTEM, chat, BEN, message_id=message),
            partial(store.mark_read, SYSTEM, chat, UserKey("ADMIN:2")),
            partial(store.delete_message, SYSTEM, second.message.id, by=BEN),
            partial(store.take_undelivered, SYSTEM, ANNA),
            partial(store.mark_read, SYSTEM, chat, ANNA),
            partial(store.update_chat, SYSTEM, chat, ChatChanges(status="closed", extra={"a": [1]})),
            partial(store.update_chat, SYSTEM, chat, ChatChanges(add_participants=(UserKey("ADMIN:1"),))),
            partial(store.toggle_block, SYSTEM, chat, BEN),
            partial(store.toggle_block, SYSTEM, chat, BEN),
            partial(store.add_message, SYSTEM, chat, said(ANNA)),
        )
        for operation in operations:
            await operation()
            check(parts)
        assert is_known(parts, chat)
        await audit(store, chat)


async def test_a_write_that_is_undone_leaves_nothing_known(tmp_path: Path) -> None:
    def torn(tx: Transaction) -> None:
        tx.change_chat(ChatId("none"), "UPDATE chats SET status = 'torn'", ())
        tx.chats.clear()
        for (chat_id,) in tx.connection.execute("SELECT id FROM chats").fetchall():
            chat = get_chat(tx.connection, SYSTEM, chat_id)
            assert chat is not None
            tx.chats.remember(chat)
        raise ZeroDivisionError("a bug")

    async with open_parts(tmp_path / "chat.db") as parts:
        chat = (await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))).chat
        with pytest.raises(ZeroDivisionError):
            await parts.writer.write(torn)
        check(parts)
        added = await parts.store.add_message(SYSTEM, chat.id, said(BEN))
        assert (added.chat.status, added.message.sequence) == ("open", 2)

        async def broken() -> None:
            with pytest.raises(ZeroDivisionError):
                await parts.writer.write(torn)

        async with trio.open_nursery() as nursery, blocked(parts.writer):
            for work in (broken, partial(parts.store.add_message, SYSTEM, chat.id, said(BEN)), broken):
                nursery.start_soon(work)
                await wait_all_tasks_blocked()
        check(parts)
        assert len(await audit(parts.store, chat.id)) == 3


async def test_what_another_process_writes_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    async with open_parts(path) as parts:
        chat = (await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))).chat
        assert is_known(parts, chat.id)
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("UPDATE chats SET status = 'closed'")
        added = await parts.store.add_message(SYSTEM, chat.id, said(ANNA))
        assert added.chat.status == "closed"
        check(parts)


async def test_a_chat_is_known_in_its_own_system_only(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        chat = (await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))).chat
        assert parts.committer.chats.get(OTHER, chat.id) is None
        assert parts.committer.chats.find(OTHER, chat.key) is None
        assert parts.committer.chats.find(SYSTEM, chat.key) == parts.committer.chats.get(SYSTEM, chat.id)


async def test_past_the_limit_all_are_forgotten_and_the_new_one_is_kept(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        ensured = [await parts.store.ensure_chat(SYSTEM, between(ANNA, BEN, key=str(number))) for number in range(3)]
    known = KnownChats(max_chats=2)
    for each in ensured:
        known.remember(each.chat)
    assert list(known) == [ensured[2].chat]
    known.remember(ensured[2].chat)
    known.forget(ensured[0].chat.id)
    assert len(known) == 1
    known.forget(ensured[2].chat.id)
    assert (len(known), known.find(SYSTEM, ensured[2].chat.key)) == (0, None)
