"""What clients send, event by event. Fields that are not listed are ignored; ids are checked against the token."""

from typing import Annotated, Literal, TypeAlias, final

from msgspec import Meta, Struct

from slysock.systems.ids import MAX_INTEGER
from slysock.systems.nulls import OrDefault, fill_nulls

UserNumber: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_INTEGER, description="A user's id, unique per role")]
RecipientType: TypeAlias = Annotated[
    Literal["CUSTOMER", "VENDOR"], Meta(description="Optional; makes it certain whom `recipientId` means")
]
RecordId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, description="24 hexadecimal digits")]
Product: TypeAlias = (
    Annotated[int, Meta(ge=-MAX_INTEGER, le=MAX_INTEGER, description="A product's id")]
    | Annotated[str, Meta(min_length=1, max_length=128, description="A product's id")]
)
PageNumber: TypeAlias = Annotated[int, Meta(ge=1, le=1_000_000_000, description="From 1, which is the newest")]
PageSize: TypeAlias = Annotated[int, Meta(ge=1, le=1_000_000_000, description="At most 100 are returned")]

DEFAULT_PAGE_SIZE = 20


@final
class JoinChat(Struct, frozen=True, kw_only=True, rename="camel"):
    """`joinChat`: open the chat about a product with somebody, and read it."""

    product_id: Product
    recipient_id: UserNumber
    recipient_type: RecipientType | None = None
    page: OrDefault[PageNumber] = 1
    limit: OrDefault[PageSize] = DEFAULT_PAGE_SIZE

    def __post_init__(self) -> None:
        """Treat null as left out."""
        fill_nulls(self)


@final
class Media(Struct, frozen=True, kw_only=True, rename="camel"):
    """A picture that was uploaded elsewhere."""

    image_url: Annotated[str, Meta(max_length=2048, pattern=r"^(https?://|/)[^\s]+$")]
    size: Annotated[int, Meta(ge=0, le=MAX_INTEGER)] | Annotated[str, Meta(max_length=20)] | None = None
    """In bytes."""

    mime_type: Annotated[str, Meta(max_length=100)] | None = None


@final
class SendMessage(Struct, frozen=True, kw_only=True, rename="camel"):
    """`sendMessage`: say something about a product; the chat is created if there is none. Text or media is required."""

    product_id: Product
    recipient_id: UserNumber
    recipient_type: RecipientType | None = None
    text: str | None = None
    medias: list[Media] | None = None
    client_message_id: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    """Chosen by the client: a second message with the same value is a retry, and is answered with the first."""


@final
class ChatReference(Struct, frozen=True, kw_only=True):
    """A chat inside the envelope that it came in."""

    id: RecordId


@final
class ProductChat(Struct, frozen=True):
    """A chat by its product and the other person."""

    product_id: Product
    recipient_id: UserNumber
    recipient_type: RecipientType | None


@final
class MarkAsRead(Struct, frozen=True, kw_only=True, rename="camel"):
    """`markAsRead`: the chat by `chatId`, by `productId` and `recipientId`, or as the `newChat` envelope, sent back."""

    chat_id: RecordId | None = None
    message: ChatReference | None = None
    product_id: Product | None = None
    recipient_id: UserNumber | None = None
    recipient_type: RecipientType | None = None

    def __post_init__(self) -> None:
        """Refuse a payload that names no chat."""
        if self.chat_id is None and self.message is None:
            self.by_product()

    def by_product(self) -> ProductChat:
        """Return the name of the chat by product and recipient.

        Raises:
            ValueError: the payload has none.
        """
        if self.product_id is None or self.recipient_id is None:
            raise ValueError("Expected `chatId`, or `productId` and `recipientId`, or `message` with an `id`")
        return ProductChat(self.product_id, self.recipient_id, self.recipient_type)


@final
class DeleteMessage(Struct, frozen=True, kw_only=True, rename="camel"):
    """`deleteMessage`: delete one's own message."""

    product_id: Product
    recipient_id: UserNumber
    recipient_type: RecipientType | None = None
    message_id: RecordId


@final
class Typing(Struct, frozen=True, kw_only=True, rename="camel"):
    """`typing` and `stoppedTyping`."""

    product_id: Product
    recipient_id: UserNumber
    recipient_type: RecipientType | None = None


@final
class ListChats(Struct, frozen=True, kw_only=True, rename="camel"):
    """`getUserChats` and `joinRooms`; the payload is optional."""

    page: OrDefault[PageNumber] = 1
    limit: OrDefault[PageSize] = DEFAULT_PAGE_SIZE

    def __post_init__(self) -> None:
        """Treat null as left out."""
        fill_nulls(self)


@final
class ProductRecord(Struct, frozen=True, kw_only=True, rename="camel"):
    """A product, as the back-end that owns it describes it."""

    vendor_id: UserNumber
    name: Annotated[str, Meta(min_length=1, max_length=500)]
    description: str | None = None
    price: str | float | None = None
    discount_price: str | float | None = None
    is_available: bool | None = None
    store_id: int | str | None = None
    category_id: int | str | None = None
    link: str | None = None
    product_image: list[dict[str, object]] | None = None
    attributes: object = None
    additional_info: object = None
    meta_data: object = None
