"""From records to shapes. Pure: the caller has read the records."""

from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from slysock.systems.domain import KnownUsers
from slysock.systems.domain.profiles import text_in
from slysock.systems.domain.times import wire_time
from slysock_store import Chat, JsonObject, Message, UserKey

from .people import ADMIN, SYSTEM, USER
from .shapes import ConversationShape, LastMessageShape, MessageShape, PersonShape

GENERAL: Final = "general"
ORDER: Final = "order"
SUBJECT: Final = "subject"
"""The key of the subject in `Chat.extra`."""

SYSTEM_NAME: Final = "المدير"
"""What the document calls the admin who sends what the server says itself."""

_SYSTEM_SHAPE: Final = PersonShape(id=SYSTEM, name=SYSTEM_NAME, role=ADMIN)


def person_shape(key: UserKey, users: KnownUsers) -> PersonShape:
    """Show a participant or sender; an unknown one is a user whose name is the id."""
    if key == SYSTEM:
        return _SYSTEM_SHAPE
    user = users.get(key)
    if user is None:
        return PersonShape(id=key, name=key, role=USER)
    return PersonShape(id=key, name=_name_in(user.profile) or key, role=user.role)


def _name_in(profile: JsonObject) -> str:
    whole = next((text for name in ("name", "fullName") if (text := _text(profile, name))), "")
    parts = (_text(profile, "firstName"), _text(profile, "lastName"))
    return whole or " ".join(filter(None, parts)) or _text(profile, "username")


def _text(fields: JsonObject, name: str) -> str:
    """Read a text that may be missing."""
    return text_in(fields, name) or ""


def message_shape(message: Message, users: KnownUsers) -> MessageShape:
    """Show a message."""
    return MessageShape(
        id=message.id,
        conversation=message.chat_id,
        sender=person_shape(message.sender, users),
        type=message.kind,
        content=message.text or "",
        is_read=bool(message.read_by),
        created_at=wire_time(message.created_at),
        updated_at=wire_time(message.updated_at),
        client_message_id=UNSET if message.sender == SYSTEM else message.client_message_id or UNSET,
    )


def new_conversation_shape(chat: Chat, users: KnownUsers) -> ConversationShape:
    """Show a conversation that has just begun; it looks the same to everybody who is told."""
    return ConversationShape(
        id=chat.id,
        participants=[person_shape(key, users) for key in chat.participants],
        subject=_text(chat.extra, SUBJECT),
        status=chat.status,
        support_type=chat.kind,
        related_order=chat.reference if isinstance(chat.reference, str) else UNSET,
        created_at=wire_time(chat.created_at),
        updated_at=wire_time(chat.updated_at),
    )


def conversation_shape(chat: Chat, viewer: UserKey, last: Message | None, users: KnownUsers) -> ConversationShape:
    """Show a conversation to one of those who may see it."""
    return replace(
        new_conversation_shape(chat, users),
        last_message=None if last is None else _last_message_shape(last),
        unread_count=chat.unread_of(viewer),
    )


def _last_message_shape(message: Message) -> LastMessageShape:
    return LastMessageShape(
        id=message.id,
        content=message.text or "",
        type=message.kind,
        created_at=wire_time(message.created_at),
    )
