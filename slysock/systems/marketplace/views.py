"""From records to shapes. Pure: the caller has read the records."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import UNSET
from msgspec.structs import replace

from slysock.systems.domain import KnownUsers
from slysock.systems.domain.times import wire_time
from slysock_store import Chat, ChatId, Json, JsonObject, Message, Notification, Page

from .envelope import Listing, Pagination, paginate
from .people import Person, Role, person_from_key
from .profiles import customer_shape, vendor_shape
from .shapes import ChatShape, MediaShape, MessageShape, NotificationShape, OfflineMessageShape


def sides(chat: Chat) -> tuple[Person, Person]:
    """Return the customer and the vendor of a chat."""
    first, second = (person_from_key(key) for key in chat.participants[:2])
    return (first, second) if first.role is Role.CUSTOMER else (second, first)


def other_side(chat: Chat, viewer: Person) -> Person:
    """Return whom the viewer talks to in a chat."""
    customer, vendor = sides(chat)
    return vendor if viewer.role is Role.CUSTOMER else customer


def bare_chat(chat: Chat) -> ChatShape:
    """Show a chat without its people."""
    customer, vendor = sides(chat)
    return ChatShape(
        id=chat.id,
        product_id=chat.reference,
        vendor_id=vendor.id,
        customer_id=customer.id,
        last_message_at=wire_time(chat.last_message_at or chat.created_at),
        created_at=wire_time(chat.created_at),
        un_read_customer_messages=chat.unread_of(customer.key) > 0,
        un_read_vendor_messages=chat.unread_of(vendor.key) > 0,
    )


def seen_chat(chat: Chat, viewer: Person, users: KnownUsers) -> ChatShape:
    """Show a chat to one of its sides."""
    other = other_side(chat, viewer)
    user = users.get(other.key)
    if other.role is Role.VENDOR:
        return replace(bare_chat(chat), vendor=vendor_shape(other, user))
    return replace(bare_chat(chat), customer=customer_shape(other, user))


def new_chat(chat: Chat, first: Message, viewer: Person, users: KnownUsers) -> ChatShape:
    """Show a chat that has just begun."""
    return replace(seen_chat(chat, viewer, users), messages=[message_shape(first)])


def full_chat(chat: Chat, messages: Sequence[Message], viewer: Person, users: KnownUsers) -> ChatShape:
    """Show a chat in a list, with its newest messages that are not deleted, newest first."""
    _, vendor = sides(chat)
    known = users.get(vendor.key)
    stores = [] if known is None else vendor_shape(vendor, known).store
    return replace(
        seen_chat(chat, viewer, users),
        store_id=stores[0].store_id if stores else None,
        messages=[message_shape(message) for message in messages],
    )


def loaded_chat(chat: Chat, history: Page[Message], viewer: Person, users: KnownUsers) -> ChatShape:
    """Show a chat with a page of its history without deleted messages, oldest first; page 1 holds the newest."""
    return replace(
        seen_chat(chat, viewer, users),
        messages=[message_shape(message) for message in reversed(history.items)],
        pagination=page_of(history),
    )


def page_of(page: Page[Message] | Page[Chat]) -> Pagination:
    """Describe a page of records."""
    return paginate(page=page.page, limit=page.limit, total_records=page.total_records)


def message_shape(message: Message) -> MessageShape:
    """Show a message that is not deleted."""
    sender = person_from_key(message.sender)
    return MessageShape(
        id=message.id,
        sender_id=sender.id,
        text=message.text,
        timestamp=wire_time(message.created_at),
        read=message.recipient is not None and message.is_read_by(message.recipient),
        recipient_online=message.recipient_online,
        chat_id=message.chat_id,
        sender_type=sender.role,
        message_medias=[_media(media) for media in message.attachments],
        client_message_id=message.client_message_id or UNSET,
    )


def offline_message(message: Message, chat: Chat) -> OfflineMessageShape:
    """Show a message that waited for its recipient."""
    sender, recipient = person_from_key(message.sender), other_side(chat, person_from_key(message.sender))
    return OfflineMessageShape(
        id=message.id,
        sender_id=sender.id,
        sender_type=sender.role,
        recipient_id=recipient.id,
        recipient_type=recipient.role,
        text=message.text,
        timestamp=wire_time(message.created_at),
        recipient_online=message.recipient_online,
        chat_id=message.chat_id,
        created_at=wire_time(message.created_at),
        updated_at=wire_time(message.updated_at),
        message_medias=[_media(media) for media in message.attachments],
        chat=bare_chat(chat),
    )


def missed_messages(messages: Iterable[Message], chats: Mapping[ChatId, Chat], pagination: Pagination) -> Listing:
    """Show a page of what waited for somebody, with the chat of each message."""
    items = tuple(offline_message(message, chats[message.chat_id]) for message in messages)
    return Listing(items=items, pagination=pagination)


def notification_shape(notification: Notification) -> NotificationShape:
    """Show a notification."""
    person = person_from_key(notification.user)
    return NotificationShape(
        id=notification.id,
        vendor_id=person.id if person.role is Role.VENDOR else None,
        customer_id=person.id if person.role is Role.CUSTOMER else None,
        type=notification.kind,
        channel=notification.channel,
        content=notification.content,
        status=notification.status,
        priority=notification.priority,
        created_at=wire_time(notification.created_at),
        updated_at=wire_time(notification.updated_at),
    )


def _media(media: JsonObject) -> MediaShape:
    return MediaShape(
        id=_text(media.get("id")) or "",
        image_url=_text(media.get("imageUrl")) or "",
        size=_text(media.get("size")),
        mime_type=_text(media.get("mimeType")),
    )


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
