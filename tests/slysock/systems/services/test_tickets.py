"""Support tickets: who may open one, who gets what is said in it, who has read it."""

import pytest

from slysock.systems.services.payloads import TicketRecord
from tests.slysock.systems.market import at, nothing_for
from tests.slysock.systems.services.office import (
    ANNA,
    BEN,
    CHAT,
    ROOT,
    TICKET,
    Office,
    heard,
    help_text,
    refused,
    text,
)


async def test_a_message_has_the_documents_shape_to_the_letter(office: Office) -> None:
    root = await office.in_ticket(ROOT)
    anna = await office.connect(ANNA, fullName="John Doe", profilePicture="https://example.com/photo.jpg")
    content = "Hello, I need help with my payment issue"
    answer = await anna.call("support-message", {"ticketId": TICKET, "content": content, "messageType": "text"})
    (told,) = await root.expect("new-support-message")
    assert isinstance(told, dict)
    assert set(told) == {"event", "data"}
    assert told["event"] == "new-support-message"
    assert at(answer, "message") == told["data"]
    data = dict(told["data"])
    assert len(data.pop("_id")) == 24
    assert data.pop("createdAt").endswith("Z")
    assert data == {
        "ticket": TICKET,
        "sender": {
            "_id": ANNA,
            "fullName": "John Doe",
            "profilePhoto": {"url": "https://example.com/photo.jpg"},
            "role": "client",
        },
        "senderRole": "user",
        "content": {"text": content, "attachments": []},
        "messageType": "text",
        "isRead": False,
        "readBy": [],
    }


async def test_a_message_reaches_ticket_and_dashboard_once(office: Office) -> None:
    anna, root = await office.in_ticket(ANNA), await office.in_ticket(ROOT)
    watching = await office.connect("second admin", "ADMIN")
    assert await watching.call("join-support-dashboard") == {"success": True}
    assert await root.call("join-support-dashboard", None) == {"success": True}
    bystander = await office.visit(BEN)
    await root.call("support-message", help_text("What happened?"))
    for client in (anna, root, watching):
        (told,) = await client.expect("new-support-message")
        assert at(told, "data", "senderRole") == "admin"
        assert at(told, "data", "sender", "role") == "admin"
    await nothing_for(anna, root, watching, bystander)


async def test_every_kind_of_message_and_attachments(office: Office) -> None:
    anna, root = await office.in_ticket(ANNA), await office.in_ticket(ROOT)
    for kind in ("text", "image", "document", "file"):
        payload = help_text(messageType=kind, attachments=["https://example.com/a.png", {"url": "/b", "name": "b"}])
        answer = await anna.call("support-message", payload)
        assert at(answer, "message", "messageType") == kind
        attachments = [{"url": "https://example.com/a.png"}, {"url": "/b", "name": "b"}]
        assert at(answer, "message", "content", "attachments") == attachments
    assert at(await root.call("support-message", help_text(messageType="system")), "message", "messageType") == "system"
    await heard(anna)
    expected = (403, "Only admins can send messages of the type `system`")
    assert await refused(anna, "support-message", help_text(messageType="system")) == expected


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"ticketId": TICKET},
        {"ticketId": TICKET, "content": ""},
        {"ticketId": TICKET, "content": "  "},
        {"content": "x"},
        {"ticketId": TICKET, "content": "x", "messageType": "video"},
        {"ticketId": TICKET, "content": "x" * 10_001},
        {"ticketId": "", "content": "x"},
    ],
)
async def test_a_message_that_is_none_is_refused(office: Office, payload: dict[str, object]) -> None:
    anna, root = await office.in_ticket(ANNA), await office.in_ticket(ROOT)
    assert (await refused(anna, "support-message", payload))[0] == 400
    await nothing_for(anna, root)


async def test_the_dashboard_is_for_admins(office: Office) -> None:
    for user in (ANNA, BEN):
        client = await office.connect(user)
        assert await refused(client, "join-support-dashboard") == (403, "Only admins may do this")
        root = await office.connect(ROOT)
        await root.call("support-message", help_text())
        await nothing_for(client)


async def test_typing_reaches_the_others_in_the_ticket(office: Office) -> None:
    anna, root, second = [await office.in_ticket(user) for user in (ANNA, ROOT, ANNA)]
    dashboard = await office.connect("second admin", "admin")
    await dashboard.call("join-support-dashboard")
    for event, is_typing in (("support-typing-start", True), ("support-typing-stop", False)):
        assert await root.call(event, {"ticketId": TICKET}) == {"success": True}
        for client in (anna, second):
            assert await client.expect("support-user-typing") == ({"userId": ROOT, "isTyping": is_typing},)
    await nothing_for(anna, root, second, dashboard)


async def test_reading_adds_to_read_by_and_is_told_once(office: Office) -> None:
    anna, root = await office.in_ticket(ANNA), await office.in_ticket(ROOT)
    payload = help_text(clientMessageId="m1")
    message_id = at(await anna.call("support-message", payload), "message", "_id")
    await heard(anna)
    await heard(root)
    for _ in range(2):
        assert await root.call("mark-message-read", {"messageId": message_id}) == {"success": True}
    for client in (anna, root):
        assert await client.expect("message-read-update") == ({"messageId": message_id, "userId": ROOT},)
    await nothing_for(anna, root)
    second = await office.connect("second admin", "admin")
    await second.call("mark-message-read", {"messageId": message_id})
    now = at(await anna.call("support-message", payload), "message")
    assert at(now, "isRead") is True
    assert sorted(at(now, "readBy", index) for index in (0, 1)) == [ROOT, "second admin"]  # type: ignore[type-var]  # texts


async def test_ones_own_message_is_not_read_by_oneself(office: Office) -> None:
    anna, root = await office.in_ticket(ANNA), await office.in_ticket(ROOT)
    message_id = at(await anna.call("support-message", help_text()), "message", "_id")
    await heard(anna)
    await heard(root)
    assert await anna.call("mark-message-read", {"messageId": message_id}) == {"success": True}
    await nothing_for(anna, root)


async def test_a_message_of_a_chat_is_none_of_a_ticket(office: Office) -> None:
    anna, root = await office.connect(ANNA), await office.connect(ROOT)
    sent = await anna.call("send-message", text("private"))
    missing = (404, "Message not found")
    await heard(anna)
    for client in (anna, root):
        assert await refused(client, "mark-message-read", {"messageId": at(sent, "message", "_id")}) == missing
        assert await refused(client, "mark-message-read", {"messageId": "f" * 24}) == missing


async def test_a_retry_gets_the_first_result_and_nobody_gets_the_message_twice(office: Office) -> None:
    anna, root = await office.in_ticket(ANNA), await office.in_ticket(ROOT)
    payload = help_text(clientMessageId="m1")
    first = await anna.call("support-message", payload)
    assert at(first, "message", "clientMessageId") == "m1"
    await heard(anna)
    await heard(root)
    assert await anna.call("support-message", payload) == first
    await nothing_for(anna, root)


async def test_chats_and_tickets_may_have_the_same_id(office: Office) -> None:
    await office.services.managing.put_ticket(CHAT, TicketRecord(user_id=BEN))
    ben = await office.chatting(BEN)
    assert await ben.call("join-support-ticket", {"ticketId": CHAT}) == {"success": True, "ticketId": CHAT}
    await ben.call("support-message", {"ticketId": CHAT, "content": "x"})
    assert [event.name for event in await heard(ben)] == ["new-support-message"]
