"""From documents to the store's records and back."""

import msgspec

from slysock_store import json_text
from slysock_store.models import (
    Chat,
    ChatId,
    ChatKey,
    Member,
    Message,
    MessageId,
    Notification,
    NotificationId,
    Reaction,
    Reference,
    SystemName,
    User,
    UserId,
    UserKey,
)

from .documents import (
    ChatDocument,
    Document,
    MemberDocument,
    MessageDocument,
    NotificationDocument,
    ReactionDocument,
    ReferenceDocument,
    UserDocument,
    decode,
)
from .filters import scalar


def retry_key(chat_id: ChatId, sender: UserKey, client_message_id: str) -> str:
    """Join a chat, a sender and a client message id into one string; the length keeps it unambiguous.

    Raises:
        BadValue: one of them is not a string that can be stored.
    """
    for name in (chat_id, sender, client_message_id):
        scalar(name)
    return f"{chat_id}:{len(sender)}:{sender}:{client_message_id}"


def user_of(document: Document) -> User:
    """Make the record of a user's document as it came from the database."""
    return user_record(decode(document, UserDocument))


def user_record(found: UserDocument) -> User:
    """Make the record of a user's document."""
    return User(
        id=UserId(found.id),
        system=SystemName(found.system),
        key=UserKey(found.key),
        role=found.role,
        profile=json_text.decode_object(found.profile),
        last_active=found.last_active,
        created_at=found.created_at,
        updated_at=found.updated_at,
    )


def user_document(user: User) -> UserDocument:
    """Make the document of a user."""
    return UserDocument(
        id=user.id,
        system=user.system,
        key=user.key,
        role=user.role,
        profile=json_text.encode(user.profile),
        last_active=user.last_active,
        created_at=user.created_at,
        updated_at=user.updated_at,
    )


def chat_of(document: Document) -> Chat:
    """Make the record of a chat's document as it came from the database."""
    return chat_record(decode(document, ChatDocument))


def chat_record(found: ChatDocument) -> Chat:
    """Make the record of a chat's document."""
    return Chat(
        id=ChatId(found.id),
        system=SystemName(found.system),
        kind=found.kind,
        key=ChatKey(found.key),
        reference=json_text.decode(found.reference),
        status=found.status,
        extra=json_text.decode_object(found.extra),
        members=tuple(map(_member_of, found.members)),
        last_sequence=found.last_sequence,
        message_count=found.message_count,
        last_message_at=found.last_message_at,
        created_at=found.created_at,
        updated_at=found.updated_at,
    )


def _member_of(found: MemberDocument) -> Member:
    return Member(
        user=UserKey(found.user),
        is_participant=found.is_participant,
        has_blocked=found.has_blocked,
        delivered=found.delivered,
        read=found.read,
    )


def chat_document(chat: Chat) -> ChatDocument:
    """Make the document of a chat."""
    return ChatDocument(
        id=chat.id,
        system=chat.system,
        kind=chat.kind,
        key=chat.key,
        reference=json_text.encode(chat.reference),
        status=chat.status,
        extra=json_text.encode(chat.extra),
        members=tuple(
            MemberDocument(
                user=member.user,
                is_participant=member.is_participant,
                has_blocked=member.has_blocked,
                delivered=member.delivered,
                read=member.read,
            )
            for member in chat.members
        ),
        participants=chat.participants,
        undelivered_to=tuple(member.user for member in chat.members if member.delivered.waiting),
        last_sequence=chat.last_sequence,
        message_count=chat.message_count,
        last_message_at=chat.last_message_at,
        created_at=chat.created_at,
        updated_at=chat.updated_at,
        active_at=chat.created_at if chat.last_message_at is None else chat.last_message_at,
    )


def message_of(document: Document) -> Message:
    """Make the record of a message's document as it came from the database; see `message_record`."""
    return message_record(decode(document, MessageDocument))


def message_record(found: MessageDocument) -> Message:
    """Make the record of a message's document, which only of a deleted one tells whom it has reached."""
    readers = tuple(sorted(map(UserKey, found.read_by or ())))
    return Message(
        id=MessageId(found.id),
        chat_id=ChatId(found.chat_id),
        sequence=found.sequence,
        sender=UserKey(found.sender),
        recipient=None if found.recipient is None else UserKey(found.recipient),
        kind=found.kind,
        text=found.text,
        attachments=json_text.decode_objects(found.attachments),
        reply_to=None if found.reply_to is None else MessageId(found.reply_to),
        client_message_id=found.client_message_id,
        recipient_online=found.recipient_online,
        extra=json_text.decode_object(found.extra),
        reactions=tuple(Reaction(user=UserKey(one.user), emoji=one.emoji) for one in found.reactions),
        delivered_to=readers,
        read_by=readers,
        is_edited=found.is_edited,
        is_deleted=found.is_deleted,
        created_at=found.created_at,
        updated_at=found.updated_at,
    )


def message_document(system: SystemName, message: Message) -> MessageDocument:
    """Make the document of a message."""
    document = MessageDocument(
        id=message.id,
        system=system,
        chat_id=message.chat_id,
        sequence=message.sequence,
        sender=message.sender,
        recipient=message.recipient,
        kind=message.kind,
        text=message.text,
        attachments=json_text.encode(message.attachments),
        reply_to=message.reply_to,
        client_message_id=message.client_message_id,
        recipient_online=message.recipient_online,
        extra=json_text.encode(message.extra),
        reactions=tuple(ReactionDocument(user=one.user, emoji=one.emoji) for one in message.reactions),
        read_by=message.read_by if message.is_deleted else msgspec.UNSET,
        is_edited=message.is_edited,
        is_deleted=message.is_deleted,
        created_at=message.created_at,
        updated_at=message.updated_at,
    )
    if message.client_message_id is None:
        return document
    key = retry_key(message.chat_id, message.sender, message.client_message_id)
    return msgspec.structs.replace(document, retry_key=key)


def notification_of(document: Document) -> Notification:
    """Make the record of a notification's document as it came from the database."""
    return notification_record(decode(document, NotificationDocument))


def notification_record(found: NotificationDocument) -> Notification:
    """Make the record of a notification's document."""
    return Notification(
        id=NotificationId(found.id),
        system=SystemName(found.system),
        user=UserKey(found.user),
        kind=found.kind,
        content=json_text.decode(found.content),
        channel=found.channel,
        priority=found.priority,
        status=found.status,
        delivered_at=found.delivered_at,
        read_at=found.read_at,
        created_at=found.created_at,
        updated_at=found.updated_at,
    )


def notification_document(notification: Notification, number: int) -> NotificationDocument:
    """Make the document of a notification."""
    return NotificationDocument(
        id=notification.id,
        system=notification.system,
        user=notification.user,
        number=number,
        kind=notification.kind,
        content=json_text.encode(notification.content),
        channel=notification.channel,
        priority=notification.priority,
        status=notification.status,
        delivered_at=notification.delivered_at,
        read_at=notification.read_at,
        created_at=notification.created_at,
        updated_at=notification.updated_at,
    )


def reference_of(document: Document) -> Reference:
    """Make the record of a reference's document."""
    found = decode(document, ReferenceDocument)
    return Reference(
        system=SystemName(found.system),
        kind=found.kind,
        key=found.key,
        data=json_text.decode_object(found.data),
        created_at=found.created_at,
        updated_at=found.updated_at,
    )
