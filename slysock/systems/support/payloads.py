"""What clients and the back-end send. Unknown fields are ignored; an object in place of a scalar is refused."""

from typing import Annotated, Final, Literal, TypeAlias, final

from msgspec import Meta, Struct

from slysock.systems.ids import UserName
from slysock.systems.nulls import OrDefault, fill_nulls

MAX_CONTENT_CHARACTERS: Final = 10_000
DEFAULT_PAGE_SIZE: Final = 50
MAX_PARTICIPANTS: Final = 50

RecordId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, description="24 hexadecimal digits")]
Subject: TypeAlias = Annotated[str, Meta(max_length=200)]
Content: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=MAX_CONTENT_CHARACTERS, description="Text, or the URL of an image")
]
ClientMessageId: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=128, description="Chosen by the client; the same one again is a retry")
]
Status: TypeAlias = Literal["open", "closed", "resolved"]


@final
class ConversationReference(Struct, frozen=True, kw_only=True, rename="camel"):
    """`join-conversation` and `leave-conversation`."""

    conversation_id: RecordId


@final
class SendMessage(Struct, frozen=True, kw_only=True, rename="camel"):
    """`POST /support/messages`."""

    conversation_id: RecordId
    content: Content
    type: OrDefault[Literal["text", "image"]] = "text"
    client_message_id: ClientMessageId | None = None

    def __post_init__(self) -> None:
        """Treat null as left out."""
        fill_nulls(self)


@final
class CreateWithAdmin(Struct, frozen=True, kw_only=True, rename="camel"):
    """`POST /support/conversations/with-admin`: with or without a first message."""

    subject: Subject | None = None
    content: Content | None = None
    client_message_id: ClientMessageId | None = None


@final
class CreateConversation(Struct, frozen=True, kw_only=True, rename="camel"):
    """`POST /support/conversations`: with these people; a restaurant's includes an admin as well."""

    participants: OrDefault[Annotated[list[UserName], Meta(max_length=MAX_PARTICIPANTS)]] = []
    user_id: UserName | None = None
    """One more participant, for clients that name only one."""

    subject: Subject | None = None
    content: Content | None = None
    client_message_id: ClientMessageId | None = None

    def __post_init__(self) -> None:
        """Treat null as left out."""
        fill_nulls(self)


@final
class UpdateConversation(Struct, frozen=True, kw_only=True, rename="camel"):
    """`PATCH /support/conversations/:id`: status, subject or both."""

    status: Status | None = None
    subject: Subject | None = None

    def __post_init__(self) -> None:
        """Refuse a payload that changes nothing."""
        if self.status is None and self.subject is None:
            raise ValueError("Expected `status` or `subject`")


@final
class OrderRecord(Struct, frozen=True, kw_only=True, rename="camel"):
    """`PUT /manage/support/orders/:orderId`: an order as the back-end knows it."""

    user_id: UserName
    participants: OrDefault[Annotated[list[UserName], Meta(max_length=MAX_PARTICIPANTS)]] = []
    """The restaurant, market or pharmacy, and whoever else takes part in the chat."""

    status: Annotated[str, Meta(min_length=1, max_length=64)]
    """`delivered` and `cancelled` close its chat."""

    def __post_init__(self) -> None:
        """Treat null as left out."""
        fill_nulls(self)
