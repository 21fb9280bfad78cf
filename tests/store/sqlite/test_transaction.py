"""What a write works with: its time, ids made from it, and chats that are read again once they were changed."""

from pathlib import Path

from slysock_store.sqlite.transaction import Transaction
from slysock_store.testing.harness import ANNA, BEN, START, SYSTEM, between
from slysock_store.times import to_milliseconds
from tests.store.sqlite_parts import open_parts


async def test_ids_are_of_the_transactions_time_and_differ(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        first, second = await parts.writer.write(lambda tx: (tx.new_id(), tx.new_id()))
    assert int(first[:8], 16) == int(second[:8], 16) == to_milliseconds(START) // 1000
    assert first < second


async def test_a_chat_that_is_changed_is_forgotten(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        chat = (await parts.store.ensure_chat(SYSTEM, between(ANNA, BEN))).chat

        def close(tx: Transaction) -> int:
            assert tx.chats.get(SYSTEM, chat.id) == chat
            changed = tx.change_chat(chat.id, "UPDATE chats SET status = ? WHERE id = ?", ("closed", chat.id))
            assert tx.chats.get(SYSTEM, chat.id) is None
            return changed.rowcount

        assert await parts.writer.write(close) == 1
        closed = await parts.store.get_chat(SYSTEM, chat.id)
        assert closed is not None
        assert closed.status == "closed"
