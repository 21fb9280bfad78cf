"""What clients send, event by event. Fields that are not listed are ignored; ids are checked against the token."""

from typing import Annotated, Final, Literal, TypeAlias, final

from msgspec import Meta, Struct

from slysock.systems.nulls import OrDefault, fill_nulls
from slysock_store import JsonObject

from .media import Address, MediaFields, attachment_of

MAX_ID_CHARACTERS: Final = 128
MAX_INTEGER: Final = 2**53 - 1
"""The largest integer that JavaScript holds exactly."""

SYSTEM_TYPE: Final = "system"

RecordId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARACTERS)]
UserName: TypeAlias = (
    Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARACTERS, description="A user's id")]
    | Annotated[int, Meta(ge=0, le=MAX_INTEGER, description="A user's id")]
)
MessageType: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=32, description="`text`, `image`, `file` or another word for the media")
]
TicketMessageType: TypeAlias = Literal["text", "image", "document", "file", "system"]
ClientMessageId: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=128,
        description="Chosen by the client: a second message with the same one is a retry, answered with the first",
    ),
]


@final
class SendMessage(Struct, frozen=True, kw_only=True, rename="camel"):
    """`send-message`: a text needs `content`, every other type needs `media`."""

    chat_id: RecordId
    content: str | None = None
    message_type: OrDefault[MessageType] = "text"
    media: list[MediaFields | Address] | None = None
    client_message_id: ClientMessageId | None = None

    def __post_init__(self) -> None:
        """Refuse a message without what its type is about."""
        fill_nulls(self)
        if self.message_type == "text" and not (self.content or "").strip():
            raise ValueError("Expected `content` in a message of the type `text`")
        if self.message_type != "text" and not self.media:
            raise ValueError(f"Expected `media` in a message of the type `{self.message_type}`")
        if self.message_type.lower() == SYSTEM_TYPE:
            raise ValueError("Expected a type other than `system`: that is what the server would say")
        self.stored_media()

    def stored_media(self) -> tuple[JsonObject, ...]:
        """Give the media as the store keeps them.

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
        """Give the chat's id.

        Raises:
            ValueError: there is none.
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
    """`set-online-status`: be seen as online or offline, whatever the sockets say."""

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
        """Refuse a message that says nothing."""
        fill_nulls(self)
        if not self.content.strip():
            raise ValueError("Expected `content` that is not empty")
        self.stored_attachments()

    def stored_attachments(self) -> tuple[JsonObject, ...]:
        """Give the attachments as the store keeps them.

        Raises:
            ValueError, msgspec.ValidationError: see `attachment_of`.
        """
        return tuple(attachment_of(media) for media in self.attachments or ())


@final
class MarkMessageRead(Struct, frozen=True, kw_only=True, rename="camel"):
    """`mark-message-read`: one message of a ticket."""

    message_id: RecordId
