"""Messages: sent by event or request, told to every participant, read, edited, reacted to, taken back."""

import msgspec
import pytest
import trio

from slysock.testing import Received
from slysock_protocol.engineio import Outgoing
from tests.slysock.systems.market import at, length, nothing_for, settle
from tests.slysock.systems.pets.shop import Person, Shop, names
from tests.slysock.systems.running import json_of


async def test_everybody_in_a_chat_gets_a_message_without_joining_and_the_ack_is_the_stored_one(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    second = await shop.visit("anna")
    chat = await anna.create("ben")
    stored = await anna.socket.call("sendMessage", {"chatId": chat, "content": "  hello ", "messageType": "text"})
    assert at(stored, "content") == "hello"
    assert at(stored, "sender") == {"_id": "anna", "name": "Anna", "profilePicture": None}
    for person in (anna, ben, second):
        assert await person.drain() == [Received("newMessage", (stored,))]


async def test_the_sender_is_answered_before_anybody_is_told(shop: Shop) -> None:
    anna = await shop.visit("anna")
    chat = await anna.create("ben")
    engine = await shop.running.memory.open_engine()
    await engine.send(Outgoing(b"40" + msgspec.json.encode({"token": anna.token})))
    await engine.send(Outgoing(b"427" + msgspec.json.encode(["sendMessage", {"chatId": chat, "content": "1"}])))
    packets = [(await engine.inbox.get()).data for _ in range(3)]
    assert [packet[:2] for packet in packets] == [b"0{", b"37", b'2["newMessage"'[:2]]


async def begin_to_send(shop: Shop, person: Person, chat: str, content: str) -> trio.abc.Stream:
    """Send a message by request, and take nothing of the answer."""
    body = msgspec.json.encode({"content": content})
    head = (
        f"POST /api/chat/{chat}/send HTTP/1.1\r\nhost: memory\r\nauthorization: Bearer {person.token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    stream = shop.running.memory.open()
    await stream.send_all(head.encode() + body)
    await settle()
    return stream


async def test_a_request_is_answered_before_anybody_is_told(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    stream = await begin_to_send(shop, anna, await anna.create("ben"), "x")
    assert await ben.drain() == []
    received = b""
    while b"\r\n\r\n" not in received or not received.endswith(b"}"):
        received += await stream.receive_some()
    assert names(await ben.drain()) == ["newMessage"]
    await trio.aclose_forcefully(stream)


async def test_an_event_does_not_overtake_a_request_whose_answer_is_still_on_its_way(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    stream = await begin_to_send(shop, anna, chat, "by request")
    await ben.send(chat, "by event")
    await anna.http("POST", f"/{chat}/send", {"content": "by a second request"})
    assert await ben.drain() == []
    await trio.aclose_forcefully(stream)
    heard = [at(event.args[0], "content") for event in await ben.drain()]
    assert heard == ["by request", "by event", "by a second request"]


async def test_a_message_by_request_is_told_like_one_by_event(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    body = {"content": "by request", "messageType": "text"}
    answer = await anna.http("POST", f"/{chat}/send", body)
    assert answer.status == 201
    assert at(json_of(answer), "message") == "Message sent successfully"
    told = [Received("newMessage", (at(json_of(answer), "data"),))]
    assert await anna.drain() == told
    assert await ben.drain() == told


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({}, "Message content cannot be empty"),
        ({"content": None}, "Message content cannot be empty"),
        ({"content": " \n\t "}, "Message content cannot be empty"),
        ({"content": "x" * 1001}, "Message too long"),
        ({"content": "x", "messageType": "audio"}, "Invalid message type"),
        ({"messageType": "image"}, "Message content cannot be empty"),
        ({"messageType": "image", "mediaUrl": "../../etc/passwd"}, "Invalid media"),
        ({"messageType": "image", "mediaUrl": "javascript:alert(1)"}, "Invalid media"),
        ({"messageType": "image", "mediaUrl": f"chat-1-{'0' * 32}.png"}, "File not found"),
        ({"content": "x", "parentMessageId": "0" * 24}, "Message not found"),
    ],
)
async def test_a_message_that_does_not_fit_is_refused_in_the_documents_words(
    shop: Shop, fields: dict[str, object], text: str
) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    answer = await anna.socket.call("sendMessage", {"chatId": chat, **fields})
    assert answer == {"success": False, "message": text}
    assert await anna.drain() == [Received("error", ({"message": text},))]
    by_request = await anna.http("POST", f"/{chat}/send", fields)
    assert (by_request.status, json_of(by_request)) == (404 if "not found" in text else 400, answer)
    await nothing_for(ben.socket)
    assert at(await anna.data("GET", f"/{chat}/messages"), "messages") == []


@pytest.mark.parametrize(
    "fields",
    [
        {"content": "x" * 1000},
        {"content": "  " + "\N{DOG FACE}" * 1000 + "\n"},
        {"messageType": "image", "mediaUrl": "https://pets.example/a.jpg"},
        {"content": "look", "messageType": "video", "mediaUrl": None},
    ],
)
async def test_a_message_at_the_limits_is_taken(shop: Shop, fields: dict[str, object]) -> None:
    anna = await shop.visit("anna")
    chat = await anna.create("ben")
    stored = await anna.socket.call("sendMessage", {"chatId": chat, **fields})
    assert at(stored, "status") == "sent"
    assert at(stored, "mediaUrl") == fields.get("mediaUrl")


async def test_a_retry_gets_the_first_message_and_is_told_to_nobody(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    payload = {"chatId": chat, "content": "once", "clientMessageId": "c1"}
    first = await anna.socket.call("sendMessage", payload)
    assert await anna.socket.call("sendMessage", payload) == first
    again = await anna.http("POST", f"/{chat}/send", {"content": "once", "clientMessageId": "c1"})
    assert at(json_of(again), "data") == first
    assert names(await ben.drain()) == ["newMessage"]
    assert names(await anna.drain()) == ["newMessage"]


async def test_a_reply_names_its_parent_which_must_be_in_the_same_chat(shop: Shop) -> None:
    anna = await shop.visit("anna")
    chat, other = await anna.create("ben"), await anna.create("carl")
    parent = await anna.send(chat)
    reply = await anna.socket.call("sendMessage", {"chatId": chat, "content": "re", "parentMessageId": parent})
    assert at(reply, "parentMessage") == parent
    refused = await anna.http("POST", f"/{other}/send", {"content": "re", "parentMessageId": parent})
    assert (refused.status, at(json_of(refused), "message")) == (404, "Message not found")


async def test_a_message_is_sent_then_delivered_then_read(shop: Shop) -> None:
    anna = await shop.visit("anna")
    chat = await anna.create("ben")
    message = await anna.send(chat)

    async def status() -> tuple[object, object]:
        seen = at(await anna.data("GET", f"/{chat}/messages"), "messages", -1)
        return at(seen, "status"), at(seen, "readBy")

    assert await status() == ("sent", [])
    ben = await shop.visit("ben")
    assert await status() == ("sent", [])
    await ben.socket.call("join-chat", {"chatId": chat})
    assert await status() == ("sent", []), "nothing was handed over"
    await ben.data("GET", f"/{chat}/messages")
    assert await status() == ("delivered", [])
    assert await ben.socket.call("markAsRead", {"chatId": chat, "messageId": message}) == {"chatId": chat, "count": 1}
    assert await status() == ("read", ["ben"])
    later = await anna.socket.call("sendMessage", {"chatId": chat, "content": "you are here"})
    assert at(later, "status") == "delivered", "it is on its way"
    await settle()
    assert await status() == ("delivered", []), "and has been received"


async def test_what_a_participant_does_not_receive_is_only_sent(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    ben.socket.connection.engine.pace.vanish()
    message = await anna.send(chat)
    await settle()
    seen = at(await anna.data("GET", f"/{chat}/messages"), "messages", 0)
    assert (at(seen, "_id"), at(seen, "status")) == (message, "sent")


async def test_a_retry_is_told_to_one_who_was_sent_nothing_yet(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    ben.socket.connection.engine.pace.vanish()
    wish = {"chatId": chat, "content": "hello", "clientMessageId": "c1"}
    await anna.socket.call("sendMessage", wish)
    await anna.drain()
    again = await shop.visit("ben")
    await anna.socket.call("sendMessage", wish)
    assert await again.drain() == [], "it may be on its way to the socket that is silent"
    await trio.sleep(50)  # until that is given up
    for heard in (["newMessage"], []):
        await anna.socket.call("sendMessage", wish)
        assert names(await again.drain()) == heard
    assert await anna.drain() == []


async def test_unread_counts_are_per_user_and_reading_is_told_once(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    ids = [await anna.send(chat, str(number)) for number in range(3)]
    await ben.drain()
    await anna.drain()

    async def unread() -> object:
        return at(await ben.data("GET", "/my-chats"), "chats", 0, "unreadCount")

    assert await unread() == [{"userId": "anna", "count": 0}, {"userId": "ben", "count": 3}]
    await ben.socket.emit("markAsRead", {"chatId": chat, "messageId": ids[0]})
    told = [Received("messageRead", ({"messageId": ids[0], "userId": "ben", "chatId": chat},))]
    assert await anna.drain() == told
    assert await ben.drain() == told
    assert await ben.data("PUT", f"/{chat}/mark-read") == {"chatId": chat, "count": 2}
    assert [at(event.args, 0, "messageId") for event in await anna.drain()] == ids[1:]
    assert await unread() == [{"userId": "anna", "count": 0}, {"userId": "ben", "count": 0}]
    await ben.drain()
    assert await ben.data("PUT", f"/{chat}/mark-read") == {"chatId": chat, "count": 0}
    await nothing_for(anna.socket, ben.socket)


async def test_typing_reaches_the_others_alone_on_whatever_socket(shop: Shop) -> None:
    anna, again, ben = await shop.visit("anna"), await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    await anna.socket.emit("typing", {"chatId": chat, "isTyping": True})
    assert await ben.drain() == [Received("typing", ({"userId": "anna", "isTyping": True, "chatId": chat},))]
    await nothing_for(anna.socket, again.socket)


async def test_only_its_sender_edits_a_message_and_everybody_sees_it(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    message = await anna.send(chat, "teh")
    await ben.drain()
    await anna.drain()
    edited = await anna.socket.call("editMessage", {"messageId": message, "content": " the "})
    assert (at(edited, "content"), at(edited, "isEdited")) == ("the", True)
    assert await ben.drain() == [Received("messageEdited", (edited,))]
    for person, content, text in (
        (ben, "mine", "Only the sender of a message may do this"),
        (anna, "  ", "Message content cannot be empty"),
        (anna, "x" * 1001, "Message too long"),
    ):
        answer = await person.socket.call("editMessage", {"messageId": message, "content": content})
        assert answer == {"success": False, "message": text}
    assert at(await ben.data("GET", f"/{chat}/messages"), "messages", 0, "content") == "the"


async def test_a_reaction_replaces_the_users_earlier_one_and_null_takes_it_back(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    message = await anna.send(chat)
    await ben.drain()
    await anna.drain()
    for emoji, reactions in (("\N{DOG FACE}", 1), ("\N{CAT FACE}", 1), (None, 0)):
        answer = await ben.socket.call("reactMessage", {"chatId": chat, "messageId": message, "emoji": emoji})
        assert length(at(answer, "reactions")) == reactions
        assert await anna.drain() == [Received("messageReaction", (answer,))]
    await ben.drain()
    await ben.socket.call("reactMessage", {"messageId": message, "emoji": None})
    await nothing_for(anna.socket, ben.socket)


async def test_a_deleted_message_stays_as_one_whose_content_is_withheld(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    message = await anna.send(chat, "secret")
    await ben.socket.call("reactMessage", {"messageId": message, "emoji": "x"})
    await ben.drain()
    await anna.drain()
    refused = await ben.http("DELETE", f"/message/{message}")
    assert refused.status == 403
    deleted = await anna.http("DELETE", f"/message/{message}")
    assert (deleted.status, at(json_of(deleted), "message")) == (200, "Message deleted successfully")
    told = Received("messageDeleted", ({"messageId": message, "chatId": chat, "userId": "anna"},))
    assert await ben.drain() == [told]
    seen = at(await ben.data("GET", f"/{chat}/messages"), "messages", 0)
    assert at(seen, "status") == "delivered"
    withheld = (at(seen, "content"), at(seen, "mediaUrl"), at(seen, "reactions"), at(seen, "isDeleted"))
    assert withheld == ("", None, [], True)
    listed = at(await ben.data("GET", "/my-chats"), "chats", 0)
    assert (at(listed, "lastMessage", "content"), at(listed, "unreadCount", 1, "count")) == ("", 0)
    await anna.drain()
    assert (await anna.http("DELETE", f"/message/{message}")).status == 200
    for event, fields in (("editMessage", {"content": "back"}), ("reactMessage", {"emoji": "x"})):
        answer = await anna.socket.call(event, {"messageId": message, **fields})
        assert answer == {"success": False, "message": "Message not found"}
    assert names(await anna.drain()) == ["error", "error"]
    await nothing_for(ben.socket)


async def test_a_blocked_chat_takes_nothing_until_the_block_is_lifted_by_whoever_made_it(shop: Shop) -> None:
    anna, ben = await shop.visit("anna"), await shop.visit("ben")
    chat = await anna.create("ben")
    message = await anna.send(chat)
    blocked = await ben.data("PUT", f"/{chat}/toggle-block")
    assert blocked == {"chatId": chat, "isBlocked": True, "blockedBy": ["ben"]}
    await ben.drain()
    for person in (anna, ben):
        assert (await person.http("POST", f"/{chat}/send", {"content": "x"})).status == 409
        assert (await person.upload(chat)).status == 409
        for event, fields in (
            ("sendMessage", {"content": "x"}),
            ("typing", {"isTyping": True}),
            ("editMessage", {"messageId": message, "content": "x"}),
            ("reactMessage", {"messageId": message, "emoji": "x"}),
        ):
            assert at(await person.socket.call(event, {"chatId": chat, **fields}), "success") is False
    assert set(names(await ben.drain())) == {"error"}
    assert shop.files() == []
    assert at(await anna.data("PUT", f"/{chat}/toggle-block"), "blockedBy") == ["anna", "ben"]
    lifted = json_of(await ben.http("PUT", f"/{chat}/toggle-block"))  # his block, and anna's is left
    still_blocked = {"chatId": chat, "isBlocked": True, "blockedBy": ["anna"]}
    assert lifted == {"success": True, "message": "Chat unblocked successfully", "data": still_blocked}
    assert (await ben.http("POST", f"/{chat}/send", {"content": "x"})).status == 409
    assert at(await anna.data("PUT", f"/{chat}/toggle-block"), "isBlocked") is False
    assert (await ben.http("POST", f"/{chat}/send", {"content": "x"})).status == 201
