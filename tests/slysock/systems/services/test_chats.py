"""Chats: opened, written in, read, typed in; and whom each of these reaches."""

import pytest

from tests.slysock.systems.market import at, nothing_for, settle
from tests.slysock.systems.services.office import (
    ANNA,
    BEN,
    CHAT,
    OTHER_CHAT,
    Office,
    heard,
    names_heard,
    refused,
    success,
    text,
)


async def test_a_message_reaches_the_room_and_the_receivers_personal_room(office: Office) -> None:
    anna, ben = await office.chatting(ANNA), await office.chatting(BEN)
    away = await office.visit(BEN)  # another window of Ben's, with another page open
    answer = await anna.call("send-message", text(messageType="text", media=[]))
    (message,) = await anna.expect("new-message")
    assert at(answer, "message") == message
    assert [event.name for event in await heard(ben)] == ["new-message", "message-notification"]
    (notification,) = await away.expect("message-notification")
    assert notification == {"chatId": CHAT, "message": message, "unreadCount": 1}
    await nothing_for(anna, ben, away)


async def test_a_message_has_the_documented_fields(office: Office) -> None:
    client = await office.connect(ANNA, fullName="Anna Lind", profilePicture="https://example.com/a.jpg")
    answer = await client.call("send-message", text(clientMessageId="m1"))
    message = at(answer, "message")
    assert isinstance(message, dict)
    assert len(str(message.pop("_id"))) == 24
    assert str(message.pop("createdAt")).endswith("Z")
    assert str(message.pop("updatedAt")).endswith("Z")
    assert message == {
        "chatId": CHAT,
        "sender": {
            "_id": ANNA,
            "fullName": "Anna Lind",
            "profilePhoto": {"url": "https://example.com/a.jpg"},
            "role": "client",
        },
        "receiver": BEN,
        "content": "Hello there!",
        "messageType": "text",
        "media": [],
        "delivered": False,
        "isRead": False,
        "clientMessageId": "m1",
    }


async def test_the_sender_gets_the_message_without_having_joined_once(office: Office) -> None:
    anna = await office.connect(ANNA)
    await anna.emit("send-message", text())
    assert await names_heard(anna) == ["new-message"]


@pytest.mark.parametrize(
    ("payload", "media"),
    [
        ({"messageType": "image", "media": ["https://example.com/a.jpg"]}, [{"url": "https://example.com/a.jpg"}]),
        (
            {
                "messageType": "file",
                "content": "the plan",
                "media": [{"url": "/f/plan.pdf", "name": "plan", "size": 7}],
            },
            [{"url": "/f/plan.pdf", "name": "plan", "size": 7}],
        ),
        (
            {"messageType": "video", "media": [{"url": "/v.mp4", "mimeType": "video/mp4", "publicId": "p", "x": 1}]},
            [{"url": "/v.mp4", "mimeType": "video/mp4", "publicId": "p", "x": 1}],
        ),
        (
            {
                "messageType": "voice",
                "media": [{"url": "uploads/my note.ogg", "size": "115998", "duration": 12.5, "seen": False}],
            },
            [{"url": "uploads/my note.ogg", "size": "115998", "duration": 12.5, "seen": False}],
        ),
        (
            {"messageType": "file", "media": [{"url": "https://x/a.pdf", "name": None, "tags": ["a"], "eager": {}}]},
            [{"url": "https://x/a.pdf"}],
        ),
        (
            {"messageType": "file", "media": [{"url": "data:image/png;base64,AA==", "version": 10**30}]},
            [{"url": "data:image/png;base64,AA==", "version": 10**30}],
        ),
    ],
)
async def test_media_types_carry_their_media(office: Office, payload: dict[str, object], media: object) -> None:
    anna = await office.connect(ANNA)
    answer = await anna.call("send-message", {"chatId": CHAT, **payload})
    assert at(answer, "message", "media") == media
    assert at(answer, "message", "messageType") == payload["messageType"]
    assert at(answer, "message", "content") == payload.get("content", "")


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"content": ""},
        {"content": " \n"},
        {"content": None},
        {"media": ["https://example.com/a.jpg"]},  # a text needs content, whatever is beside it
        {"messageType": "image"},
        {"messageType": "image", "content": "a picture"},
        {"messageType": "image", "media": []},
        {"messageType": "system", "content": "x"},
        {"messageType": "System", "media": ["https://example.com/a.jpg"]},
        {"messageType": "", "media": ["https://example.com/a.jpg"]},
        {"messageType": "x" * 33, "media": ["https://example.com/a.jpg"]},
        {"messageType": "image", "media": ["javascript:alert(1)"]},
        {"messageType": "image", "media": [" JavaScript :alert(1)"]},
        {"messageType": "image", "media": ["data:text/html,<script>alert(1)</script>"]},
        {"messageType": "image", "media": ["data:image/svg+xml,<svg onload=alert(1)>"]},
        {"messageType": "image", "media": ["https://example.com/a\n.jpg"]},
        {"messageType": "image", "media": [""]},
        {"messageType": "image", "media": [{"url": "/a.jpg", "thumbnail": "java\nscript:alert(1)"}]},
        {"messageType": "image", "media": [{"url": "/a.jpg", "size": {}}]},
        {"messageType": "image", "media": [{"url": "/a.jpg", **{f"field{n}": n for n in range(40)}}]},
        {"messageType": "image", "media": [{"url": "/a.jpg", "caption": "x" * 8_192}]},
        {"messageType": "image", "media": [{"name": "no address"}]},
        {"content": "x" * 10_001},
        {"messageType": "image", "media": ["https://example.com/a.jpg"] * 11},
    ],
)
async def test_what_says_nothing_or_too_much_is_refused(office: Office, payload: dict[str, object]) -> None:
    anna, ben = await office.chatting(ANNA), await office.chatting(BEN)
    code, _ = await refused(anna, "send-message", {"chatId": CHAT, **payload})
    assert code == 400
    await nothing_for(anna, ben)


@pytest.mark.parametrize("role", ["provider", "admin", "plumber"])
async def test_messages_go_between_a_client_and_a_provider_only(office: Office, role: str) -> None:
    anna = await office.connect(ANNA, role)
    expected = (403, "Messages go between a client and a provider")
    assert await refused(anna, "send-message", text()) == expected
    ben = await office.connect(BEN)
    assert await refused(ben, "send-message", text()) == expected


@pytest.mark.parametrize("role", ["client", "Client", " CLIENT ", ""])
async def test_roles_compare_without_case_and_none_is_the_one_in_the_chat(office: Office, role: str) -> None:
    anna = await office.connect(ANNA, role)
    assert success(await anna.call("send-message", text()))


async def test_a_message_is_delivered_at_once_to_one_who_has_the_chat_open(office: Office) -> None:
    anna, ben = await office.connect(ANNA), await office.visit(BEN)
    assert at(await anna.call("send-message", text("1")), "message", "delivered") is False
    await ben.call("join-chat", CHAT)
    assert at(await anna.call("send-message", text("2")), "message", "delivered") is True
    await ben.call("leave-chat", CHAT)
    assert at(await anna.call("send-message", text("3")), "message", "delivered") is False


async def test_joining_marks_what_waited_as_delivered(office: Office) -> None:
    anna, ben = await office.connect(ANNA), await office.connect(BEN)
    payload = text(clientMessageId="m1")
    assert at(await anna.call("send-message", payload), "message", "delivered") is False
    assert await ben.call("join-chat", CHAT) == {"success": True, "chatId": CHAT}
    assert at(await anna.call("send-message", payload), "message", "delivered") is True
    await ben.call("mark-messages-read", {"chatId": CHAT})
    assert at(await anna.call("send-message", payload), "message", "isRead") is True


async def test_one_who_left_the_chat_hears_of_it_by_notification_only(office: Office) -> None:
    anna, ben = await office.connect(ANNA), await office.chatting(BEN)
    assert await ben.call("leave-chat", CHAT) == {"success": True, "chatId": CHAT}
    await anna.call("send-message", text())
    assert await names_heard(ben) == ["message-notification"]


async def test_reading_is_told_to_the_room_and_counts(office: Office) -> None:
    anna, ben = await office.chatting(ANNA), await office.visit(BEN)
    for content in ("1", "2"):
        await anna.call("send-message", text(content))
    await heard(anna)
    unread = [at(event.args[0], "unreadCount") for event in await heard(ben)]
    assert unread == [1, 2]
    assert await ben.call("mark-messages-read", {"chatId": CHAT}) == {"success": True, "count": 2}
    for client in (anna, ben):
        assert await client.expect("messages-read") == ({"userId": BEN, "chatId": CHAT},)
    assert await ben.call("mark-messages-read", {"chatId": CHAT}) == {"success": True, "count": 0}


@pytest.mark.parametrize(
    "payload",
    [{"chatId": CHAT}, {"roomId": CHAT, "userId": ANNA}, {"roomId": CHAT}, {"chatId": CHAT, "roomId": CHAT}],
)
@pytest.mark.parametrize(("event", "is_typing"), [("typing-start", True), ("typing-stop", False)])
async def test_typing_reaches_the_others_in_the_room_alone(
    office: Office, payload: dict[str, object], event: str, is_typing: bool
) -> None:
    anna, second_window, ben = [await office.chatting(user) for user in (ANNA, ANNA, BEN)]
    absent = await office.visit(BEN)
    await heard(anna)
    assert await anna.call(event, payload) == {"success": True}
    assert await ben.expect("user-typing") == ({"userId": ANNA, "isTyping": is_typing},)
    await nothing_for(anna, second_window, ben, absent)


async def test_typing_needs_no_joining(office: Office) -> None:
    anna, ben = await office.connect(ANNA), await office.chatting(BEN)
    await anna.emit("typing-start", {"chatId": CHAT})
    assert await ben.expect("user-typing") == ({"userId": ANNA, "isTyping": True},)


@pytest.mark.parametrize("payload", [{}, {"userId": ANNA}, {"chatId": CHAT, "roomId": OTHER_CHAT}, "x", None, []])
async def test_typing_nowhere_is_refused(office: Office, payload: object) -> None:
    anna = await office.connect(ANNA)
    code, _ = await refused(anna, "typing-start", payload)
    assert code == 400


async def test_a_retry_gets_the_first_result_and_nobody_gets_the_message_twice(office: Office) -> None:
    anna, ben = await office.chatting(ANNA), await office.chatting(BEN)
    payload = text("once", clientMessageId="m1")
    first = await anna.call("send-message", payload)
    await heard(anna)
    await heard(ben)
    assert await anna.call("send-message", payload) == first
    later = await office.connect(ANNA)
    assert await later.call("send-message", {**payload, "content": "changed"}) == first
    await nothing_for(anna, ben, later)
    await anna.call("send-message", text("twice", clientMessageId="m2"))
    assert [event.name for event in await heard(ben)] == ["new-message", "message-notification"]


async def test_what_wants_no_acknowledgement_gets_none_and_errors_come_as_events(office: Office) -> None:
    anna = await office.connect(ANNA)
    await anna.emit("join-chat", "nowhere")
    assert await anna.expect("error") == ({"message": "Chat not found", "event": "join-chat", "code": 404},)
    await settle()
    assert anna.waiting() == []
