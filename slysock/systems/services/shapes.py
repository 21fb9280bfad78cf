"""What clients get, shape by shape. Names and nesting are those of the document's examples."""

from typing import final

from msgspec import UNSET, Struct, UnsetType, field

from .media import MediaFields


@final
class PhotoShape(Struct, frozen=True, kw_only=True):
    """A user's picture."""

    url: str | None
    """Null if no picture is known."""


@final
class SenderShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """Who wrote a message."""

    id: str = field(name="_id")
    full_name: str | None
    profile_photo: PhotoShape
    role: str


@final
class MessageShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """A message of a chat: `new-message`, and inside `message-notification`."""

    id: str = field(name="_id")
    chat_id: str
    sender: SenderShape
    receiver: str
    """The id of the other side."""

    content: str
    """Empty if there is only media."""

    message_type: str
    media: list[MediaFields]
    delivered: bool
    is_read: bool
    created_at: str
    updated_at: str
    client_message_id: str | UnsetType = UNSET
    """Only if its sender gave one."""


@final
class MessageNotificationShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """`message-notification`: to the receiver, whichever chats they have open."""

    chat_id: str
    message: MessageShape
    unread_count: int
    """How many messages in this chat the receiver has not read."""


@final
class TypingShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """`user-typing` and `support-user-typing`."""

    user_id: str
    is_typing: bool


@final
class MessagesReadShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """`messages-read`."""

    user_id: str
    """The reader."""

    chat_id: str


@final
class StatusShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """`online-status` and `user-status-changed`."""

    user_id: str
    is_online: bool
    last_active: str | None
    """ISO 8601 in UTC; null for a user who was never here."""


@final
class NotificationShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """`new-notification`."""

    id: str = field(name="_id")
    user_id: str
    type: str
    content: object
    channel: str
    priority: int
    delivered: bool
    is_read: bool
    created_at: str


@final
class NotificationReadShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """`notification-read`."""

    notification_id: str


@final
class UnreadCountShape(Struct, frozen=True, kw_only=True):
    """`unread-count`."""

    count: int


@final
class ContentShape(Struct, frozen=True, kw_only=True):
    """What a message of a ticket says."""

    text: str
    attachments: list[MediaFields]


@final
class SupportMessageShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """A message of a ticket."""

    id: str = field(name="_id")
    ticket: str
    sender: SenderShape
    sender_role: str
    """`admin`, or `user` for anybody else."""

    content: ContentShape
    message_type: str
    is_read: bool
    read_by: list[str]
    """The ids of users, without the sender's."""

    created_at: str
    client_message_id: str | UnsetType = UNSET
    """Only if its sender gave one."""


@final
class NewSupportMessageShape(Struct, frozen=True, kw_only=True):
    """`new-support-message`, which contains its own name."""

    event: str
    data: SupportMessageShape


@final
class MessageReadUpdateShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """`message-read-update`."""

    message_id: str
    user_id: str
    """The reader."""


@final
class ChatShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """A chat, as its back-end knows it."""

    chat_id: str
    client_id: str
    provider_id: str


@final
class TicketShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """A ticket, as its back-end knows it."""

    ticket_id: str
    user_id: str
    subject: str | None


@final
class Done(Struct, frozen=True, kw_only=True):
    """The acknowledgement of an event that returns nothing."""

    success: bool = True


@final
class ChatDone(Struct, frozen=True, kw_only=True, rename="camel"):
    """The acknowledgement of an event about a chat."""

    success: bool = True
    chat_id: str


@final
class TicketDone(Struct, frozen=True, kw_only=True, rename="camel"):
    """The acknowledgement of an event about a ticket."""

    success: bool = True
    ticket_id: str


@final
class MessageSent(Struct, frozen=True, kw_only=True):
    """The acknowledgement of a stored message."""

    success: bool = True
    message: MessageShape


@final
class SupportMessageSent(Struct, frozen=True, kw_only=True):
    """The acknowledgement of a stored message in a ticket."""

    success: bool = True
    message: SupportMessageShape


@final
class StatusKnown(Struct, frozen=True, kw_only=True):
    """The acknowledgement of an event about a user's status."""

    success: bool = True
    status: StatusShape


@final
class Counted(Struct, frozen=True, kw_only=True):
    """The acknowledgement with a count."""

    success: bool = True
    count: int
