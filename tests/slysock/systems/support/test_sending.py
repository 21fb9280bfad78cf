"""Messages: sent by HTTP on one path, heard by whoever has the conversation open, read by whom they are for."""

from collections.abc import Mapping

import msgspec
import pytest
import trio

from slysock.systems.domain.outgoing_order import PATIENCE_SECONDS
from slysock_protocol.engineio import Outgoing
from tests.slysock.systems.market import at, settle, token_for
from tests.slysock.systems.running import json_of
from tests.slysock.systems.support.center import (
    CONVERSATION_KEYS,
    LAST_MESSAGE_KEYS,
    MESSAGE_KEYS,
    PERSON_KEYS,
    Caller,
    Center,
    assert_keys,
    data_of,
    exception,
    http_failure,
    id_of,
)

TEXT = "مرحبا ، أحتاج مساعدة في طلبي"


async def open_order(center: Center) -> tuple[Caller, Caller, str]:
    """Let a user and an admin open the chat of an order, and hear all that comes with it."""
    user, admin = await center.user(), await center.admin()
    conversation = id_of(await user.ask("POST", "/order-chat/1234"))
    for caller in (user, admin):
        assert await caller.join(conversation) == {"success": True, "conversationId": conversation}
        await caller.heard()
    return user, admin, conversation


async def test_a_message_is_answered_and_heard_by_both_in_the_documents_shape(center: Center) -> None:
    user, admin, conversation = await open_order(center)
    answer = await user.http("POST", "/messages", {"conversationId": conversation, "content": TEXT})
    assert answer.status == 201
    assert TEXT.encode() in answer.body
    message = json_of(answer)
    assert_keys(message, MESSAGE_KEYS)
    assert_keys(at(message, "sender"), PERSON_KEYS)
    assert at(message, "sender") == {"_id": "u1", "name": "أحمد محمد", "role": "user"}
    assert (at(message, "conversation"), at(message, "type"), at(message, "content")) == (conversation, "text", TEXT)
    assert at(message, "isRead") is False
    assert await user.heard() == [("new-message", message)]
    assert await admin.heard() == [("new-message", message)]


async def test_only_those_who_have_it_open_hear_a_message(center: Center) -> None:
    user, admin, conversation = await open_order(center)
    second_admin, stranger = await center.admin("a2"), await center.stranger()
    left = {"success": True, "conversationId": conversation}
    assert await admin.socket.call("leave-conversation", {"conversationId": conversation}) == left
    await user.send(conversation)
    assert await user.names_heard() == ["new-message"]
    for caller in (admin, second_admin, stranger):
        assert await caller.heard() == []


async def send_and_take_nothing(center: Center, user: Caller, conversation: str, content: str) -> trio.abc.Stream:
    """Send a message, which is stored, and do not read the answer."""
    body = msgspec.json.encode({"conversationId": conversation, "content": content})
    head = (
        f"POST /support/messages HTTP/1.1\r\nhost: memory\r\nauthorization: Bearer {user.token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    stream = center.running.memory.open()
    await stream.send_all(head.encode() + body)
    await settle()
    return stream


async def test_the_answer_goes_out_before_the_event(center: Center) -> None:
    """A client that takes nothing of its answer hears nothing of its message either, nor does anybody else."""
    user, admin, conversation = await open_order(center)
    stream = await send_and_take_nothing(center, user, conversation, "x")
    assert await admin.heard() == []
    received = b""
    while b"\r\n\r\n" not in received or not received.endswith(b"}"):
        received += await stream.receive_some()
    assert await admin.names_heard() == ["new-message"]
    await trio.aclose_forcefully(stream)


async def test_a_slow_answer_lets_no_later_message_overtake(center: Center) -> None:
    user, admin, conversation = await open_order(center)
    stream = await send_and_take_nothing(center, user, conversation, "first")
    await admin.send(conversation, "second")
    assert await admin.heard() == []
    await trio.aclose_forcefully(stream)
    heard = [at(message, "content") for _, message in await admin.heard()]
    assert heard == ["first", "second"]
    history = data_of(await user.ask("GET", f"/conversations/{conversation}/messages"))
    assert [at(message, "content") for message in reversed(history)] == heard


async def test_an_answer_that_is_never_taken_delays_others_for_a_bounded_time(
    center: Center, autojump_clock: trio.testing.MockClock
) -> None:
    user, admin, conversation = await open_order(center)
    stream = await send_and_take_nothing(center, user, conversation, "first")
    await admin.send(conversation, "second")
    with trio.fail_after(2.5 * PATIENCE_SECONDS):
        heard = [at((await admin.socket.expect("new-message"))[0], "content") for _ in range(2)]
    assert heard == ["first", "second"]
    await trio.aclose_forcefully(stream)


async def test_many_senders_are_heard_in_the_order_of_the_history(center: Center) -> None:
    user, admin, conversation = await open_order(center)
    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(user.send, conversation, f"u{number}")
            nursery.start_soon(admin.send, conversation, f"a{number}")
    heard = [at(message, "content") for _, message in await user.heard()]
    assert len(heard) == 40
    assert [at(message, "content") for _, message in await admin.heard()] == heard
    history = data_of(await user.ask("GET", f"/conversations/{conversation}/messages"))
    assert [at(message, "content") for message in reversed(history)] == heard


async def test_a_retry_gets_the_first_message_and_nobody_gets_it_twice(center: Center) -> None:
    user, admin, conversation = await open_order(center)
    first = await user.send(conversation, "once", clientMessageId="m1")
    assert at(first, "clientMessageId") == "m1"
    assert await user.send(conversation, "once", clientMessageId="m1") == first
    assert await admin.heard() == [("new-message", first)]
    other = await admin.send(conversation, "once", clientMessageId="m1")  # another sender's is another message
    assert id_of(other) != id_of(first)
    listing = await user.ask("GET", f"/conversations/{conversation}/messages")
    assert at(listing, "total") == 2


async def test_a_retry_is_answered_also_when_the_conversation_has_been_closed_since(center: Center) -> None:
    user, admin, conversation = await open_order(center)
    first = await user.send(conversation, "once", clientMessageId="m1")
    await admin.ask("PATCH", f"/conversations/{conversation}", {"status": "closed"})
    assert await user.send(conversation, "once", clientMessageId="m1") == first


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"content": "x" * 10_000}, 201),
        ({"content": "x" * 10_001}, 400),
        ({"content": ""}, 400),
        ({"content": " \n"}, 400),
        ({"type": "image", "content": "https://cdn.example/a.jpg"}, 201),
        ({"type": "image", "content": "/uploads/a.jpg"}, 201),
        ({"type": "image", "content": "javascript:alert(1)"}, 400),
        ({"type": "system", "content": "x"}, 400),
        ({"type": "video", "content": "x"}, 400),
        ({}, 400),
        ({"content": "x", "clientMessageId": ""}, 400),
        ({"content": "x", "clientMessageId": "x" * 129}, 400),
        ({"content": "x", "sender": "a1", "isRead": True, "_id": "1"}, 201),
    ],
)
async def test_what_may_be_sent(center: Center, fields: Mapping[str, object], status: int) -> None:
    user, admin, conversation = await open_order(center)
    answer = await user.http("POST", "/messages", {"conversationId": conversation, **fields})
    assert answer.status == status, answer.body
    assert len(await admin.heard()) == (status == 201)
    if status == 201:
        assert at(json_of(answer), "sender", "_id") == "u1"


async def test_the_unread_count_is_the_readers_own(center: Center) -> None:
    user, admin, conversation = await open_order(center)
    for text in ("one", "two"):
        await user.send(conversation, text)
    await admin.send(conversation, "three")
    assert at(await admin.ask("GET", f"/conversations/{conversation}"), "unreadCount") == 2
    assert at(await user.ask("GET", f"/conversations/{conversation}"), "unreadCount") == 1
    marked = await admin.ask("POST", f"/conversations/{conversation}/read")
    assert marked == {"success": True, "conversationId": conversation, "markedCount": 2}
    assert at(await admin.ask("POST", f"/conversations/{conversation}/read"), "markedCount") == 0
    assert at(await admin.ask("GET", f"/conversations/{conversation}"), "unreadCount") == 0
    assert at(await user.ask("GET", f"/conversations/{conversation}"), "unreadCount") == 1
    listing = data_of(await user.ask("GET", f"/conversations/{conversation}/messages"))
    assert [(at(message, "content"), at(message, "isRead")) for message in listing] == [
        ("three", False),
        ("two", True),
        ("one", True),
    ]


async def test_reading_the_list_marks_nothing_read(center: Center) -> None:
    user, admin, conversation = await open_order(center)
    await user.send(conversation)
    await admin.ask("GET", f"/conversations/{conversation}/messages")
    await admin.ask("GET", "/order-chat/1234/messages")
    assert at(await admin.ask("GET", f"/conversations/{conversation}"), "unreadCount") == 1


@pytest.mark.parametrize("path", ["/conversations/{}/messages", "/order-chat/1234/messages"])
async def test_messages_are_paged_newest_first_fifty_at_a_time(center: Center, path: str) -> None:
    user, _, conversation = await open_order(center)
    for number in range(53):
        await user.send(conversation, str(number))
    path = path.format(conversation)
    first, second = await user.ask("GET", path), await user.ask("GET", f"{path}?page=2")
    assert [at(first, name) for name in ("page", "limit", "total")] == [1, 50, 53]
    texts = [at(message, "content") for message in (*data_of(first), *data_of(second))]
    assert texts == [str(number) for number in reversed(range(53))]
    assert len(data_of(await user.ask("GET", f"{path}?page=3&limit=20"))) == 13
    assert at(await user.ask("GET", f"{path}?limit=1000000"), "limit") == 100
    for query in ("page=0", "limit=0", "page=x", "limit=-1"):
        assert (await user.http("GET", f"{path}?{query}")).status == 400


async def test_conversations_are_listed_with_last_message_the_latest_first(center: Center) -> None:
    user, admin = await center.user(), await center.admin()
    one = id_of(await user.ask("POST", "/order-chat/1"))
    two = id_of(await user.ask("POST", "/order-chat/2"))
    await user.send(one, TEXT)
    for caller, unread in ((user, 0), (admin, 1)):
        listing = await caller.ask("GET", "/conversations")
        assert set(listing) == {"data", "page", "limit", "total"} if isinstance(listing, dict) else False
        first, second = data_of(listing)
        assert (id_of(first), id_of(second)) == (one, two)
        assert_keys(first, CONVERSATION_KEYS, "relatedOrder")
        assert_keys(at(first, "lastMessage"), LAST_MESSAGE_KEYS)
        assert at(first, "lastMessage", "content") == TEXT
        assert at(first, "unreadCount") == unread
        assert at(second, "lastMessage") is None
    assert [
        at(await user.ask("GET", "/conversations?limit=1&page=2"), name) for name in ("page", "limit", "total")
    ] == [
        2,
        1,
        2,
    ]


@pytest.mark.parametrize("event", ["join-conversation", "leave-conversation"])
@pytest.mark.parametrize(
    "payload",
    [
        None,
        "x",
        7,
        [],
        {},
        {"conversationId": None},
        {"conversationId": 5},
        {"conversationId": ""},
        {"conversationId": {"$gt": ""}},
    ],
)
async def test_a_payload_that_does_not_fit_is_an_exception_and_the_same_acknowledged(
    center: Center, event: str, payload: object
) -> None:
    user = await center.user()
    answer = await user.socket.call(event, payload)
    assert at(answer, "status") == "error"
    assert at(answer, "statusCode") == 400
    assert at(answer, "error") == "Bad Request"
    assert await user.heard() == [("exception", answer)]


async def test_joining_without_asking_for_an_acknowledgement_works(center: Center) -> None:
    user, admin, conversation = await open_order(center)
    await user.socket.emit("leave-conversation", {"conversationId": conversation})
    await user.socket.emit("join-conversation", {"conversationId": "unknown"})
    assert await user.heard() == [("exception", exception(404, "Conversation not found", "Not Found"))]
    await user.socket.emit("join-conversation", {"conversationId": conversation})
    await settle()
    await admin.send(conversation)
    assert await user.names_heard() == ["new-message"]


async def test_the_acknowledgement_comes_before_a_message_that_is_sent_meanwhile(center: Center) -> None:
    user, admin, conversation = await open_order(center)
    engine = await center.running.memory.open_engine()
    await engine.send(Outgoing(f'40/support,{{"token":"{token_for("u1", "user")}"}}'.encode()))
    await engine.inbox.get()
    body = f'["join-conversation",{{"conversationId":"{conversation}"}}]'
    await engine.send(Outgoing(f"42/support,1{body}".encode()))
    await settle()
    await admin.send(conversation)
    assert (await engine.inbox.get()).data.startswith(b"3/support,1[")
    assert (await engine.inbox.get()).data.startswith(b'2/support,["new-message",')
    assert await user.names_heard() == ["new-message"]


async def test_an_unknown_path_or_method_has_the_shape_of_errors_here(center: Center) -> None:
    user = await center.user()
    answer = await user.http("GET", "/nowhere")
    assert (answer.status, json_of(answer)) == (404, http_failure(404, "Not found", "Not Found"))
    answer = await user.http("DELETE", "/messages")
    assert (answer.status, json_of(answer)) == (405, http_failure(405, "Method not allowed", "Method Not Allowed"))
