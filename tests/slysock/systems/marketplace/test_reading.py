"""Opening, reading and listing chats, presence, and what strangers get: nothing."""

import pytest
import trio
from trio.testing import MockClock

from tests.slysock.systems.market import Market, Visitor, at, failure, length, nothing_for, signal

NOT_FOUND = failure(404, "Chat not found")
RECEIPTS = signal("Messages marked as read")


async def acquainted(market: Market, *texts: str) -> tuple[Visitor, Visitor, str]:
    """Give a vendor, a customer who has written, both with empty inboxes, and the id of their chat."""
    vendor, customer = await market.vendor(), await market.customer()
    chat_id = ""
    for text in texts or ("hello",):
        chat_id = str(at(await customer.send(vendor, text), "data", 0, "chatId"))
    await vendor.drain()
    await customer.drain()
    return vendor, customer, chat_id


async def test_joining_loads_the_history_under_both_names_and_tells_the_other(market: Market) -> None:
    vendor, customer, chat_id = await acquainted(market, "one", "two")
    acknowledged = await vendor.chat.call("joinChat", {"productId": 12345, "recipientId": 1})
    (loaded,) = await vendor.chat.expect("loadChat")
    assert await vendor.chat.expect("loadMessages") == (loaded,)
    assert acknowledged == loaded
    assert at(loaded, "message") == "Chat has been loaded"
    data = at(loaded, "data")
    assert at(data, "id") == chat_id
    assert (at(data, "productId"), at(data, "vendorId"), at(data, "customerId")) == (12345, 5, 1)
    assert at(data, "unReadVendorMessages") is False
    messages = at(data, "messages")
    assert isinstance(messages, list)
    assert [at(message, "text") for message in messages] == ["one", "two"]
    assert [at(message, "read") for message in messages] == [True, True]
    for name in ("id", "senderId", "timestamp", "recipientOnline", "chatId", "senderType", "messageMedias"):
        assert name in messages[0]
    assert at(data, "pagination", "totalRecords") == 2
    assert await customer.chat.expect("updateReadReceipts") == (RECEIPTS,)
    await nothing_for(vendor.chat, customer.chat)


async def test_joining_what_is_read_already_tells_nobody(market: Market) -> None:
    vendor, customer, _ = await acquainted(market)
    await customer.chat.call("joinChat", {"productId": 12345, "recipientId": 5})
    await nothing_for(vendor.chat)


async def test_history_comes_in_pages_of_the_newest_first_each_oldest_first(market: Market) -> None:
    _, customer, _ = await acquainted(market, *(str(number) for number in range(25)))
    assert await customer.history(5) == [str(number) for number in range(5, 25)]
    assert await customer.history(5, page=2) == [str(number) for number in range(5)]
    assert await customer.history(5, page=3) == []
    assert await customer.history(5, limit=2) == ["23", "24"]
    loaded = await customer.chat.call("joinChat", {"productId": 12345, "recipientId": 5, "page": 2, "limit": 10})
    assert at(loaded, "data", "pagination") == {
        "currentPage": 2,
        "nextPage": 3,
        "prevPage": 1,
        "hasNext": True,
        "hasPrev": True,
        "totalPages": 3,
        "totalRecords": 25,
    }


@pytest.mark.parametrize("paging", [{"page": 0}, {"limit": 0}, {"page": "1"}, {"limit": {"$gt": 0}}, {"page": 10**30}])
async def test_paging_that_makes_no_sense_is_refused(market: Market, paging: dict[str, object]) -> None:
    _, customer, _ = await acquainted(market)
    answer = await customer.chat.call("joinChat", {"productId": 12345, "recipientId": 5, **paging})
    assert at(answer, "statusCode") == 400


async def test_deleted_messages_take_up_no_room_in_pages_and_totals(market: Market) -> None:
    customer, vendor = await market.customer(), await market.vendor()
    ids = [at(await customer.send(vendor, f"{number}"), "data", 0, "id") for number in range(24)]
    for message_id in ids[2:23]:
        payload = {"productId": 12345, "recipientId": vendor.id, "messageId": message_id}
        await customer.chat.call("deleteMessage", payload)
    assert await customer.history(vendor.id) == ["0", "1", "23"]
    loaded = at(await vendor.chat.call("joinChat", {"productId": 12345, "recipientId": 1, "limit": 2}), "data")
    assert (at(loaded, "messages", 0, "text"), at(loaded, "messages", 1, "text")) == ("1", "23")
    assert (at(loaded, "pagination", "totalRecords"), at(loaded, "pagination", "totalPages")) == (3, 2)
    assert await vendor.history(1, limit=2, page=2) == ["0"]
    listed = at(await customer.chat.call("getUserChats"), "data", 0, "messages")
    assert isinstance(listed, list)
    assert [at(message, "text") for message in listed] == ["23", "1", "0"]


async def test_a_page_has_a_cap(market: Market) -> None:
    _, customer, _ = await acquainted(market)
    loaded = await customer.chat.call("joinChat", {"productId": 12345, "recipientId": 5, "limit": 10_000})
    assert at(loaded, "data", "pagination", "totalPages") == 1
    answer = await customer.chat.call("getUserChats", {"limit": 10_000})
    assert at(answer, "pagination", "totalPages") == 1


@pytest.mark.parametrize("form", ["chat id", "product and recipient", "envelope"])
async def test_a_chat_is_marked_read_in_each_form_of_the_payload(market: Market, form: str) -> None:
    vendor, customer, chat_id = await acquainted(market)
    payload = {
        "chat id": {"chatId": chat_id},
        "product and recipient": {"productId": 12345, "recipientId": 1},
        "envelope": {"statusCode": 200, "error": False, "message": {"id": chat_id, "productId": "x", "messages": []}},
    }[form]
    assert await vendor.chat.call("markAsRead", payload) == RECEIPTS
    assert await customer.chat.expect("updateReadReceipts") == (RECEIPTS,)
    await nothing_for(vendor.chat, customer.chat)
    listed = await vendor.chat.call("getUserChats")
    assert at(listed, "data", 0, "unReadVendorMessages") is False
    assert at(listed, "data", 0, "messages", 0, "read") is True


@pytest.mark.parametrize("payload", [{}, {"productId": 1}, {"recipientId": 5}, {"message": None}, {"message": {}}])
async def test_a_mark_that_names_no_chat_is_refused(market: Market, payload: dict[str, object]) -> None:
    vendor, customer, _ = await acquainted(market)
    assert at(await vendor.chat.call("markAsRead", payload), "statusCode") == 400
    await vendor.chat.expect("appError")
    await nothing_for(vendor.chat, customer.chat)


@pytest.mark.parametrize("event", ["getUserChats", "joinRooms"])
async def test_chats_are_listed_as_a_bare_list_with_messages_and_counterpart(market: Market, event: str) -> None:
    vendor = await market.vendor(store=[{"storeId": 9, "name": "Wonderds"}])
    customer = await market.customer()
    await customer.send(vendor, "first")
    await vendor.send(customer, "second")
    await customer.drain()
    answer = await customer.chat.call(event)
    assert await customer.chat.expect("userChats") == (answer,)
    assert at(answer, "message") == "Chats has been sent successfully"
    (chat,) = [at(answer, "data", 0)]
    assert length(at(answer, "data")) == 1
    assert at(chat, "storeId") == 9
    assert at(chat, "vendor", "store", 0, "storeId") == 9
    texts = [at(chat, "messages", position, "text") for position in (0, 1)]
    assert texts == ["second", "first"]
    assert at(answer, "pagination", "totalRecords") == 1


async def test_the_latest_chat_is_listed_first(autojump_clock: MockClock, market: Market) -> None:
    vendor, customer = await market.vendor(), await market.customer()
    for product in (1, 2, 1):
        await customer.send(vendor, productId=product)
        await trio.sleep(1)
    answer = await customer.chat.call("getUserChats", {"limit": 1})
    assert at(answer, "data", 0, "productId") == 1
    assert at(answer, "pagination", "hasNext") is True


async def test_joining_rooms_joins_the_rooms_of_the_chats(market: Market) -> None:
    _, customer, chat_id = await acquainted(market)
    await customer.chat.call("joinRooms")
    (socket,) = market.memory.server.of("/chat").to(f"chat:{chat_id}").sockets()
    assert socket.id == customer.chat.id


async def test_coming_and_going_is_told_to_those_one_chats_with(market: Market) -> None:
    vendor, customer, _ = await acquainted(market)
    stranger = await market.customer(2)
    await market.leave(vendor)
    gone = {
        "statusCode": 200,
        "error": False,
        "message": "User has gone offline",
        "data": {"userId": 5, "userType": "VENDOR"},
    }
    for client in (customer.presence, customer.chat):
        assert await client.expect("userIsOffline") == (gone,)
    await market.vendor()
    for client in (customer.presence, customer.chat):
        assert await client.expect("userIsOnline") == ({**gone, "message": "User is online"},)
    await nothing_for(customer.presence, customer.chat, stranger.presence, stranger.chat)


async def test_only_the_first_and_the_last_socket_of_a_user_count(market: Market) -> None:
    vendor, customer, _ = await acquainted(market)
    second = await market.vendor()
    await market.leave(vendor)
    await nothing_for(customer.presence, customer.chat)
    await market.leave(second)
    await customer.presence.expect("userIsOffline")


async def test_going_without_a_word_is_going_offline(autojump_clock: MockClock, market: Market) -> None:
    vendor, customer, _ = await acquainted(market)
    vendor.connection.engine.pace.vanish()
    await customer.presence.expect("userIsOffline")


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        ("joinChat", {"productId": 12345, "recipientId": 5}),
        ("markAsRead", {"chatId": "CHAT"}),
        ("markAsRead", {"message": {"id": "CHAT"}}),
        ("markAsRead", {"productId": 12345, "recipientId": 5}),
        ("deleteMessage", {"productId": 12345, "recipientId": 5, "messageId": "MESSAGE"}),
    ],
)
async def test_a_stranger_gets_and_changes_nothing(market: Market, event: str, payload: dict[str, object]) -> None:
    vendor, customer, chat_id = await acquainted(market)
    stranger = await market.customer(2)
    message_id = at(await customer.send(vendor, "private"), "data", 0, "id")
    await vendor.drain()
    await customer.drain()
    names = {"CHAT": chat_id, "MESSAGE": message_id}
    filled = {key: names.get(value, value) if isinstance(value, str) else value for key, value in payload.items()}
    if "message" in filled:
        filled["message"] = {"id": chat_id}
    assert await stranger.chat.call(event, filled) == NOT_FOUND
    assert await stranger.chat.expect("appError") == (NOT_FOUND,)
    await nothing_for(vendor.chat, customer.chat, stranger.chat)
    listed = await vendor.chat.call("getUserChats")
    assert at(listed, "data", 0, "unReadVendorMessages") is True
    assert at(listed, "data", 0, "messages", 0, "text") == "private"


async def test_a_message_of_another_chat_cannot_be_deleted_through_ones_own(market: Market) -> None:
    vendor, customer, _ = await acquainted(market)
    stranger = await market.customer(2)
    await stranger.send(vendor, "mine")
    message_id = at(await customer.send(vendor, "private"), "data", 0, "id")
    payload = {"productId": 12345, "recipientId": 5, "messageId": message_id}
    assert await stranger.chat.call("deleteMessage", payload) == failure(404, "Message not found")


async def test_lists_of_a_stranger_are_empty_and_nothing_reaches_them(market: Market) -> None:
    stranger = await market.vendor(6)
    vendor, customer, _ = await acquainted(market)
    await vendor.chat.call("markAsRead", {"productId": 12345, "recipientId": 1})
    await customer.chat.call("typing", {"productId": 12345, "recipientId": 5})
    for event in ("getUserChats", "joinRooms"):
        assert length(at(await stranger.chat.call(event), "data")) == 0
        await stranger.chat.expect("userChats")
    await nothing_for(stranger.chat, stranger.presence)
