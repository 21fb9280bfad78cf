"""The one interface of every backend: what a chat system may ask of its memory.

Shape: reads give records or None; writes are whole (each method is one transaction) and give the records as they are
after it. A write returns only when it is durable: what was acknowledged survives the death of the process.

Every method that names a record by id also names its system; a record of another system is not found. Rules about
who may do what are the caller's, except where only the transaction can decide them (see `Refused`).

Cancellation: a caller that is already cancelled writes nothing. A write that was handed in is not torn: the call stays
until it is committed or rolled back, then returns or raises as if nobody had cancelled, and the cancellation strikes at
the caller's next checkpoint. So `result = await store.add_message(...)` followed by plain calls without a checkpoint
runs to the end. The wait is bounded: past the backend's deadline the call raises `StoreUnavailable`, with
`outcome_unknown` set if the write had begun.

Raises, from every method and so not repeated below: `StoreUnavailable`, `StoreClosed`, `BadValue`; from writes also
`StoreBusy`.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeAlias

from .models import (
    DEFAULT_LIMIT,
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
    StoreStatistics,
    SystemName,
    UndeliveredMessages,
    User,
    UserKey,
)

Clock: TypeAlias = Callable[[], datetime]
"""Gives the present as an aware datetime; called by the backend when it writes, possibly in another thread."""


class Store(Protocol):
    """Users, chats, messages, receipts, notifications and references of every system.

    Opened by `open_store`, which also closes it. Safe to use from any number of tasks of the Trio run that opened it.
    """

    # Users

    async def upsert_user(self, system: SystemName, key: UserKey, *, role: str, profile: JsonObject) -> User:
        """Make or refresh a user: the role is replaced, given profile fields are replaced, others stay."""
        ...

    async def touch_user(self, system: SystemName, key: UserKey) -> User:
        """Record that the user is active now.

        Raises:
            NotFound: no such user.
        """
        ...

    async def get_user(self, system: SystemName, key: UserKey) -> User | None:
        """Give one user."""
        ...

    async def get_users(self, system: SystemName, keys: Sequence[UserKey]) -> Mapping[UserKey, User]:
        """Give those of the users that exist, by key."""
        ...

    async def list_users(
        self, system: SystemName, *, role: str, page: int = 1, limit: int = DEFAULT_LIMIT
    ) -> Page[User]:
        """List the users of one role by key. Roles compare exactly; the dialect normalises them."""
        ...

    # Chats

    async def ensure_chat(self, system: SystemName, chat: NewChat) -> EnsuredChat:
        """Give the chat with this key as it is; make it first if there is none. Many callers at once make one."""
        ...

    async def get_chat(self, system: SystemName, chat_id: ChatId) -> Chat | None:
        """Give one chat."""
        ...

    async def find_chat(self, system: SystemName, key: ChatKey) -> Chat | None:
        """Give the chat with this key."""
        ...

    async def list_chats(
        self,
        system: SystemName,
        *,
        participant: UserKey | None = None,
        kind: str | None = None,
        status: str | None = None,
        page: int = 1,
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Chat]:
        """List chats, the one with the latest message (or, without messages, creation) first.

        Each of `participant`, `kind` and `status` narrows the list; without a participant it holds the chats of
        everybody, for those who may see them.
        """
        ...

    async def update_chat(self, system: SystemName, chat_id: ChatId, changes: ChatChanges) -> Chat:
        """Change a chat.

        Raises:
            NotFound: no such chat.
        """
        ...

    async def toggle_block(self, system: SystemName, chat_id: ChatId, user: UserKey) -> Chat:
        """Block the chat for this participant, or lift the participant's own block.

        Raises:
            NotFound: no such chat, or the user is no participant of it.
        """
        ...

    # Messages

    async def add_message(
        self,
        system: SystemName,
        chat: ChatId | NewChat,
        message: NewMessage,
        *,
        required_status: str | None = None,
    ) -> AddedMessage:
        """Store a message in one transaction with everything that must agree with it.

        Makes the chat if a `NewChat` has none yet, gives the message the chat's next sequence number, makes a receipt
        for every member but the sender and raises their unread counts, and moves `last_message_at`. A sender who is no
        member becomes one (not a participant). A retry (same chat, sender and client message id) is recognised before
        anything is refused or changed.

        Raises:
            NotFound: a `ChatId` that does not exist, or a `reply_to` that is not in this chat.
            ChatBlocked: a participant has blocked the chat.
            WrongStatus: `required_status` is given and is not the chat's.
        """
        ...

    async def get_message(self, system: SystemName, message_id: MessageId) -> Message | None:
        """Give one message."""
        ...

    async def list_messages(
        self,
        system: SystemName,
        chat_id: ChatId,
        *,
        with_deleted: bool = True,
        page: int = 1,
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Message]:
        """List the messages of a chat, newest first; empty for an unknown chat.

        Without deleted ones they neither count nor take up room in pages. The cost does not grow with the page's
        number, unless some are to be left out.
        """
        ...

    async def latest_messages(
        self, system: SystemName, chat_ids: Sequence[ChatId], *, with_deleted: bool = True, limit_each: int = 1
    ) -> Mapping[ChatId, tuple[Message, ...]]:
        """Give the newest messages of each chat, with deleted ones or without, newest first; at most `MAX_LIMIT` each.

        Unknown chats and those without messages are left out of the answer. Ask for no more chats than a page has.
        """
        ...

    async def edit_message(
        self, system: SystemName, message_id: MessageId, *, by: UserKey, text: str
    ) -> ChangedMessage:
        """Replace the text of a message.

        Raises:
            NotFound: no such message, or it is deleted.
            NotSender: somebody else's.
        """
        ...

    async def delete_message(self, system: SystemName, message_id: MessageId, *, by: UserKey) -> ChangedMessage:
        """Mark a message deleted. It leaves the unread counts and is no longer handed out as undelivered.

        Deleting twice changes nothing the second time.

        Raises:
            NotFound: no such message.
            NotSender: somebody else's.
        """
        ...

    async def set_reaction(
        self, system: SystemName, message_id: MessageId, *, by: UserKey, emoji: str | None
    ) -> ChangedMessage:
        """Set this user's reaction to a message, replacing an earlier one; None takes it back.

        Raises:
            NotFound: no such message, or it is deleted.
        """
        ...

    # Receipts

    async def mark_read(
        self, system: SystemName, chat_id: ChatId, reader: UserKey, *, message_id: MessageId | None = None
    ) -> MarkedMessages:
        """Mark every message of others in the chat read by this user, or only one; reading implies delivery.

        A reader who is no member becomes one (not a participant).

        Raises:
            NotFound: no such chat, or `message_id` is not in it.
        """
        ...

    async def mark_delivered(self, system: SystemName, chat_id: ChatId, user: UserKey) -> MarkedMessages:
        """Mark every message of the chat that waits for this user as delivered. `take_undelivered` will not give them.

        Raises:
            NotFound: no such chat.
        """
        ...

    async def take_undelivered(
        self, system: SystemName, user: UserKey, *, limit: int = DEFAULT_LIMIT
    ) -> UndeliveredMessages:
        """Hand out messages that wait for this user, newest first, and mark them delivered in the same transaction.

        Two callers never get the same message. Call again for the next ones, until `page.has_next` is False.
        """
        ...

    # Notifications

    async def add_notification(self, system: SystemName, notification: NewNotification) -> Notification:
        """Store a notification."""
        ...

    async def list_notifications(
        self,
        system: SystemName,
        user: UserKey,
        *,
        unread_only: bool = False,
        page: int = 1,
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Notification]:
        """List a user's notifications, newest first."""
        ...

    async def count_unread_notifications(self, system: SystemName, user: UserKey) -> int:
        """Count a user's unread notifications."""
        ...

    async def take_undelivered_notifications(
        self, system: SystemName, user: UserKey, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Notification]:
        """Hand out notifications that wait for this user, newest first, marking them delivered in the same transaction.

        Two callers never get the same one. `total_records` counts what waited before; call again until `has_next` is
        False.
        """
        ...

    async def mark_notification_read(
        self, system: SystemName, user: UserKey, notification_id: NotificationId
    ) -> Notification:
        """Mark one of the user's notifications read; reading implies delivery. Twice changes nothing.

        Raises:
            NotFound: no such notification of this user.
        """
        ...

    async def mark_all_notifications_read(self, system: SystemName, user: UserKey) -> int:
        """Mark all of the user's notifications read; give how many were not."""
        ...

    # References

    async def put_reference(self, system: SystemName, *, kind: str, key: str, data: JsonObject) -> Reference:
        """Make a reference or replace its data."""
        ...

    async def get_reference(self, system: SystemName, *, kind: str, key: str) -> Reference | None:
        """Give one reference."""
        ...

    async def get_references(self, system: SystemName, *, kind: str, keys: Sequence[str]) -> Mapping[str, Reference]:
        """Give those of the references that exist, by key."""
        ...

    # The store itself

    def statistics(self) -> StoreStatistics:
        """Give the counters; cheap, never blocks."""
        ...
