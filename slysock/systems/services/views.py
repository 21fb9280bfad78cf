"""From records to shapes. Pure: the caller has read the records."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from msgspec import UNSET

from slysock.systems.domain.profiles import name_in, text_in
from slysock.systems.domain.times import wire_time
from slysock_store import Chat, Json, JsonObject, Message, Notification, User, UserKey

from .people import ADMIN
from .shapes import (
    ContentShape,
    MessageShape,
    NewSupportMessageShape,
    NotificationShape,
    PhotoShape,
    SenderShape,
    StatusShape,
    SupportMessageShape,
)

NEW_SUPPORT_MESSAGE: Final = "new-support-message"
USER: Final = "user"
"""What everybody except admins is called in a ticket."""


def id_of(chat: Chat) -> str:
    """Return the back-end's id of a chat or ticket."""
    assert isinstance(chat.reference, str), "a chat of this system is made with its id as reference"
    return chat.reference


def message_shape(chat: Chat, message: Message, sender: User, *, is_handed_over: bool = False) -> MessageShape:
    """Show a message in a chat of two.

    No event says later that it was delivered, so one that is on its way to a receiver who has the chat open is shown
    so; what the store says is true once it was received.
    """
    receiver = other_side(chat, message.sender)
    return MessageShape(
        id=message.id,
        chat_id=id_of(chat),
        sender=sender_shape(sender),
        receiver=receiver,
        content=message.text or "",
        message_type=message.kind,
        media=[dict(media) for media in message.attachments],
        delivered=is_handed_over or receiver in message.delivered_to,
        is_read=receiver in message.read_by,
        created_at=wire_time(message.created_at),
        updated_at=wire_time(message.updated_at),
        client_message_id=message.client_message_id or UNSET,
    )


def support_message(chat: Chat, message: Message, sender: User) -> SupportMessageShape:
    """Show a message in a ticket."""
    role = message.extra.get("senderRole")
    return SupportMessageShape(
        id=message.id,
        ticket=id_of(chat),
        sender=sender_shape(sender),
        sender_role=ADMIN if role == ADMIN else USER,
        content=ContentShape(text=message.text or "", attachments=[dict(media) for media in message.attachments]),
        message_type=message.kind,
        is_read=bool(message.read_by),
        read_by=list(message.read_by),
        created_at=wire_time(message.created_at),
        client_message_id=message.client_message_id or UNSET,
    )


def announced(message: SupportMessageShape) -> NewSupportMessageShape:
    """Wrap a message in a ticket as the document does."""
    return NewSupportMessageShape(event=NEW_SUPPORT_MESSAGE, data=message)


def other_side(chat: Chat, user: UserKey) -> UserKey:
    """Return the other one of a chat of two."""
    first, second = chat.participants
    return second if user == first else first


def sender_shape(user: User) -> SenderShape:
    """Show who wrote something."""
    return SenderShape(
        id=user.key,
        full_name=name_in(user.profile, "fullName", "name"),
        profile_photo=_photo(user.profile),
        role=user.role,
    )


def status_shape(user: UserKey, *, is_online: bool, last_active: datetime | None) -> StatusShape:
    """Show a user's status."""
    return StatusShape(
        user_id=user, is_online=is_online, last_active=None if last_active is None else wire_time(last_active)
    )


def notification_shape(notification: Notification, *, is_handed_over: bool = False) -> NotificationShape:
    """Show a notification; see `message_shape` for one that is on its way."""
    return NotificationShape(
        id=notification.id,
        user_id=notification.user,
        type=notification.kind,
        content=notification.content,
        channel=notification.channel,
        priority=notification.priority,
        delivered=is_handed_over or notification.delivered_at is not None,
        is_read=notification.read_at is not None,
        created_at=wire_time(notification.created_at),
    )


def _photo(profile: JsonObject) -> PhotoShape:
    """Return the address of a photo: profiles come from many back-ends, with an address or an object that has one."""
    given: Json = profile.get("profilePhoto")
    if isinstance(given, Mapping):
        return PhotoShape(url=text_in(given, "url"))
    return PhotoShape(url=text_in(profile, "profilePhoto", "profilePicture", "profilePictureUrl", "avatar"))
