"""Every event that clients get, for the AsyncAPI document."""

from typing import Final

from slysock.systems.emissions import Emits

from .failures import ERROR, ErrorShape
from .notifications import ALL_READ, NEW_NOTIFICATION, NOTIFICATION_READ, UNREAD_COUNT
from .presence import ONLINE_STATUS, STATUS_CHANGED
from .reading import MESSAGES_READ
from .rooms import ROOT
from .sending import MESSAGE_NOTIFICATION, NEW_MESSAGE
from .shapes import (
    MessageNotificationShape,
    MessageReadUpdateShape,
    MessageShape,
    MessagesReadShape,
    NewSupportMessageShape,
    NotificationReadShape,
    NotificationShape,
    StatusShape,
    TypingShape,
    UnreadCountShape,
)
from .tickets import READ_UPDATE
from .tickets import USER_TYPING as SUPPORT_USER_TYPING
from .typing_signals import USER_TYPING
from .views import NEW_SUPPORT_MESSAGE

_TABLE: Final[tuple[tuple[str, object, str], ...]] = (
    (NEW_MESSAGE, MessageShape, "A message; to its sender and whoever has its chat open, live or when they open it."),
    (MESSAGE_NOTIFICATION, MessageNotificationShape, "A message; to all sockets of its receiver."),
    (USER_TYPING, TypingShape, "Somebody is typing, or has stopped; to the others who have the chat open."),
    (MESSAGES_READ, MessagesReadShape, "Somebody has read a chat; to whoever has it open."),
    (ONLINE_STATUS, StatusShape, "The answer to get-online-status."),
    (STATUS_CHANGED, StatusShape, "Somebody has come online or gone offline; to whoever has joined."),
    (NEW_NOTIFICATION, NotificationShape, "A notification, live or after waiting; to its user."),
    (NOTIFICATION_READ, NotificationReadShape, "A notification has been read; to its user."),
    (ALL_READ, None, "All notifications have been read; to their user."),
    (UNREAD_COUNT, UnreadCountShape, "The answer to get-unread-count."),
    (NEW_SUPPORT_MESSAGE, NewSupportMessageShape, "A message; to the dashboard, and to whoever opens its ticket."),
    (SUPPORT_USER_TYPING, TypingShape, "Somebody is typing, or has stopped; to the others who have the ticket open."),
    (READ_UPDATE, MessageReadUpdateShape, "Somebody has read a message; to whoever has its ticket open."),
    (ERROR, ErrorShape, "An event failed; to the socket that sent it."),
)

EMITS: Final = tuple(Emits(namespace=ROOT, event=event, payload=payload, doc=doc) for event, payload, doc in _TABLE)
