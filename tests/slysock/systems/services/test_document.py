"""The document, in the order in which it tells, with stock clients that know nothing but its text."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from slysock.systems.services import Services, is_user_online, send_notification, send_notification_to_user
from slysock.systems.services.payloads import ChatRecord, TicketRecord
from tests.clients import ConnectError, NodeClients, Payload
from tests.slysock.systems.market import at
from tests.slysock.systems.services.office import ANNA, BEN, CHAT, ROOT, TICKET
from tests.slysock.systems.services.replay import Client, Connect, check_like, in_python, on_node, served

pytestmark = [pytest.mark.port]

ID = "69284360e726325e9236cbec"
WHEN = "2025-11-27T12:26:08.849Z"
SENDER: Payload = {
    "_id": "6901e54215fc6770c2a8bccb",
    "fullName": "John Doe",
    "profilePhoto": {"url": "https://example.com/photo.jpg"},
    "role": "client",
}

NEW_MESSAGE: Payload = {  # the document has no example: these are the names that its text uses
    "_id": ID,
    "chatId": "CHAT_ID",
    "sender": SENDER,
    "receiver": "USER_ID",
    "content": "Hello there!",
    "messageType": "text",
    "media": [],
    "delivered": True,
    "isRead": True,
    "createdAt": WHEN,
    "updatedAt": WHEN,
}
NEW_SUPPORT_MESSAGE: Payload = {
    "event": "new-support-message",
    "data": {
        "_id": ID,
        "ticket": "507f1f77bcf86cd799439011",
        "sender": SENDER,
        "senderRole": "user",
        "content": {"text": "Hello, I need help with my payment issue", "attachments": []},
        "messageType": "text",
        "isRead": False,
        "readBy": [],
        "createdAt": WHEN,
    },
}
STATUS: Payload = {"userId": "USER_ID", "isOnline": True, "lastActive": WHEN}
TYPING: Payload = {"userId": "USER_ID", "isTyping": True}


async def replay(connect: Connect, services: Services) -> None:
    """Go through both halves of the document."""
    await services.managing.put_chat(CHAT, ChatRecord(client_id=ANNA, provider_id=BEN))
    await services.managing.put_ticket(TICKET, TicketRecord(user_id=ANNA))
    async with AsyncExitStack() as stack:
        anna, ben = [await stack.enter_async_context(connect(user)) for user in (ANNA, BEN)]
        await joining(anna, ben)
        await chatting(anna, ben)
        await being_notified(ben, services)
        await coming_and_going(anna, ben, services)
    async with AsyncExitStack() as stack:
        client, admin = [await stack.enter_async_context(connect(user)) for user in (ANNA, ROOT)]
        await being_helped(client, admin)


async def joining(anna: Client, ben: Client) -> None:
    for client, user in ((ben, BEN), (anna, ANNA)):
        await client.emit("user-join", user)
        (status,) = await client.hear("user-status-changed")
        check_like(status, STATUS)
        assert (at(status, "userId"), at(status, "isOnline")) == (user, True)
        await client.emit("join-notifications", user)
    assert at((await ben.hear("user-status-changed"))[0], "userId") == ANNA


async def chatting(anna: Client, ben: Client) -> None:
    for client in (anna, ben):
        await client.emit("join-chat", CHAT)
    assert await ben.ask("leave-chat", CHAT) == {"success": True, "chatId": CHAT}
    assert await ben.ask("join-chat", CHAT) == {"success": True, "chatId": CHAT}

    payload = {"chatId": CHAT, "content": "Hello there!", "messageType": "text", "media": []}
    await anna.emit("send-message", payload)
    for client in (anna, ben):
        (message,) = await client.hear("new-message")
        check_like(message, NEW_MESSAGE)
        assert (at(message, "content"), at(message, "delivered"), at(message, "isRead")) == (
            "Hello there!",
            True,
            False,
        )
    (notification,) = await ben.hear("message-notification")
    check_like(notification, {"chatId": CHAT, "message": NEW_MESSAGE, "unreadCount": 1})

    for event, is_typing in (("typing-start", True), ("typing-stop", False)):
        await anna.emit(event, {"chatId": CHAT})
        assert (await ben.hear("user-typing"))[0] == {"userId": ANNA, "isTyping": is_typing}
    await ben.emit("mark-messages-read", {"chatId": CHAT})
    (read,) = await anna.hear("messages-read")
    assert read == {"userId": BEN, "chatId": CHAT}
    await ben.emit("get-online-status", ANNA)
    (status,) = await ben.hear("online-status")
    check_like(status, STATUS)
    assert at(status, "isOnline") is True


async def being_notified(ben: Client, services: Services) -> None:
    await ben.ask("get-unread-count", BEN)  # everything before has been done when this is answered
    assert (await ben.hear("unread-count"))[0] == {"count": 0}
    ids = []
    for title in ("first", "second"):
        await send_notification(services, BEN, {"type": "booking", "content": {"title": title}})
        (notification,) = await ben.hear("new-notification")
        assert at(notification, "content", "title") == title
        ids.append(str(at(notification, "_id")))
    send_notification_to_user(services, BEN, {"title": "prepared"})
    assert (await ben.hear("new-notification"))[0] == {"title": "prepared"}
    await ben.emit("mark-notification-read", {"notificationId": ids[0]})
    assert (await ben.hear("notification-read"))[0] == {"notificationId": ids[0]}
    await ben.emit("get-unread-count", BEN)
    assert (await ben.hear("unread-count"))[0] == {"count": 1}
    await ben.emit("mark-all-notifications-read", BEN)
    assert list(await ben.hear("all-notifications-read")) == []
    await ben.emit("get-unread-count", BEN)
    assert (await ben.hear("unread-count"))[0] == {"count": 0}


async def coming_and_going(anna: Client, ben: Client, services: Services) -> None:
    for is_online in (False, True):
        await anna.emit("set-online-status", {"userId": ANNA, "isOnline": is_online})
        for client in (anna, ben):
            (status,) = await client.hear("user-status-changed")
            check_like(status, STATUS)
            assert (at(status, "userId"), at(status, "isOnline")) == (ANNA, is_online)
    for event, is_typing in (("typing-start", True), ("typing-stop", False)):
        await anna.emit(event, {"roomId": CHAT, "userId": ANNA})
        (typing,) = await ben.hear("user-typing")
        check_like(typing, TYPING)
        assert typing == {"userId": ANNA, "isTyping": is_typing}
    assert is_user_online(services, ANNA)
    await anna.leave()
    (status,) = await ben.hear("user-status-changed")
    check_like(status, STATUS)
    assert (at(status, "userId"), at(status, "isOnline")) == (ANNA, False)
    assert not is_user_online(services, ANNA)
    assert ben.names_waiting() == ["messages-read"]  # its own; nothing that the document does not tell of


async def being_helped(client: Client, admin: Client) -> None:
    for side in (client, admin):
        assert await side.ask("join-support-ticket", {"ticketId": TICKET}) == {"success": True, "ticketId": TICKET}
    await client.emit("join-support-dashboard")
    (error,) = await client.hear("error")
    assert error == {"message": "Only admins may do this", "event": "join-support-dashboard", "code": 403}
    assert await admin.ask("join-support-dashboard") == {"success": True}

    content = "Hello, I need help with my payment issue"
    await client.emit("support-message", {"ticketId": TICKET, "content": content, "messageType": "text"})
    message_ids = set()
    for side in (client, admin):
        (message,) = await side.hear("new-support-message")
        message_ids.add(str(at(message, "data", "_id")))
        check_like(message, NEW_SUPPORT_MESSAGE)
        assert at(message, "event") == "new-support-message"
        assert at(message, "data", "content", "text") == content
        assert (at(message, "data", "sender", "role"), at(message, "data", "senderRole")) == ("client", "user")
    (message_id,) = message_ids
    for event, is_typing in (("support-typing-start", True), ("support-typing-stop", False)):
        await admin.emit(event, {"ticketId": TICKET})
        (typing,) = await client.hear("support-user-typing")
        assert typing == {"userId": ROOT, "isTyping": is_typing}
    await admin.emit("mark-message-read", {"messageId": message_id})
    for side in (client, admin):
        (update,) = await side.hear("message-read-update")
        assert update == {"messageId": message_id, "userId": ROOT}
    await admin.emit("support-message", {"ticketId": TICKET, "content": "What does it say?"})
    (answer,) = await client.hear("new-support-message")
    assert (at(answer, "data", "senderRole"), at(answer, "data", "messageType")) == ("admin", "text")
    await admin.hear("new-support-message")
    assert client.names_waiting() == admin.names_waiting() == []


@pytest.mark.node
@pytest.mark.parametrize("transports", [["polling"], ["websocket"], None])
async def test_the_document_with_the_stock_client(
    node: NodeClients, tmp_path: Path, transports: Sequence[str] | None
) -> None:
    async with served(f"sqlite:///{tmp_path}/chat.db") as (url, services):
        await replay(on_node(node, url, transports), services)


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], None])
async def test_the_document_with_python_socketio(durable_url: str, transports: Sequence[str] | None) -> None:
    async with served(durable_url) as (url, services):
        await replay(in_python(url, transports), services)


@pytest.mark.node
async def test_the_stock_client_is_told_authentication_error(node: NodeClients, tmp_path: Path) -> None:
    async with served(f"sqlite:///{tmp_path}/chat.db") as (url, _):
        for auth in (None, {"token": "x"}):
            with pytest.raises(ConnectError, match=r"^Authentication error$"):
                await node.connect(url, auth=auth)
