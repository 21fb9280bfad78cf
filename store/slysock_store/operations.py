"""What a backend supplies: for each method of `Store` a plain function of a transaction or, to read, a snapshot.

The functions are in modules by subject, and such a module is itself the value::

    OPERATIONS: Operations[Transaction, Connection] = Operations(users=users, chats=chats, ...)

Pages and limits have been put into bounds and defaults filled in before a function is called; `Store` says what it
does, returns and raises. A write that raises is undone; several may share one transaction, so none ends it.
"""

# ruff: noqa: D102 - what each of them does, `Store` says

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, final

import msgspec

from .models import (
    AddedMessage,
    ChangedMessage,
    Chat,
    ChatChanges,
    ChatId,
    ChatKey,
    EnsuredChat,
    JsonObject,
    MarkedMessages,
    Message,
    MessageId,
    NewChat,
    NewMessage,
    NewNotification,
    Notification,
    NotificationId,
    Page,
    Reference,
    ReferenceChange,
    SystemName,
    UndeliveredMessages,
    User,
    UserKey,
)
from .paging import Window

Tx = TypeVar("Tx")
Tx_contra = TypeVar("Tx_contra", contravariant=True)
Snapshot = TypeVar("Snapshot")
Snapshot_contra = TypeVar("Snapshot_contra", contravariant=True)


class UserOperations(Protocol[Tx_contra, Snapshot_contra]):
    """Module `users`."""

    def upsert_user(
        self, tx: Tx_contra, system: SystemName, key: UserKey, role: str, profile: JsonObject, /
    ) -> User: ...
    def touch_user(self, tx: Tx_contra, system: SystemName, key: UserKey, /) -> User: ...
    def get_user(self, snapshot: Snapshot_contra, system: SystemName, key: UserKey, /) -> User | None: ...
    def get_users(
        self, snapshot: Snapshot_contra, system: SystemName, keys: Sequence[UserKey], /
    ) -> Mapping[UserKey, User]: ...
    def list_users(self, snapshot: Snapshot_contra, system: SystemName, role: str, window: Window, /) -> Page[User]: ...


class ChatOperations(Protocol[Tx_contra, Snapshot_contra]):
    """Module `chats`."""

    def ensure_chat(self, tx: Tx_contra, system: SystemName, new: NewChat, /) -> EnsuredChat: ...
    def update_chat(self, tx: Tx_contra, system: SystemName, chat_id: ChatId, changes: ChatChanges, /) -> Chat: ...
    def toggle_block(self, tx: Tx_contra, system: SystemName, chat_id: ChatId, user: UserKey, /) -> Chat: ...
    def get_chat(self, snapshot: Snapshot_contra, system: SystemName, chat_id: ChatId, /) -> Chat | None: ...
    def find_chat(self, snapshot: Snapshot_contra, system: SystemName, key: ChatKey, /) -> Chat | None: ...
    def list_chats(
        self,
        snapshot: Snapshot_contra,
        system: SystemName,
        participant: UserKey | None,
        kind: str | None,
        status: str | None,
        window: Window,
        /,
    ) -> Page[Chat]: ...


class MessageOperations(Protocol[Snapshot_contra]):
    """Module `messages`: those that read."""

    def get_message(
        self, snapshot: Snapshot_contra, system: SystemName, message_id: MessageId, /
    ) -> Message | None: ...
    def list_messages(
        self, snapshot: Snapshot_contra, system: SystemName, chat_id: ChatId, window: Window, with_deleted: bool, /
    ) -> Page[Message]: ...
    def latest_messages(
        self,
        snapshot: Snapshot_contra,
        system: SystemName,
        chat_ids: Sequence[ChatId],
        limit_each: int,
        with_deleted: bool,
        /,
    ) -> Mapping[ChatId, tuple[Message, ...]]: ...


@final
class AddMessage(msgspec.Struct, frozen=True, gc=False):
    """The arguments of one `Store.add_message`, so that a backend that gets many can read ahead for all of them."""

    system: SystemName
    chat: ChatId | NewChat
    message: NewMessage
    required_status: str | None
    changes: tuple[ReferenceChange, ...] = ()


class SendingOperations(Protocol[Tx_contra]):
    """Module `sending`."""

    def add_message(self, tx: Tx_contra, call: AddMessage, /) -> AddedMessage: ...


class ChangingOperations(Protocol[Tx_contra]):
    """Module `changing`: changes to messages that are stored."""

    def edit_message(
        self, tx: Tx_contra, system: SystemName, message_id: MessageId, by: UserKey, text: str, /
    ) -> ChangedMessage: ...
    def delete_message(
        self,
        tx: Tx_contra,
        system: SystemName,
        message_id: MessageId,
        by: UserKey,
        changes: Sequence[ReferenceChange],
        /,
    ) -> ChangedMessage: ...
    def set_reaction(
        self, tx: Tx_contra, system: SystemName, message_id: MessageId, by: UserKey, emoji: str | None, /
    ) -> ChangedMessage: ...


class ReceiptOperations(Protocol[Tx_contra]):
    """Module `receipts`."""

    def mark_read(
        self, tx: Tx_contra, system: SystemName, chat_id: ChatId, reader: UserKey, message_id: MessageId | None, /
    ) -> MarkedMessages: ...
    def mark_delivered(
        self, tx: Tx_contra, system: SystemName, chat_id: ChatId, user: UserKey, /
    ) -> MarkedMessages: ...
    def take_undelivered(
        self, tx: Tx_contra, system: SystemName, user: UserKey, window: Window, /
    ) -> UndeliveredMessages: ...


class NotificationOperations(Protocol[Tx_contra, Snapshot_contra]):
    """Module `notifications`."""

    def add_notification(self, tx: Tx_contra, system: SystemName, new: NewNotification, /) -> Notification: ...
    def take_undelivered(
        self, tx: Tx_contra, system: SystemName, user: UserKey, window: Window, /
    ) -> Page[Notification]: ...
    def mark_read(
        self, tx: Tx_contra, system: SystemName, user: UserKey, notification_id: NotificationId, /
    ) -> Notification: ...
    def mark_all_read(self, tx: Tx_contra, system: SystemName, user: UserKey, /) -> int: ...
    def list_notifications(
        self, snapshot: Snapshot_contra, system: SystemName, user: UserKey, unread_only: bool, window: Window, /
    ) -> Page[Notification]: ...
    def count_unread(self, snapshot: Snapshot_contra, system: SystemName, user: UserKey, /) -> int: ...


class WaitingOperations(Protocol[Tx_contra, Snapshot_contra]):
    """Module `waiting`."""

    def list_undelivered(
        self,
        snapshot: Snapshot_contra,
        system: SystemName,
        user: UserKey,
        chat_id: ChatId | None,
        before: MessageId | None,
        window: Window,
        /,
    ) -> UndeliveredMessages: ...
    def mark_received(
        self, tx: Tx_contra, system: SystemName, user: UserKey, message_ids: Sequence[MessageId], /
    ) -> int: ...
    def list_undelivered_notifications(
        self,
        snapshot: Snapshot_contra,
        system: SystemName,
        user: UserKey,
        before: NotificationId | None,
        window: Window,
        /,
    ) -> Page[Notification]: ...
    def mark_notifications_received(
        self, tx: Tx_contra, system: SystemName, user: UserKey, notification_ids: Sequence[NotificationId], /
    ) -> int: ...


class ReferenceOperations(Protocol[Tx_contra, Snapshot_contra]):
    """Module `references`."""

    def put_reference(
        self, tx: Tx_contra, system: SystemName, kind: str, key: str, data: JsonObject, /
    ) -> Reference: ...
    def get_reference(
        self, snapshot: Snapshot_contra, system: SystemName, kind: str, key: str, /
    ) -> Reference | None: ...
    def get_references(
        self, snapshot: Snapshot_contra, system: SystemName, kind: str, keys: Sequence[str], /
    ) -> Mapping[str, Reference]: ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Operations(Generic[Tx, Snapshot]):
    """All of a backend's operations, by module."""

    users: UserOperations[Tx, Snapshot]
    chats: ChatOperations[Tx, Snapshot]
    messages: MessageOperations[Snapshot]
    sending: SendingOperations[Tx]
    changing: ChangingOperations[Tx]
    receipts: ReceiptOperations[Tx]
    notifications: NotificationOperations[Tx, Snapshot]
    references: ReferenceOperations[Tx, Snapshot]
    waiting: WaitingOperations[Tx, Snapshot]
