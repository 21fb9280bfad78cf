"""The one interface to every backend: what a chat system can ask of a store.

Shape: reads return records or None; writes are atomic (each method is one transaction) and return the records as they
are afterwards. A write returns only when it is durable: what was acknowledged survives the death of the process.

Every method that names a record by id also names its system; a record of another system is not found. The caller
decides who may do what, except where only the transaction can (see `Refused`).

Cancellation: a caller that is already cancelled writes nothing. A write that was accepted is not torn: the call stays
until it is committed or rolled back, then returns or raises as if nobody had cancelled; `Cancelled` is raised at the
caller's next checkpoint. So `result = await store.add_message(...)` followed by plain calls without a checkpoint
runs to the end. The wait is bounded: past the backend's deadline the call raises `StoreUnavailable`, with
`outcome_unknown` set if the write had begun.

Raises, from every method and so not repeated below: `StoreUnavailable`, `StoreClosed`, `BadValue`; from writes also
`StoreBusy` and, where something new is stored, `StoreFull`.
"""

from collections.abc import Mapping, Sequence
from typing import Generic, TypeAlias, TypeVar, final

from .engines import Engine
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
    ReferenceChange,
    StoreStatistics,
    SystemName,
    UndeliveredMessages,
    User,
    UserKey,
)
from .operations import AddMessage, Operations
from .paging import window

# Covariant, as nothing that a caller can reach speaks of them: a store on anything is a `Store`.
Tx_co = TypeVar("Tx_co", covariant=True)
Snapshot_co = TypeVar("Snapshot_co", covariant=True)


@final
class BackedStore(Generic[Tx_co, Snapshot_co]):
    """Users, chats, messages, receipts, notifications and references of every system; elsewhere named `Store`.

    Opened by `open_store`, which also closes it. Safe to use from any number of tasks of the Trio run that opened it.

    Each method names the backend's operation and whether that reads or writes; the engine runs it.
    """

    def __init__(self, engine: Engine[Tx_co, Snapshot_co], operations: Operations[Tx_co, Snapshot_co]) -> None:
        self._engine = engine
        self._users = operations.users
        self._chats = operations.chats
        self._messages = operations.messages
        self._sending = operations.sending
        self._changing = operations.changing
        self._receipts = operations.receipts
        self._notifications = operations.notifications
        self._references = operations.references
        self._waiting = operations.waiting

    # Users

    async def upsert_user(self, system: SystemName, key: UserKey, *, role: str, profile: JsonObject) -> User:
        """Create or update a user: the role and the given profile fields are replaced, other fields stay."""
        return await self._engine.write(self._users.upsert_user, system, key, role, profile)

    async def touch_user(self, system: SystemName, key: UserKey) -> User:
        """Record that the user is active now.

        Raises:
            NotFound: no such user.
        """
        return await self._engine.write(self._users.touch_user, system, key)

    async def get_user(self, system: SystemName, key: UserKey) -> User | None:
        """Return one user, or None if there is no such user."""
        return await self._engine.read(self._users.get_user, system, key)

    async def get_users(self, system: SystemName, keys: Sequence[UserKey]) -> Mapping[UserKey, User]:
        """Return those of the users that exist, by key."""
        return await self._engine.read(self._users.get_users, system, keys)

    async def list_users(
        self, system: SystemName, *, role: str, page: int = 1, limit: int = DEFAULT_LIMIT
    ) -> Page[User]:
        """List the users of one role by key. Roles must be equal; the dialect normalises them."""
        asked = window(page, limit)
        return await self._engine.read(self._users.list_users, system, role, asked)

    # Chats

    async def ensure_chat(self, system: SystemName, chat: NewChat) -> EnsuredChat:
        """Return the chat with this key as it is; create it if there is none. Many callers at once create only one."""
        return await self._engine.write(self._chats.ensure_chat, system, chat)

    async def get_chat(self, system: SystemName, chat_id: ChatId) -> Chat | None:
        """Return one chat, or None if there is no such chat."""
        return await self._engine.read(self._chats.get_chat, system, chat_id)

    async def find_chat(self, system: SystemName, key: ChatKey) -> Chat | None:
        """Return the chat with this key, or None if there is none."""
        return await self._engine.read(self._chats.find_chat, system, key)

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
        """List chats, latest activity first: the newest message, or creation if there is none.

        Each of `participant`, `kind` and `status` narrows the list; without a participant it holds everybody's chats,
        for those who may see them.
        """
        asked = window(page, limit)
        return await self._engine.read(self._chats.list_chats, system, participant, kind, status, asked)

    async def update_chat(self, system: SystemName, chat_id: ChatId, changes: ChatChanges) -> Chat:
        """Change a chat.

        Raises:
            NotFound: no such chat.
        """
        return await self._engine.write(self._chats.update_chat, system, chat_id, changes)

    async def toggle_block(self, system: SystemName, chat_id: ChatId, user: UserKey) -> Chat:
        """Block the chat for this participant, or lift the participant's own block.

        Raises:
            NotFound: no such chat, or the user is not a participant of it.
        """
        return await self._engine.write(self._chats.toggle_block, system, chat_id, user)

    # Messages

    async def add_message(
        self,
        system: SystemName,
        chat: ChatId | NewChat,
        message: NewMessage,
        *,
        required_status: str | None = None,
        changes: Sequence[ReferenceChange] = (),
    ) -> AddedMessage:
        """Store a message in one transaction with everything that must agree with it.

        Creates the chat if a `NewChat` has none yet, gives the message the chat's next sequence number, creates a
        receipt for every member but the sender and raises their unread counts, and moves `last_message_at`. A sender
        who is not a member becomes one (not a participant). A retry (same chat, sender and client message id) is
        recognised before anything is refused or changed. The `changes` of references are made with a new message only.

        Raises:
            NotFound: a `ChatId` that does not exist, or a `reply_to` that is not in this chat.
            ChatBlocked: a participant has blocked the chat.
            WrongStatus: the chat does not have the `required_status`.
        """
        call = AddMessage(system, chat, message, required_status, tuple(changes))
        return await self._engine.write(self._sending.add_message, call)

    async def get_message(self, system: SystemName, message_id: MessageId) -> Message | None:
        """Return one message, or None if there is no such message."""
        return await self._engine.read(self._messages.get_message, system, message_id)

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

        Without deleted ones, those neither count nor take up room on pages. The cost does not grow with the page
        number, unless deleted messages have to be left out.
        """
        asked = window(page, limit)
        return await self._engine.read(self._messages.list_messages, system, chat_id, asked, with_deleted)

    async def latest_messages(
        self, system: SystemName, chat_ids: Sequence[ChatId], *, with_deleted: bool = True, limit_each: int = 1
    ) -> Mapping[ChatId, tuple[Message, ...]]:
        """Return each chat's newest messages, newest first, with or without deleted ones; at most `MAX_LIMIT` each.

        Unknown chats and those without messages are left out. Ask for no more chats than fit on a page.
        """
        limit = window(1, limit_each).limit
        return await self._engine.read(self._messages.latest_messages, system, chat_ids, limit, with_deleted)

    async def edit_message(
        self, system: SystemName, message_id: MessageId, *, by: UserKey, text: str
    ) -> ChangedMessage:
        """Replace the text of a message.

        Raises:
            NotFound: no such message, or it is deleted.
            NotSender: the message is somebody else's.
        """
        return await self._engine.write(self._changing.edit_message, system, message_id, by, text)

    async def delete_message(
        self, system: SystemName, message_id: MessageId, *, by: UserKey, changes: Sequence[ReferenceChange] = ()
    ) -> ChangedMessage:
        """Mark a message deleted. It leaves the unread counts and is no longer handed out as undelivered.

        Deleting twice changes nothing the second time, neither the message nor, by `changes`, references.

        Raises:
            NotFound: no such message.
            NotSender: the message is somebody else's.
        """
        return await self._engine.write(self._changing.delete_message, system, message_id, by, changes)

    async def set_reaction(
        self, system: SystemName, message_id: MessageId, *, by: UserKey, emoji: str | None
    ) -> ChangedMessage:
        """Set this user's reaction to a message, replacing an earlier one; None takes it back.

        Raises:
            NotFound: no such message, or it is deleted.
        """
        return await self._engine.write(self._changing.set_reaction, system, message_id, by, emoji)

    # Receipts

    async def mark_read(
        self, system: SystemName, chat_id: ChatId, reader: UserKey, *, message_id: MessageId | None = None
    ) -> MarkedMessages:
        """Mark every message of others in the chat, or only one, as read by this user; reading implies delivery.

        A reader who is not a member becomes one (not a participant).

        Raises:
            NotFound: no such chat, or `message_id` is not in it.
        """
        return await self._engine.write(self._receipts.mark_read, system, chat_id, reader, message_id)

    async def mark_delivered(self, system: SystemName, chat_id: ChatId, user: UserKey) -> MarkedMessages:
        """Mark every message of the chat that waits for this user as delivered; `take_undelivered` will not return it.

        Raises:
            NotFound: no such chat.
        """
        return await self._engine.write(self._receipts.mark_delivered, system, chat_id, user)

    async def take_undelivered(
        self, system: SystemName, user: UserKey, *, limit: int = DEFAULT_LIMIT
    ) -> UndeliveredMessages:
        """Take the messages that wait for this user, newest first, and mark them delivered in the same transaction.

        Two callers never get the same message. Call again for the next ones, until `page.has_next` is False.
        """
        asked = window(1, limit)
        return await self._engine.write(self._receipts.take_undelivered, system, user, asked)

    # Notifications

    async def add_notification(self, system: SystemName, notification: NewNotification) -> Notification:
        """Store a notification."""
        return await self._engine.write(self._notifications.add_notification, system, notification)

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
        asked = window(page, limit)
        return await self._engine.read(self._notifications.list_notifications, system, user, unread_only, asked)

    async def count_unread_notifications(self, system: SystemName, user: UserKey) -> int:
        """Count a user's unread notifications."""
        return await self._engine.read(self._notifications.count_unread, system, user)

    async def take_undelivered_notifications(
        self, system: SystemName, user: UserKey, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Notification]:
        """Take the notifications that wait for this user, newest first; mark them delivered in the same transaction.

        Two callers never get the same one. `total_records` counts what waited before; call again until `has_next` is
        False.
        """
        asked = window(1, limit)
        return await self._engine.write(self._notifications.take_undelivered, system, user, asked)

    async def mark_notification_read(
        self, system: SystemName, user: UserKey, notification_id: NotificationId
    ) -> Notification:
        """Mark one of the user's notifications as read; reading implies delivery. A second time changes nothing.

        Raises:
            NotFound: no such notification of this user.
        """
        return await self._engine.write(self._notifications.mark_read, system, user, notification_id)

    async def mark_all_notifications_read(self, system: SystemName, user: UserKey) -> int:
        """Mark all of the user's notifications as read; return how many were unread."""
        return await self._engine.write(self._notifications.mark_all_read, system, user)

    # What waits until it has been received

    async def list_undelivered(
        self,
        system: SystemName,
        user: UserKey,
        *,
        chat_id: ChatId | None = None,
        before: MessageId | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> UndeliveredMessages:
        """List the messages that wait for this user, newest first, in one chat or in all; they go on waiting.

        `before` names a message, after which the list goes on; it may have been marked since. `total_records` counts
        what waits on all pages.
        """
        asked = window(1, limit)
        return await self._engine.read(self._waiting.list_undelivered, system, user, chat_id, before, asked)

    async def mark_received(self, system: SystemName, user: UserKey, message_ids: Sequence[MessageId]) -> int:
        """Mark these messages as delivered to the user and return how many waited; others are left alone."""
        return await self._engine.write(self._waiting.mark_received, system, user, message_ids)

    async def list_undelivered_notifications(
        self,
        system: SystemName,
        user: UserKey,
        *,
        before: NotificationId | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Notification]:
        """List the notifications that wait for this user, newest first; like `list_undelivered`."""
        asked = window(1, limit)
        return await self._engine.read(self._waiting.list_undelivered_notifications, system, user, before, asked)

    async def mark_notifications_received(
        self, system: SystemName, user: UserKey, notification_ids: Sequence[NotificationId]
    ) -> int:
        """Mark these notifications as delivered to the user and return how many waited; others are left alone."""
        return await self._engine.write(self._waiting.mark_notifications_received, system, user, notification_ids)

    # References

    async def put_reference(self, system: SystemName, *, kind: str, key: str, data: JsonObject) -> Reference:
        """Create a reference or replace its data."""
        return await self._engine.write(self._references.put_reference, system, kind, key, data)

    async def get_reference(self, system: SystemName, *, kind: str, key: str) -> Reference | None:
        """Return one reference, or None if there is no such reference."""
        return await self._engine.read(self._references.get_reference, system, kind, key)

    async def get_references(self, system: SystemName, *, kind: str, keys: Sequence[str]) -> Mapping[str, Reference]:
        """Return those of the references that exist, by key."""
        return await self._engine.read(self._references.get_references, system, kind, keys)

    # The store itself

    def statistics(self) -> StoreStatistics:
        """Return the counters; this is cheap and never blocks."""
        return self._engine.statistics()


Store: TypeAlias = BackedStore[object, object]
"""A store, whatever its transactions and snapshots are."""
