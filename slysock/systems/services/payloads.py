"""What clients and the back-end send. Fields that are not listed are ignored; ids are checked against the token."""

from typing import Annotated, Final, Literal, TypeAlias, final

import msgspec
from msgspec import Meta, Struct

from slysock.systems.ids import MAX_ID_CHARACTERS, ClientMessageId, UserName
from slysock.systems.nulls import OrDefault, fill_nulls
from slysock_store import JsonObject

from .media import Address, MediaFields, attachment_of

MAX_PRIORITY: Final = 1000
MAX_NOTICE_BYTES: Final = 8_192
"""The size as JSON. All that waits for one user is sent at once, and must fit into the outbox."""

SYSTEM_TYPE: Final = "system"

RecordId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARACTERS)]
MessageType: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=32, description="`text`, `image`, `file` or another word for the media")
]
ProfileText: TypeAlias = Annotated[str, Meta(max_length=512)] | None
TicketMessageType: TypeAlias = Literal["text", "image", "document", "file", "system"]


@final
class SendMessage(Struct, frozen=True, kw_only=True, rename="camel"):
    """`send-message`: the type `text` needs `content`, every other type needs `media`."""

    chat_id: RecordId
    content: str | None = None
    message_type: OrDefault[MessageType] = "text"
    media: list[MediaFields | Address] | None = None
    client_message_id: ClientMessageId | None = None

    def __post_init__(self) -> None:
        """Refuse a message without what its type needs, or of the type `system`."""
        fill_nulls(self)
        if self.message_type == "text" and not (self.content or "").strip():
            raise ValueError("Expected `content` in a message of the type `text`")
        if self.message_type != "text" and not self.media:
            raise ValueError(f"Expected `media` in a message of the type `{self.message_type}`")
        if self.message_type.lower() == SYSTEM_TYPE:
            raise ValueError("Expected a type other than `system`, which is reserved for the server")
        self.stored_media()

    def stored_media(self) -> tuple[JsonObject, ...]:
        """Return the media as the store keeps them.

        Raises:
            ValueError, msgspec.ValidationError: see `attachment_of`.
        """
        return tuple(attachment_of(media) for media in self.media or ())


@final
class Typing(Struct, frozen=True, kw_only=True, rename="camel"):
    """`typing-start` and `typing-stop`: the chat as `chatId`, or as `roomId` with one's own `userId`."""

    chat_id: RecordId | None = None
    room_id: RecordId | None = None
    user_id: UserName | None = None

    def __post_init__(self) -> None:
        """Refuse a payload that names no chat, or two."""
        if self.chat_id is not None and self.room_id is not None and self.chat_id != self.room_id:
            raise ValueError("Expected `chatId` or `roomId`, not two different ones")
        self.named_chat()

    def named_chat(self) -> str:
        """Return the chat's id.

        Raises:
            ValueError: the payload has none.
        """
        chat_id = self.chat_id or self.room_id
        if chat_id is None:
            raise ValueError("Expected `chatId` or `roomId`")
        return chat_id


@final
class MarkMessagesRead(Struct, frozen=True, kw_only=True, rename="camel"):
    """`mark-messages-read`: everything in a chat."""

    chat_id: RecordId


@final
class MarkNotificationRead(Struct, frozen=True, kw_only=True, rename="camel"):
    """`mark-notification-read`: one of one's own notifications."""

    notification_id: RecordId


@final
class SetOnlineStatus(Struct, frozen=True, kw_only=True, rename="camel"):
    """`set-online-status`: be seen as online or offline, whatever sockets there are."""

    user_id: UserName
    is_online: bool


@final
class TicketName(Struct, frozen=True, kw_only=True, rename="camel"):
    """`join-support-ticket`, `support-typing-start` and `support-typing-stop`."""

    ticket_id: RecordId


@final
class SupportMessage(Struct, frozen=True, kw_only=True, rename="camel"):
    """`support-message`; only admins send messages of the type `system`."""

    ticket_id: RecordId
    content: str
    message_type: OrDefault[TicketMessageType] = "text"
    attachments: list[MediaFields | Address] | None = None
    client_message_id: ClientMessageId | None = None

    def __post_init__(self) -> None:
        """Refuse an empty message."""
        fill_nulls(self)
        if not self.content.strip():
            raise ValueError("Expected `content` that is not empty")
        self.stored_attachments()

    def stored_attachments(self) -> tuple[JsonObject, ...]:
        """Return the attachments as the store keeps them.

        Raises:
            ValueError, msgspec.ValidationError: see `attachment_of`.
        """
        return tuple(attachment_of(media) for media in self.attachments or ())


@final
class MarkMessageRead(Struct, frozen=True, kw_only=True, rename="camel"):
    """`mark-message-read`: one message of a ticket."""

    message_id: RecordId


@final
class NewNotice(Struct, frozen=True, kw_only=True, rename="camel"):
    """A notification for a user; the body of `POST /manage/services/notifications`."""

    user_id: UserName
    user_type: Annotated[str, Meta(max_length=64)] | None = None
    """Ignored: ids are unique in this system."""

    type: Annotated[str, Meta(min_length=1, max_length=64)]
    content: object
    """A text, or an object with whatever the front-end shows."""

    channel: OrDefault[Annotated[str, Meta(min_length=1, max_length=32)]] = "PUSH"
    priority: OrDefault[Annotated[int, Meta(ge=0, le=MAX_PRIORITY)]] = 1

    def __post_init__(self) -> None:
        """Refuse content that is too long or, from Python code, is not JSON."""
        fill_nulls(self)
        if len(msgspec.json.encode(self.content)) > MAX_NOTICE_BYTES:
            raise ValueError(f"Expected `content` of at most {MAX_NOTICE_BYTES} bytes")


@final
class Photo(Struct, frozen=True, kw_only=True):
    """A user's picture."""

    url: Annotated[str, Meta(max_length=2048)]


@final
class UserRecord(Struct, frozen=True, kw_only=True, rename="camel"):
    """A user's role and profile; what is left out stays."""

    role: Annotated[str, Meta(min_length=1, max_length=64)]
    full_name: ProfileText = None
    name: ProfileText = None
    first_name: ProfileText = None
    last_name: ProfileText = None
    username: ProfileText = None
    email: ProfileText = None
    phone: ProfileText = None
    profile_photo: Photo | Annotated[str, Meta(max_length=2048)] | None = None
    profile_picture: ProfileText = None
    avatar: ProfileText = None

    def profile(self) -> JsonObject:
        """Return what is to be stored."""
        fields: JsonObject = msgspec.to_builtins(self)
        return {name: value for name, value in fields.items() if name != "role" and value is not None}


@final
class ChatRecord(Struct, frozen=True, kw_only=True, rename="camel"):
    """The two sides of a chat."""

    client_id: UserName
    provider_id: UserName


@final
class TicketRecord(Struct, frozen=True, kw_only=True, rename="camel"):
    """The owner and subject of a ticket."""

    user_id: UserName
    subject: Annotated[str, Meta(max_length=512)] | None = None
