"""Pages of marks within one transaction: what was cleared is gone, what was put is there, in order of the writes."""

import pytest

from slysock_store import ChatId
from slysock_store.mongo.pages import ChangedPages, Owner
from slysock_store.mongo.transaction import Transaction
from slysock_store.progress import Kind
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, send
from tests.store.mongo_parts import open_parts

CHAT = ChatId("c")
MINE, OTHERS = Owner(CHAT, ANNA, Kind.READ), Owner(CHAT, BEN, Kind.READ)


def test_of_what_was_not_changed_nothing_is_known() -> None:
    changed = ChangedPages()
    assert changed.maybe_page((MINE, 0)) is None
    changed.put[MINE, 0] = 5
    changed.put[OTHERS, 0] = 6
    changed.clear(MINE)
    assert [changed.maybe_page((MINE, number)) for number in (0, 1)] == [0, 0]
    assert [changed.maybe_page((OTHERS, number)) for number in (0, 1)] == [6, None]


def test_later_changes_come_after_earlier_ones() -> None:
    earlier, later = ChangedPages(), ChangedPages()
    earlier.put.update({(MINE, 0): 1, (MINE, 1): 2, (OTHERS, 0): 3})
    later.clear(MINE)
    later.put[MINE, 1] = 4
    earlier.add(later)
    assert earlier.put == {(MINE, 1): 4, (OTHERS, 0): 3}
    assert earlier.cleared == {MINE}


@pytest.mark.port
async def test_a_transaction_reads_what_it_has_written_and_the_next_finds_it(mongo_url: str) -> None:
    def put(tx: Transaction) -> list[int]:
        tx.put_pages(CHAT, ANNA, Kind.READ, {0: 1, 2: 1 << 4095})
        tx.put_pages(CHAT, BEN, Kind.READ, {0: 7})
        return [tx.page(CHAT, ANNA, Kind.READ, number) for number in (0, 1, 2)]

    def clear_one(tx: Transaction) -> list[int]:
        before = dict(tx.pages(CHAT, ANNA, Kind.READ, range(3)))
        tx.clear_pages(CHAT, ANNA, Kind.READ)
        tx.put_pages(CHAT, ANNA, Kind.READ, {1: 9})
        return [*before.values(), *tx.pages(CHAT, ANNA, Kind.READ, range(3)).values()]

    def look(tx: Transaction) -> list[int]:
        return [*tx.pages(CHAT, ANNA, Kind.READ, range(3)).values(), tx.page(CHAT, BEN, Kind.READ, 0)]

    async with open_parts(mongo_url) as parts:
        assert await parts.writer.write(put) == [1, 0, 1 << 4095]
        assert await parts.writer.write(clear_one) == [1, 0, 1 << 4095, 0, 9, 0]
        assert await parts.writer.write(look) == [0, 9, 0, 7]


@pytest.mark.port
async def test_a_reader_sees_whom_messages_have_reached_between_gaps(mongo_url: str) -> None:
    async with open_parts(mongo_url) as parts:
        messages = await send(parts.store, *[ANNA] * 4)
        for message in (messages[1], messages[3]):
            await parts.store.mark_read(SYSTEM, message.chat_id, BEN, message_id=message.id)
        page = await parts.store.list_messages(SYSTEM, messages[0].chat_id)
        assert [message.read_by for message in page.items] == [(BEN,), (), (BEN,), ()]
        await parts.store.mark_read(SYSTEM, messages[0].chat_id, BEN)
        assert parts.connection.collections.receipts.count_documents({}) == 0
