"""Senders of long chats are told of each message that became read, whatever a store names at once."""

from pathlib import Path

import pytest
import trio

from slysock.systems.pets import NAME
from slysock_store import MAX_LIMIT, ChatId, NewMessage, Store, UserKey
from tests.slysock.systems.market import at
from tests.slysock.systems.pets.shop import Person, Shop, open_shop


async def fill(store: Store, chat: str, sender: str, count: int) -> list[str]:
    """Put messages into a chat; give their ids."""
    return [
        (await store.add_message(NAME, ChatId(chat), NewMessage(sender=UserKey(sender), text=f"{number}"))).message.id
        for number in range(count)
    ]


async def read_by_ben(anna: Person, count: int) -> list[object]:
    """Wait for so many receipts, and for no more."""
    told = [at((await anna.socket.expect("messageRead"))[0], "messageId") for _ in range(count)]
    await trio.sleep(10)
    assert await anna.drain() == []
    return told


@pytest.mark.parametrize("count", [MAX_LIMIT, MAX_LIMIT + 1, 3 * MAX_LIMIT + 7])
@pytest.mark.parametrize("by", ["request", "event"])
async def test_each_message_that_became_read_is_told_once(
    shop: Shop, autojump_clock: trio.testing.MockClock, count: int, by: str
) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    store = shop.running.store
    await fill(store, chat, "anna", 3)
    await ben.data("PUT", f"/{chat}/mark-read")  # these are not told of again
    await trio.sleep(1)
    mixed = [await fill(store, chat, "anna", count // 2), await fill(store, chat, "ben", 150)]
    expected = [*mixed[0], *await fill(store, chat, "anna", count - count // 2)]
    await anna.drain()
    if by == "request":
        assert await ben.data("PUT", f"/{chat}/mark-read") == {"chatId": chat, "count": count}
    else:
        assert at(await ben.socket.call("markAsRead", {"chatId": chat}), "count") == count
    assert sorted(map(str, await read_by_ben(anna, count))) == sorted(expected)


@pytest.mark.port  # a real store, whose writer is a thread
async def test_messages_that_come_meanwhile_hide_none_and_are_not_told_of(tmp_path: Path) -> None:
    async with open_shop(tmp_path / "media", url=f"sqlite:///{tmp_path}/chat.db") as shop:
        anna, ben = await shop.visit("anna"), await shop.visit("ben")
        chat = await anna.create("ben")
        expected = await fill(shop.running.store, chat, "anna", 250)
        await ben.data("PUT", f"/{chat}/mark-read")
        await fill(shop.running.store, chat, "anna", 30)
        with trio.fail_after(20):
            told = [at((await anna.socket.expect("messageRead"))[0], "messageId") for _ in range(250)]
        assert sorted(map(str, told)) == sorted(expected)
        assert await anna.drain() == []
