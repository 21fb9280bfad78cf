"""What clients get, shape by shape. Names and nesting are those of the document's examples."""

from typing import Generic, TypeVar, final

from msgspec import UNSET, Struct, UnsetType, field

T = TypeVar("T")


@final
class PersonShape(Struct, frozen=True, kw_only=True):
    """A participant or sender."""

    id: str = field(name="_id")
    name: str
    role: str


@final
class MessageShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """A message: in `new-message` and in the answers of the HTTP API."""

    id: str = field(name="_id")
    conversation: str
    sender: PersonShape
    type: str
    content: str
    is_read: bool
    """Whether somebody other than its sender has read it."""

    created_at: str
    updated_at: str
    client_message_id: str | UnsetType = UNSET
    """Only if its sender gave one."""


@final
class LastMessageShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """The newest message inside its conversation."""

    id: str = field(name="_id")
    content: str
    type: str
    created_at: str


@final
class ConversationShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """A conversation: in `conversation-updated` and the answers of the HTTP API; with less in `new-conversation`."""

    id: str = field(name="_id")
    participants: list[PersonShape]
    subject: str
    status: str
    support_type: str
    related_order: str | UnsetType = UNSET
    """Only in an order chat."""

    last_message: LastMessageShape | UnsetType | None = UNSET
    """Null before the first message; not in `new-conversation`."""

    unread_count: int | UnsetType = UNSET
    """How many messages the recipient of this has not read; not in `new-conversation`."""

    created_at: str
    updated_at: str


@final
class Listing(Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list."""

    data: list[T]
    page: int
    limit: int
    """The limit that was applied."""

    total: int


@final
class Acknowledged(Struct, frozen=True, kw_only=True, rename="camel"):
    """The acknowledgement of `join-conversation` and `leave-conversation`."""

    success: bool = True
    conversation_id: str


@final
class MarkedRead(Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer to marking a conversation as read."""

    success: bool = True
    conversation_id: str
    marked_count: int
    """How many messages became read by this."""


@final
class OrderShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer to `PUT /manage/support/orders/:orderId`."""

    order_id: str
    user_id: str
    participants: list[str]
    status: str
    conversation_id: str | None
    """The order's chat; null if nobody has opened one."""
