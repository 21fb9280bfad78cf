"""Every event that clients of the marketplace may get, for the AsyncAPI document."""

from typing import Final, Generic, TypeVar, final

from msgspec import Struct

from slysock.systems.emissions import Emits

from .arriving import OFFLINE_MESSAGES
from .changing import MESSAGE_DELETED
from .envelope import Nothing, Pagination
from .failures import ERROR_EVENT, AppError
from .notifications import NOTIFICATION_EVENT, OFFLINE_NOTIFICATIONS
from .presence import OFFLINE_EVENT, ONLINE_EVENT
from .reading import LOAD_EVENTS, READ_RECEIPTS, USER_CHATS
from .rooms import CHAT, NOTIFICATION, PRESENCE
from .sending import NEW_CHAT, RECEIVE_MESSAGE
from .shapes import ChatShape, MessageShape, NotificationShape, OfflineMessageShape, PresenceShape
from .typing_signals import STOPPED_TYPING, USER_TYPING

T = TypeVar("T")


class EnvelopeOf(Struct, Generic[T], frozen=True, kw_only=True, rename="camel"):
    """An `Envelope` whose data is known."""

    status_code: int
    error: bool
    message: str | None
    data: T


class PageOf(Struct, Generic[T], frozen=True, kw_only=True):
    """A `Listing` whose items are known."""

    items: list[T]
    pagination: Pagination


@final
class NewChatEnvelope(Struct, frozen=True, kw_only=True, rename="camel"):
    """The one envelope whose message is the data."""

    status_code: int
    error: bool
    message: ChatShape


@final
class ChatsEnvelope(Struct, frozen=True, kw_only=True, rename="camel"):
    """A page of chats: under `data.items` on connection; when requested, a bare list with `pagination` beside it."""

    status_code: int
    error: bool
    message: str | None
    data: PageOf[ChatShape] | list[ChatShape]
    pagination: Pagination | None = None


def _in_chat(event: str, payload: object, doc: str) -> Emits:
    return Emits(namespace=CHAT, event=event, payload=payload, doc=doc)


_ERRORS: Final = tuple(
    Emits(
        namespace=namespace,
        event=ERROR_EVENT,
        payload=AppError,
        doc="A request of the client failed. If it comes on connection, the server disconnects the client.",
    )
    for namespace in (PRESENCE, CHAT, NOTIFICATION)
)

_PRESENCE: Final = tuple(
    Emits(namespace=namespace, event=event, payload=EnvelopeOf[PresenceShape], doc=doc)
    for namespace in (PRESENCE, CHAT)
    for event, doc in (
        (ONLINE_EVENT, "Somebody with whom the user has a chat has come online."),
        (OFFLINE_EVENT, "Somebody with whom the user has a chat has gone offline with their last socket."),
    )
)

EMITS: Final = (
    *_ERRORS,
    *_PRESENCE,
    _in_chat(USER_CHATS, ChatsEnvelope, "The user's chats, latest first; on connection, and on request."),
    _in_chat(
        OFFLINE_MESSAGES,
        EnvelopeOf[PageOf[OfflineMessageShape]],
        "On connection: what the user has not received, newest first, a page per event.",
    ),
    *(
        _in_chat(event, EnvelopeOf[ChatShape], "The answer to `joinChat`: the chat with a page of its history.")
        for event in LOAD_EVENTS
    ),
    _in_chat(
        RECEIVE_MESSAGE,
        EnvelopeOf[list[MessageShape]],
        "A message; to all sockets of its sender, and of its recipient unless the message begins the chat.",
    ),
    _in_chat(NEW_CHAT, NewChatEnvelope, "Somebody has begun a chat with the user; it contains the first message."),
    _in_chat(READ_RECEIPTS, EnvelopeOf[Nothing], "The other side has read what the user has written in a chat."),
    _in_chat(MESSAGE_DELETED, EnvelopeOf[Nothing], "A message has been deleted by its sender; to both sides."),
    _in_chat(USER_TYPING, EnvelopeOf[Nothing], "The other side is typing."),
    _in_chat(STOPPED_TYPING, EnvelopeOf[Nothing], "The other side has stopped typing."),
    Emits(
        namespace=NOTIFICATION,
        event=OFFLINE_NOTIFICATIONS,
        payload=EnvelopeOf[PageOf[NotificationShape]],
        doc="On connection: what the user has not received, newest first, a page per event.",
    ),
    Emits(
        namespace=NOTIFICATION,
        event=NOTIFICATION_EVENT,
        payload=NotificationShape,
        doc="The back-end has something to tell the user.",
    ),
    Emits(
        namespace=NOTIFICATION,
        event=OFFLINE_EVENT,
        payload=EnvelopeOf[PresenceShape],
        doc="Somebody with whom the user has a chat has left this namespace with their last socket.",
    ),
)
