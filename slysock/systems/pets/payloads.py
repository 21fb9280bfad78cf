"""What clients send, by event and by HTTP. Fields that are not listed are ignored."""

from typing import Annotated, Final, Literal, TypeAlias, final

from msgspec import Meta, Struct

from slysock.systems.ids import MAX_ID_CHARACTERS, ClientMessageId
from slysock.systems.nulls import OrDefault, fill_nulls

MAX_CONTENT_CHARACTERS: Final = 1000
MESSAGE_TYPES: Final = ("text", "image", "video")

EMPTY_CONTENT: Final = "Message content cannot be empty"
LONG_CONTENT: Final = "Message too long"
UNKNOWN_TYPE: Final = "Invalid message type"

RecordId: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=64, description="The `_id` of a chat or of a message")
]
ForeignId: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=MAX_ID_CHARACTERS, description="An id of the back-end")
]
MediaUrl: TypeAlias = Annotated[
    str, Meta(max_length=2048, description="The name of a file that was sent to this chat, or an http(s) address")
]
Emoji: TypeAlias = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^\S+$")]


@final
class CreateChat(Struct, frozen=True, kw_only=True, rename="camel"):
    """`POST /api/chat/create`: with whom, and about which pet."""

    participant_id: ForeignId
    pet_id: ForeignId | None = None
    chat_type: Literal["pet_inquiry", "direct", "general"] | None = None
    """Optional: by default `pet_inquiry` with a pet, else `direct`."""

    def __post_init__(self) -> None:
        """Refuse a type that does not go with the pet, or with none."""
        if self.chat_type is not None and (self.chat_type == "pet_inquiry") is not (self.pet_id is not None):
            raise ValueError("Expected `petId` in a `pet_inquiry`, and in no other chat")


@final
class MessageBody(Struct, frozen=True, kw_only=True, rename="camel"):
    """`POST /api/chat/{chatId}/send`. A text needs `content`, an image or a video `content` or `mediaUrl`."""

    content: str | None = None
    message_type: OrDefault[str] = "text"
    """`text`, `image` or `video`."""

    media_url: MediaUrl | None = None
    parent_message_id: RecordId | None = None
    """The message that this replies to."""

    client_message_id: ClientMessageId | None = None

    def __post_init__(self) -> None:
        """Treat null as left out."""
        fill_nulls(self)


@final
class SendMessage(Struct, frozen=True, kw_only=True, rename="camel"):
    """`sendMessage`. A text needs `content`, an image or a video `content` or `mediaUrl`."""

    chat_id: RecordId
    content: str | None = None
    message_type: OrDefault[str] = "text"
    """`text`, `image` or `video`."""

    media_url: MediaUrl | None = None
    parent_message_id: RecordId | None = None
    """The message that this replies to."""

    client_message_id: ClientMessageId | None = None

    def __post_init__(self) -> None:
        """Treat null as left out."""
        fill_nulls(self)


@final
class MediaForm(Struct, frozen=True, kw_only=True, rename="camel"):
    """What comes with the file in `POST /api/chat/{chatId}/send-media`; empty fields count as left out."""

    content: str | None = None
    parent_message_id: RecordId | None = None
    client_message_id: Annotated[ClientMessageId | None, Meta(description="As in `send`")] = None


@final
class Typing(Struct, frozen=True, kw_only=True, rename="camel"):
    """`typing`."""

    chat_id: RecordId
    is_typing: bool


@final
class MarkAsRead(Struct, frozen=True, kw_only=True, rename="camel"):
    """`markAsRead`: one message or, without `messageId`, all of a chat."""

    chat_id: RecordId
    message_id: RecordId | None = None


@final
class JoinChat(Struct, frozen=True, kw_only=True, rename="camel"):
    """`join-chat`: open a chat."""

    chat_id: RecordId


@final
class ReactMessage(Struct, frozen=True, kw_only=True, rename="camel"):
    """`reactMessage`: one's reaction to a message; `emoji: null` takes it back."""

    message_id: RecordId
    emoji: Emoji | None
    chat_id: RecordId | None = None


@final
class EditMessage(Struct, frozen=True, kw_only=True, rename="camel"):
    """`editMessage`: edit one's own message."""

    message_id: RecordId
    content: str
    chat_id: RecordId | None = None


@final
class ListingImage(Struct, frozen=True, kw_only=True):
    """A picture of a pet."""

    url: Annotated[str, Meta(max_length=2048)]


@final
class ListingRecord(Struct, frozen=True, kw_only=True, rename="camel"):
    """`PUT /manage/pets/listings/{petId}`: what chats show about a pet."""

    title: Annotated[str, Meta(max_length=500)]
    images: OrDefault[Annotated[list[ListingImage | Annotated[str, Meta(max_length=2048)]], Meta(max_length=50)]] = []
    """As objects with a `url`, or as addresses."""

    price: float | int | None = None
    address: Annotated[str, Meta(max_length=1000)] | None = None
    owner_id: ForeignId | None = None
    """Takes part in every chat about the pet."""

    def __post_init__(self) -> None:
        """Treat null as left out."""
        fill_nulls(self)
