"""Every event of this system with a payload that its rightful user may send: what the walks go through."""

from typing import Final

from slysock_store import ChatId
from tests.slysock.systems.services.office import ANNA, BEN, CHAT, SERVICES, TICKET, Office, help_text, text

OF_TICKETS: Final = "support"


def payloads(message_id: str = "f" * 24, notification_id: str = "f" * 24) -> dict[str, object]:
    """Give event -> payload, as Anna may send it."""
    return {
        "user-join": ANNA,
        "set-online-status": {"userId": ANNA, "isOnline": False},
        "get-online-status": BEN,
        "join-chat": CHAT,
        "leave-chat": CHAT,
        "send-message": text(media=[{"url": "/a", "name": "a"}], clientMessageId="m"),
        "mark-messages-read": {"chatId": CHAT},
        "typing-start": {"chatId": CHAT},
        "typing-stop": {"roomId": CHAT, "userId": ANNA},
        "join-notifications": ANNA,
        "mark-notification-read": {"notificationId": notification_id},
        "mark-all-notifications-read": ANNA,
        "get-unread-count": ANNA,
        "join-support-ticket": {"ticketId": TICKET},
        "support-message": help_text(messageType="text", attachments=["/a"], clientMessageId="m"),
        "support-typing-start": {"ticketId": TICKET},
        "support-typing-stop": {"ticketId": TICKET},
        "mark-message-read": {"messageId": message_id},
    }


async def records_of(office: Office) -> object:
    """Read everything that is stored of the chats, tickets and notifications, to see that nothing changed."""
    store = office.running.store
    chats = await store.list_chats(SERVICES)
    messages = [(await store.list_messages(SERVICES, ChatId(chat.id))).items for chat in chats.items]
    users = [chat.participants for chat in chats.items]
    notifications = [
        (await store.list_notifications(SERVICES, user)).items for participants in users for user in participants
    ]
    return chats.items, messages, notifications
