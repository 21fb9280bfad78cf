"""Sending: who gets what, in which order, how often, and what is refused."""

import pytest
import trio

from slysock.systems.marketplace.managing import PRODUCT_KIND
from slysock_store import MessageId, SystemName
from tests.slysock.systems.market import Market, at, failure, length, nothing_for, settle, signal

MARKET = SystemName("marketplace")


async def test_first_message_gives_the_recipient_a_new_chat_under_message(market: Market) -> None:
    vendor = await market.vendor()
    customer = await market.customer(name="Ada King Lovelace", phone="123")
    acknowledged = await customer.send(vendor, "Are you there?")
    assert await customer.chat.expect("receiveMessage") == (acknowledged,)

    (envelope,) = await vendor.chat.expect("newChat")
    assert isinstance(envelope, dict)
    assert set(envelope) == {"statusCode", "error", "message"}
    chat = envelope["message"]
    message = at(acknowledged, "data", 0)
    assert isinstance(message, dict)
    assert at(chat, "messages") == [message]
    assert at(chat, "id") == message["chatId"]
    assert at(chat, "productId") == 12345
    assert (at(chat, "vendorId"), at(chat, "customerId")) == (5, 1)
    assert at(chat, "unReadVendorMessages") is True
    assert at(chat, "unReadCustomerMessages") is False
    assert at(chat, "customer", "userId") == 1
    assert (at(chat, "customer", "firstName"), at(chat, "customer", "lastName")) == ("Ada", "King Lovelace")
    assert at(chat, "customer", "phoneNumber") == "123"
    assert at(chat, "customer", "createdAt")
    await nothing_for(vendor.chat, customer.chat)

    assert at(acknowledged, "statusCode") == 200
    assert at(acknowledged, "error") is False
    assert at(acknowledged, "message") is None
    message.pop("id")
    message.pop("chatId")
    message.pop("timestamp")
    assert message == {
        "senderId": 1,
        "text": "Are you there?",
        "read": False,
        "recipientOnline": True,
        "senderType": "CUSTOMER",
        "messageMedias": [],
    }


async def test_later_messages_reach_all_sockets_of_both_sides(market: Market) -> None:
    vendor, customer = await market.vendor(), await market.customer()
    await customer.send(vendor)
    second_vendor, second_customer = await market.vendor(), await market.customer()
    await vendor.chat.expect("newChat")
    await customer.chat.expect("receiveMessage")
    answer = await vendor.send(customer, "yes")
    for client in (vendor, customer, second_vendor, second_customer):
        assert await client.chat.expect("receiveMessage") == (answer,)
    await nothing_for(vendor.chat, customer.chat, second_vendor.chat, second_customer.chat)


async def test_medias_are_given_ids_and_textual_sizes(market: Market) -> None:
    vendor, customer = await market.vendor(), await market.customer()
    picture = {"imageUrl": "https://img.example/a.jpg", "size": 115998, "mimeType": "image/jpeg"}
    sent = await customer.send(vendor, None, medias=[picture])
    media = at(sent, "data", 0, "messageMedias", 0)
    assert isinstance(media, dict)
    assert len(media.pop("id")) == 24
    assert media == {"imageUrl": "https://img.example/a.jpg", "size": "115998", "mimeType": "image/jpeg"}
    assert at(sent, "data", 0, "text") is None


@pytest.mark.parametrize("product_id", [7, "7", "67c79e3def5676c3f6bed3be"])
async def test_product_ids_keep_their_type(market: Market, product_id: object) -> None:
    vendor, customer = await market.vendor(), await market.customer()
    await customer.send(vendor, productId=product_id)
    (envelope,) = await vendor.chat.expect("newChat")
    assert at(envelope, "message", "productId") == product_id


async def test_a_product_is_the_same_as_number_and_as_text(market: Market) -> None:
    vendor, customer = await market.vendor(), await market.customer()
    first = await customer.send(vendor, productId=7)
    second = await customer.send(vendor, productId="7")
    assert at(first, "data", 0, "chatId") == at(second, "data", 0, "chatId")


async def test_one_chat_per_product_and_pair(market: Market) -> None:
    vendor, customer, other = await market.vendor(), await market.customer(), await market.customer(2)
    chats = {
        at(await sender.send(vendor, productId=product), "data", 0, "chatId")
        for sender in (customer, other)
        for product in (1, 2)
    }
    assert len(chats) == 4


async def test_a_retry_gets_the_first_result_and_nobody_gets_the_message_twice(market: Market) -> None:
    vendor, customer = await market.vendor(), await market.customer()
    first = await customer.send(vendor, "once", clientMessageId="a-1")
    await customer.chat.expect("receiveMessage")
    await vendor.chat.expect("newChat")
    assert await customer.send(vendor, "again", clientMessageId="a-1") == first
    assert at(first, "data", 0, "clientMessageId") == "a-1"
    await nothing_for(vendor.chat, customer.chat)
    assert await vendor.history(1) == ["once"]


async def test_a_retry_after_a_lost_connection_is_the_same(market: Market) -> None:
    vendor, customer = await market.vendor(), await market.customer()
    first = await customer.send(vendor, "once", clientMessageId="a-1")
    await market.leave(customer)
    back = await market.customer()
    assert await back.send(vendor, "once", clientMessageId="a-1") == first
    assert [event.name for event in await vendor.drain()] == ["newChat", "userIsOffline", "userIsOnline"]


async def test_a_recipient_who_is_online_without_a_chat_open_gets_it_later(market: Market) -> None:
    customer = await market.customer()
    vendor = await market.vendor()
    await vendor.chat.disconnect()
    await settle()
    sent = await customer.send(vendor, "see you")
    assert at(sent, "data", 0, "recipientOnline") is True
    back = await market.vendor()
    assert at(back.missed_on_connect, "data", "items", 0, "text") == "see you"


async def test_what_was_delivered_live_is_not_missed(market: Market) -> None:
    vendor, customer = await market.vendor(), await market.customer()
    await customer.send(vendor)
    await vendor.chat.expect("newChat")
    await market.leave(vendor)
    back = await market.vendor()
    assert length(at(back.missed_on_connect, "data", "items")) == 0
    assert at(back.chats_on_connect, "data", "items", 0, "unReadVendorMessages") is True


async def test_live_order_is_the_order_of_the_history(market: Market) -> None:
    vendor, customer = await market.vendor(), await market.customer()
    await customer.send(vendor, "0")
    await vendor.chat.expect("newChat")
    await customer.chat.expect("receiveMessage")

    async def say_many(speaker: str) -> None:
        for number in range(20):
            if speaker == "customer":
                await customer.send(vendor, f"c{number}")
            else:
                await vendor.send(customer, f"v{number}")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(say_many, "customer")
        nursery.start_soon(say_many, "vendor")
    live = {
        side.role: [at(event.args[0], "data", 0, "text") for event in await side.drain()] for side in (vendor, customer)
    }
    history = await customer.history(5, limit=100)
    assert live["VENDOR"] == live["CUSTOMER"] == history[1:]
    assert len(history) == 41


async def test_a_message_of_one_who_leaves_at_once_still_reaches_the_other(market: Market) -> None:
    vendor, customer = await market.vendor(), await market.customer()
    await customer.chat.emit("sendMessage", {"productId": 1, "recipientId": 5, "text": "bye"})
    await settle()
    await market.leave(customer)
    (envelope,) = await vendor.chat.expect("newChat")
    assert at(envelope, "message", "messages", 0, "text") == "bye"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text": None}, "A message needs text or media"),
        ({"text": ""}, "A message needs text or media"),
        ({"text": " \n "}, "A message needs text or media"),
        ({"text": "x" * 10_001}, "A text can have at most 10000 characters"),
        ({"medias": [{"imageUrl": "/a.png"}] * 11}, "A message can have at most 10 media"),
    ],
)
async def test_messages_without_contents_or_with_too_much_are_refused(
    market: Market, fields: dict[str, object], message: str
) -> None:
    vendor, customer = await market.vendor(), await market.customer()
    text = fields.pop("text", "hello")
    assert isinstance(text, str | None)
    assert await customer.send(vendor, text, **fields) == failure(400, message)
    assert await customer.chat.expect("appError") == (failure(400, message),)
    await nothing_for(vendor.chat, customer.chat)


@pytest.mark.parametrize(
    "payload",
    [
        (),
        (None,),
        ("text",),
        ({},),
        ({"productId": 1, "text": "x"},),
        ({"recipientId": 5, "text": "x"},),
        ({"productId": {"$gt": ""}, "recipientId": 5, "text": "x"},),
        ({"productId": 1, "recipientId": {"$gt": 0}, "text": "x"},),
        ({"productId": 1, "recipientId": "5", "text": "x"},),
        ({"productId": 1, "recipientId": -5, "text": "x"},),
        ({"productId": 1, "recipientId": 5.5, "text": "x"},),
        ({"productId": 1, "recipientId": True, "text": "x"},),
        ({"productId": 1, "recipientId": 5, "text": {"$ne": 1}},),
        ({"productId": "", "recipientId": 5, "text": "x"},),
        ({"productId": "p" * 129, "recipientId": 5, "text": "x"},),
        ({"productId": 10**30, "recipientId": 5, "text": "x"},),
        ({"productId": 1, "recipientId": 5, "medias": [{"imageUrl": "javascript:alert(1)"}]},),
        ({"productId": 1, "recipientId": 5, "medias": "x"},),
        ({"productId": 1, "recipientId": 5, "text": "x", "clientMessageId": 1},),
        ({"productId": 1, "recipientId": 5, "text": "x"}, "surplus"),
    ],
)
async def test_payloads_that_do_not_fit_are_refused_and_change_nothing(
    market: Market, payload: tuple[object, ...]
) -> None:
    vendor, customer = await market.vendor(), await market.customer()
    answer = await customer.chat.call("sendMessage", *payload)
    assert at(answer, "statusCode") == 400
    assert str(at(answer, "message")).startswith("Invalid payload: ")
    assert await customer.chat.expect("appError") == (answer,)
    await nothing_for(vendor.chat, customer.chat)
    assert length(at(await customer.chat.call("getUserChats"), "data")) == 0


@pytest.mark.parametrize("event", ["sendMessage", "joinChat", "markAsRead", "deleteMessage", "typing", "stoppedTyping"])
async def test_same_role_and_oneself_are_refused(market: Market, event: str) -> None:
    customer, other = await market.customer(1), await market.customer(2)
    same_role = failure(400, "A customer can only chat with a vendor")
    oneself = failure(400, "You cannot chat with yourself")
    for recipient_id, error in ((2, same_role), (1, oneself)):
        payload = {"productId": 1, "recipientId": recipient_id, "text": "x", "messageId": "67c04c9f108c8c9aa29b1d11"}
        assert await customer.chat.call(event, payload) == error
        assert await customer.chat.expect("appError") == (error,)
    await nothing_for(customer.chat, other.chat)


async def test_a_recipient_type_says_for_certain_who_is_meant(market: Market) -> None:
    customer, other = await market.customer(2), await market.customer(5)
    assert at(await customer.send(5, recipientType="CUSTOMER"), "statusCode") == 400
    sent = await customer.send(5, recipientType="VENDOR")  # whom nobody has told us of yet
    assert at(sent, "statusCode") == 200
    for _ in range(2):  # also in a chat that is known
        await customer.send(5)
        assert at(await customer.send(5, recipientType="CUSTOMER"), "statusCode") == 400
    vendor = await market.vendor(5)
    assert at(vendor.missed_on_connect, "data", "items", 0, "text") == "hello"
    await nothing_for(other.chat)


async def test_the_vendor_of_a_product_that_was_told_is_meant_whoever_else_has_the_number(market: Market) -> None:
    customer, namesake = await market.customer(1), await market.customer(5)
    product = {"vendorId": 5, "name": "A lamp"}
    await market.store.put_reference(MARKET, kind=PRODUCT_KIND, key="12345", data=product)
    name = {"productId": 12345, "recipientId": 5}
    for event in ("joinChat", "markAsRead"):  # there is none yet
        assert await customer.chat.call(event, name) == failure(404, "Chat not found")
    assert await customer.chat.call("typing", name) == signal("User is typing")
    for person in (customer, namesake):  # the latter writes to their own number
        assert at(await person.send(5, "for the vendor"), "statusCode") == 200
    assert at(await customer.chat.call("sendMessage", {**name, "productId": 2, "text": "x"}), "statusCode") == 200
    same_role = failure(400, "A customer can only chat with a vendor")
    stranger = await market.customer(3)
    assert await stranger.chat.call("sendMessage", {**name, "productId": 2, "text": "x"}) == same_role
    assert await stranger.send(1) == same_role  # of another number than the product's vendor
    vendor = await market.vendor(5)
    assert at(vendor.missed_on_connect, "data", "pagination", "totalRecords") == 3


async def test_a_customer_and_a_vendor_of_one_number_are_two_people(market: Market) -> None:
    vendor, customer = await market.vendor(2), await market.customer(2)
    await customer.send(vendor, "same number")
    (envelope,) = await vendor.chat.expect("newChat")
    assert (at(envelope, "message", "vendorId"), at(envelope, "message", "customerId")) == (2, 2)


async def test_only_the_sender_deletes_and_both_are_told(market: Market) -> None:
    vendor, customer = await market.vendor(), await market.customer()
    sent = await customer.send(vendor, "oops")
    await vendor.chat.expect("newChat")
    await customer.chat.expect("receiveMessage")
    message_id = at(sent, "data", 0, "id")

    by_vendor = {"productId": 12345, "recipientId": 1, "messageId": message_id}
    refused = failure(403, "Only the sender of a message may do this")
    assert await vendor.chat.call("deleteMessage", by_vendor) == refused
    assert await vendor.chat.expect("appError") == (refused,)
    await nothing_for(customer.chat)

    by_customer = {"productId": 12345, "recipientId": 5, "messageId": message_id}
    deleted = signal("Message has been deleted successfully")
    assert await customer.chat.call("deleteMessage", by_customer) == deleted
    for side in (vendor, customer):
        assert await side.chat.expect("messageDeleted") == (deleted,)
    assert await vendor.history(1) == []
    stored = await market.store.get_message(MARKET, MessageId(str(message_id)))
    assert stored is not None
    assert stored.is_deleted

    await settle()
    vendor.chat.waiting()
    customer.chat.waiting()
    assert await customer.chat.call("deleteMessage", by_customer) == deleted
    await nothing_for(vendor.chat, customer.chat)


async def test_a_deleted_message_is_not_handed_out_to_who_was_away(market: Market) -> None:
    customer = await market.customer()
    sent = await customer.send(5, "oops")
    payload = {"productId": 12345, "recipientId": 5, "messageId": at(sent, "data", 0, "id")}
    await customer.chat.call("deleteMessage", payload)
    vendor = await market.vendor()
    assert length(at(vendor.missed_on_connect, "data", "items")) == 0


@pytest.mark.parametrize(
    ("event", "heard", "message"),
    [
        ("typing", "userTyping", "User is typing"),
        ("stoppedTyping", "stoppedTyping", "User has stopped typing"),
    ],
)
async def test_typing_reaches_the_recipient_alone(market: Market, event: str, heard: str, message: str) -> None:
    vendor, customer, other = await market.vendor(), await market.customer(), await market.vendor(6)
    envelope = signal(message)
    assert await customer.chat.call(event, {"productId": "3234352", "recipientId": 5}) == envelope
    assert await vendor.chat.expect(heard) == (envelope,)
    await nothing_for(vendor.chat, customer.chat, other.chat)
    assert length(at(await customer.chat.call("getUserChats"), "data")) == 0
