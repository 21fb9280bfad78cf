"""What clients get, shape by shape. Names and nesting are those of the document's examples."""

from typing import final

from msgspec import UNSET, Struct, UnsetType

from .envelope import Pagination


@final
class MediaShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """One of `messageMedias`."""

    id: str
    image_url: str
    size: str | None
    mime_type: str | None


@final
class StoreShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """One of a vendor's stores."""

    id: str | None
    name: str | None
    vendor_id: int
    store_id: int | str | None
    store_logo_url: str | None
    created_at: str | None
    updated_at: str | None


@final
class CustomerShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """A customer, as a vendor sees them. What is unknown is null."""

    id: str | None
    user_id: int
    first_name: str | None
    last_name: str | None
    profile_picture_url: str | None
    email: str | None
    verified: bool
    phone_number: str | None
    active: bool
    created_at: str | None
    updated_at: str | None


@final
class VendorShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """A vendor, as a customer sees them: as a customer, with stores."""

    id: str | None
    user_id: int
    first_name: str | None
    last_name: str | None
    profile_picture_url: str | None
    email: str | None
    verified: bool
    phone_number: str | None
    active: bool
    created_at: str | None
    updated_at: str | None
    store: list[StoreShape]


@final
class MessageShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """A message inside its chat, and in `receiveMessage`."""

    id: str
    sender_id: int
    text: str | None
    timestamp: str
    read: bool
    recipient_online: bool
    chat_id: str
    sender_type: str
    message_medias: list[MediaShape]
    client_message_id: str | UnsetType = UNSET
    """Only if its sender gave one."""


@final
class ChatShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """A chat: bare in `offlineMessages`, elsewhere with the other side, and with messages when it is opened."""

    id: str
    product_id: object
    vendor_id: int
    customer_id: int
    store_id: int | str | UnsetType | None = UNSET
    """The vendor's first store; in `getUserChats` and `joinRooms`."""

    last_message_at: str
    created_at: str
    un_read_customer_messages: bool
    """Whether the customer has unread messages."""

    un_read_vendor_messages: bool
    """Whether the vendor has unread messages."""

    messages: list[MessageShape] | UnsetType = UNSET
    """Oldest first in `loadChat`, newest first in lists; in `newChat`, only the first message."""

    pagination: Pagination | UnsetType = UNSET
    """Of the messages; in `loadChat` and `loadMessages`."""

    customer: CustomerShape | UnsetType = UNSET
    """Shown to a vendor."""

    vendor: VendorShape | UnsetType = UNSET
    """Shown to a customer."""


@final
class OfflineMessageShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """One of `offlineMessages`."""

    id: str
    sender_id: int
    sender_type: str
    recipient_id: int
    recipient_type: str
    text: str | None
    timestamp: str
    recipient_online: bool
    chat_id: str
    created_at: str
    updated_at: str
    support_chat_id: None = None
    message_medias: list[MediaShape]
    chat: ChatShape


@final
class PresenceShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """The `data` of `userIsOnline` and `userIsOffline`."""

    user_id: int
    user_type: str


@final
class NotificationShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """A notification. One of `vendorId` and `customerId` is its user, the other null."""

    id: str
    vendor_id: int | None
    customer_id: int | None
    type: str
    channel: str
    content: object
    """Depends on `type`."""

    status: str
    priority: int
    created_at: str
    updated_at: str


@final
class ProductShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """A product as it is kept."""

    id: str
    product: object
    created_at: str
    updated_at: str
