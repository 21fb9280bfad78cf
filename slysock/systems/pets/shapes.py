"""What clients get, shape by shape. Names and nesting are those of the document's examples and schemas."""

from typing import Generic, TypeVar, final

from msgspec import UNSET, Struct, UnsetType, field

T = TypeVar("T")


@final
class PersonShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """One of a chat's `participants`. What is unknown is null."""

    id: str = field(name="_id")
    name: str | None
    email: str | None
    profile_picture: str | None


@final
class SenderShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """Who wrote a message."""

    id: str = field(name="_id")
    name: str | None
    profile_picture: str | None


@final
class ImageShape(Struct, frozen=True, kw_only=True):
    """A picture of a pet."""

    url: str


@final
class ListingShape(Struct, frozen=True, kw_only=True):
    """`petListing`. An unknown pet has only its id."""

    id: str = field(name="_id")
    title: str | None
    images: list[ImageShape]
    price: float | int | None
    address: str | None


@final
class LastMessageShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """`lastMessage` of a chat."""

    id: str = field(name="_id")
    content: str
    """Empty if the message is deleted."""

    created_at: str


@final
class UnreadShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """One of `unreadCount`."""

    user_id: str
    count: int


@final
class ChatShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """A chat."""

    id: str = field(name="_id")
    participants: list[PersonShape]
    pet_listing: ListingShape | None
    """Null for a chat that is not about a pet."""

    chat_type: str
    last_message: LastMessageShape | None
    last_message_time: str
    """The time of the latest message; without messages, that of the chat's creation."""

    is_active: bool
    blocked_by: list[str]
    unread_count: list[UnreadShape]
    created_at: str
    updated_at: str


@final
class ReactionShape(Struct, frozen=True, kw_only=True):
    """One of `reactions`."""

    reactor: str
    emoji: str


@final
class MessageShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """A message. The content of a deleted one is withheld."""

    id: str = field(name="_id")
    chat: str
    sender: SenderShape
    message_type: str
    content: str
    media_url: str | None
    read_by: list[str]
    """Who has read the message, without its sender."""

    status: str
    """`sent`, `delivered` or `read`: what is true for every other participant."""

    parent_message: str | None
    """The `_id` of the message that it replies to."""

    reactions: list[ReactionShape]
    is_edited: bool
    is_deleted: bool
    created_at: str
    updated_at: str
    client_message_id: str | UnsetType = UNSET
    """Only if its sender gave one."""


@final
class PaginationOfChats(Struct, frozen=True, kw_only=True, rename="camel"):
    """Which part of the chats this is."""

    current_page: int
    total_pages: int
    total_chats: int
    has_more: bool


@final
class PaginationOfMessages(Struct, frozen=True, kw_only=True, rename="camel"):
    """Which part of the messages this is; page 1 holds the newest."""

    current_page: int
    total_pages: int
    total_messages: int
    has_more: bool


@final
class ChatPage(Struct, frozen=True, kw_only=True):
    """`GET /api/chat/my-chats`: the chat with the latest message first."""

    chats: list[ChatShape]
    pagination: PaginationOfChats


@final
class MessagePage(Struct, frozen=True, kw_only=True):
    """`GET /api/chat/{chatId}/messages`: the oldest on the page first, as a screen shows them."""

    messages: list[MessageShape]
    pagination: PaginationOfMessages


@final
class ReadShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """What marking messages as read has done."""

    chat_id: str
    count: int
    """How many messages became read."""


@final
class BlockShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """Whether a chat is blocked, and by whom."""

    chat_id: str
    is_blocked: bool
    """Whether anybody has blocked it: then nobody can send to it."""

    blocked_by: list[str]


@final
class TypingShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """`typing`."""

    user_id: str
    is_typing: bool
    chat_id: str


@final
class MessageReadShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """`messageRead`."""

    message_id: str
    user_id: str
    """Who has read the message."""

    chat_id: str


@final
class MessageReactionShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """`messageReaction`."""

    message_id: str
    chat_id: str
    user_id: str
    """Whose reaction it is."""

    emoji: str | None
    """Null if it was taken back."""

    reactions: list[ReactionShape]
    """All reactions to the message, as they are now."""


@final
class MessageDeletedShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """`messageDeleted`."""

    message_id: str
    chat_id: str
    user_id: str
    """Who deleted it."""


@final
class Done(Struct, frozen=True, kw_only=True):
    """The acknowledgement of an event that returns nothing."""

    success: bool = True


@final
class Envelope(Struct, Generic[T], frozen=True, kw_only=True):
    """The body of every successful HTTP answer."""

    success: bool = True
    message: str
    data: T
