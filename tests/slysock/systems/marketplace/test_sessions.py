"""Who may come in, what they get at once, and how long they stay."""

import re

import pytest
import trio
from trio.testing import MockClock

from slysock.testing import MemoryClient
from tests.slysock.systems.market import Market, at, failure, length, nothing_for, settle, signal, token_for

MISSING = failure(401, "Authentication token is missing")
INVALID = failure(401, "Authentication token is invalid")
EXPIRED = failure(401, "Authentication token has expired")
NO_PLACE = failure(403, "Only customers and vendors may use this chat")
NO_USER = failure(401, "The token does not identify a user of this chat")


async def expect_shown_out(client: MemoryClient, error: object) -> None:
    assert await client.expect("appError") == (error,)
    assert await client.wait_disconnected(5) == "io server disconnect"


@pytest.mark.parametrize("namespace", ["/presence", "/chat"])
@pytest.mark.parametrize(
    ("token", "error"),
    [
        (lambda: None, MISSING),
        (lambda: "", MISSING),
        (lambda: 17, INVALID),
        (lambda: "not.a.token", INVALID),
        (lambda: token_for(1, "CUSTOMER")[:-4] + "AAAA", INVALID),
        (lambda: token_for(1, "CUSTOMER", expires_in=-1), EXPIRED),
        (lambda: token_for(1, "ADMIN"), NO_PLACE),
        (lambda: token_for("abc", "CUSTOMER"), NO_USER),
        (lambda: token_for(-1, "CUSTOMER"), NO_USER),
        (lambda: token_for("9" * 17, "CUSTOMER"), NO_USER),
    ],
)
async def test_unusable_token_is_connected_told_and_disconnected(
    market: Market, namespace: str, token: object, error: object
) -> None:
    assert callable(token)
    client = await market.memory.connect(namespace, auth={"token": token()})
    await expect_shown_out(client, error)


async def test_chat_without_presence_is_told_and_disconnected(autojump_clock: MockClock, market: Market) -> None:
    client = await market.memory.connect("/chat", auth={"token": token_for(1, "CUSTOMER")})
    await expect_shown_out(client, failure(403, "You are not online: connect to /presence first"))


async def test_chat_may_be_opened_a_moment_before_presence(autojump_clock: MockClock, market: Market) -> None:
    token = token_for(1, "CUSTOMER")
    chat = await market.memory.connect("/chat", auth={"token": token})
    await settle()
    await market.memory.connect("/presence", auth={"token": token})
    await chat.expect("userChats")
    await chat.expect("offlineMessages")


async def test_events_of_one_who_was_shown_out_do_nothing(market: Market) -> None:
    vendor = await market.vendor()
    stranger = await market.memory.connect("/chat", auth={})
    await stranger.emit("sendMessage", {"productId": 1, "recipientId": 5, "text": "hi"})
    await expect_shown_out(stranger, MISSING)
    await nothing_for(vendor.chat, vendor.presence)


@pytest.mark.parametrize("user_id", [1, "1"])
@pytest.mark.parametrize("role", ["CUSTOMER", "customer", "Customer"])
async def test_numeric_ids_and_roles_of_any_case_are_the_same_user(market: Market, user_id: object, role: str) -> None:
    vendor = await market.vendor()
    await vendor.send(1)
    token = token_for(user_id, role)
    await market.memory.connect("/presence", auth={"token": token})
    chat = await market.memory.connect("/chat", auth={"token": token})
    (chats,) = await chat.expect("userChats")
    assert at(chats, "data", "items", 0, "customerId") == 1


async def test_connecting_gives_chats_and_missed_messages_in_the_documents_shape(market: Market) -> None:
    customer = await market.customer(name="Ada Lovelace")
    await market.leave(customer)
    vendor = await market.vendor(
        firstName="William", lastName="Lock", email="w@example.org", store=[{"storeId": 7, "name": "Wonderds"}]
    )
    await vendor.send(1, "Hi Customer")
    await vendor.send(1, "Are you there?")

    back = await market.customer()
    assert at(back.chats_on_connect, "statusCode") == 200
    assert at(back.chats_on_connect, "error") is False
    assert at(back.chats_on_connect, "message") == "Chats have been sent successfully"
    chat = at(back.chats_on_connect, "data", "items", 0)
    assert isinstance(chat, dict)
    vendor_object = chat.pop("vendor")
    chat_id = chat.pop("id")
    assert re.fullmatch(r"2025-[0-9-]{5}T[0-9:]{8}\.[0-9]{3}Z", str(chat["lastMessageAt"]))
    created_at = chat.pop("createdAt")
    sent_at = chat["lastMessageAt"]
    assert chat == {
        "productId": 12345,
        "vendorId": 5,
        "customerId": 1,
        "lastMessageAt": sent_at,
        "unReadCustomerMessages": True,
        "unReadVendorMessages": False,
    }
    assert at(vendor_object, "userId") == 5
    assert at(vendor_object, "firstName") == "William"
    assert at(vendor_object, "lastName") == "Lock"
    assert at(vendor_object, "email") == "w@example.org"
    assert at(vendor_object, "profilePictureUrl") is None
    assert at(vendor_object, "verified") is False
    assert at(vendor_object, "active") is True
    assert at(vendor_object, "store", 0, "name") == "Wonderds"
    assert at(vendor_object, "store", 0, "storeId") == 7
    assert at(vendor_object, "store", 0, "vendorId") == 5
    one_page = {
        "currentPage": 1,
        "nextPage": None,
        "prevPage": None,
        "hasNext": False,
        "hasPrev": False,
        "totalPages": 1,
    }
    assert at(back.chats_on_connect, "data", "pagination") == {**one_page, "totalRecords": 1}

    assert at(back.missed_on_connect, "message") == "Offline messages has been sent successfully"
    newest = at(back.missed_on_connect, "data", "items", 0)
    assert isinstance(newest, dict)
    assert len(str(newest.pop("id"))) == 24
    assert newest == {
        "senderId": 5,
        "senderType": "VENDOR",
        "recipientId": 1,
        "recipientType": "CUSTOMER",
        "text": "Are you there?",
        "timestamp": sent_at,
        "recipientOnline": False,
        "chatId": chat_id,
        "createdAt": sent_at,
        "updatedAt": sent_at,
        "supportChatId": None,
        "messageMedias": [],
        "chat": {**chat, "id": chat_id, "createdAt": created_at},
    }
    assert at(back.missed_on_connect, "data", "items", 1, "text") == "Hi Customer"
    assert at(back.missed_on_connect, "data", "pagination") == {**one_page, "totalRecords": 2}


async def test_a_vendor_sees_the_customer_even_one_nobody_knows(market: Market) -> None:
    vendor = await market.vendor()
    await vendor.send(1)
    answer = await vendor.chat.call("getUserChats")
    assert at(answer, "data", 0, "customer", "userId") == 1
    assert at(answer, "data", 0, "customer", "id") is None
    assert "vendor" not in at(answer, "data", 0)  # type: ignore[operator]  # an object, as the line before has shown


async def test_missed_messages_come_once_and_in_pages(market: Market) -> None:
    vendor = await market.vendor()
    for number in range(45):
        await vendor.send(1, f"message {number}")
    customer = await market.customer()
    pages = [customer.missed_on_connect, *(await customer.chat.expect("offlineMessages"))]
    pages += await customer.chat.expect("offlineMessages")
    texts = [at(item, "text") for page in pages for item in items_of(page)]
    assert texts == [f"message {number}" for number in reversed(range(45))]
    assert [at(page, "data", "pagination", "currentPage") for page in pages] == [1, 2, 3]
    assert [at(page, "data", "pagination", "totalRecords") for page in pages] == [45, 45, 45]
    await nothing_for(customer.chat)
    await market.leave(customer)
    again = await market.customer()
    assert items_of(again.missed_on_connect) == []


def items_of(page: object) -> list[object]:
    items = at(page, "data", "items")
    assert isinstance(items, list)
    return items


async def test_a_live_socket_is_told_and_disconnected_when_its_token_expires(
    autojump_clock: MockClock, market: Market
) -> None:
    visitor = await market.customer(expires_in=60)
    connected_at = trio.current_time()
    await trio.sleep(59)
    assert visitor.chat.waiting() == []
    await expect_shown_out(visitor.chat, EXPIRED)
    await expect_shown_out(visitor.presence, EXPIRED)
    assert trio.current_time() - connected_at == pytest.approx(60, abs=1)


async def test_a_fresh_token_keeps_the_socket(autojump_clock: MockClock, market: Market) -> None:
    visitor = await market.customer(expires_in=60)
    fresh = token_for(1, "CUSTOMER", expires_in=600)
    for client in (visitor.presence, visitor.chat):
        assert await client.call("refreshToken", {"token": fresh}) == signal("Token has been refreshed")
    await trio.sleep(300)
    await nothing_for(visitor.chat, visitor.presence)
    await expect_shown_out(visitor.chat, EXPIRED)


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (lambda: token_for(2, "CUSTOMER"), failure(403, "The token belongs to another user")),
        (lambda: token_for(1, "VENDOR"), failure(403, "The token belongs to another user")),
        (lambda: token_for(1, "CUSTOMER", expires_in=-1), EXPIRED),
        (lambda: "nonsense", INVALID),
    ],
)
async def test_a_token_that_does_not_do_changes_nothing(
    autojump_clock: MockClock, market: Market, token: object, error: object
) -> None:
    assert callable(token)
    visitor = await market.customer(expires_in=60)
    assert await visitor.chat.call("refreshToken", {"token": token()}) == error
    assert await visitor.chat.expect("appError") == (error,)
    assert visitor.chat.waiting() == []
    await trio.sleep(50)
    assert length(at(await visitor.chat.call("getUserChats"), "data")) == 0
    await visitor.chat.expect("userChats")
    await expect_shown_out(visitor.chat, EXPIRED)
