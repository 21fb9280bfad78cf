"""The store on MongoDB: each method names its operation and whether it reads or writes."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import final

import trio
from pymongo.errors import PyMongoError
from pymongo.monitoring import CommandListener

from slysock_store.group_commit import MAX_WAITING_WRITES, Writer
from slysock_store.models import (
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
from slysock_store.paging import window
from slysock_store.store import Clock

from . import changing, chats, messages, notifications, receipts, references, users
from .committer import MongoCommitter
from .connection import Connection, connect, parse
from .failures import mapped
from .readers import Readers
from .schema import prepare
from .sending import AddMessage
from .transaction import Transaction


@final
class MongoStore:
    """`Store` on MongoDB. Made by `open_database`, which also closes it."""

    def __init__(self, writer: Writer[Transaction], readers: Readers) -> None:
        self._writer = writer
        self._readers = readers

    # Users

    async def upsert_user(self, system: SystemName, key: UserKey, *, role: str, profile: JsonObject) -> User:
        """See `Store.upsert_user`."""
        return await self._writer.write(lambda tx: users.upsert_user(tx, system, key, role, profile))

    async def touch_user(self, system: SystemName, key: UserKey) -> User:
        """See `Store.touch_user`."""
        return await self._writer.write(lambda tx: users.touch_user(tx, system, key))

    async def get_user(self, system: SystemName, key: UserKey) -> User | None:
        """See `Store.get_user`."""
        return await self._readers.read(lambda snapshot: users.get_user(snapshot, system, key))

    async def get_users(self, system: SystemName, keys: Sequence[UserKey]) -> Mapping[UserKey, User]:
        """See `Store.get_users`."""
        return await self._readers.read(lambda snapshot: users.get_users(snapshot, system, keys))

    async def list_users(
        self, system: SystemName, *, role: str, page: int = 1, limit: int = DEFAULT_LIMIT
    ) -> Page[User]:
        """See `Store.list_users`."""
        asked = window(page, limit)
        return await self._readers.read(lambda snapshot: users.list_users(snapshot, system, role, asked))

    # Chats

    async def ensure_chat(self, system: SystemName, chat: NewChat) -> EnsuredChat:
        """See `Store.ensure_chat`."""
        return await self._writer.write(lambda tx: chats.ensure_chat(tx, system, chat))

    async def get_chat(self, system: SystemName, chat_id: ChatId) -> Chat | None:
        """See `Store.get_chat`."""
        return await self._readers.read(lambda snapshot: chats.get_chat(snapshot, system, chat_id))

    async def find_chat(self, system: SystemName, key: ChatKey) -> Chat | None:
        """See `Store.find_chat`."""
        return await self._readers.read(lambda snapshot: chats.find_chat(snapshot, system, key))

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
        """See `Store.list_chats`."""
        asked = window(page, limit)
        return await self._readers.read(
            lambda snapshot: chats.list_chats(snapshot, system, participant, kind, status, asked)
        )

    async def update_chat(self, system: SystemName, chat_id: ChatId, changes: ChatChanges) -> Chat:
        """See `Store.update_chat`."""
        return await self._writer.write(lambda tx: chats.update_chat(tx, system, chat_id, changes))

    async def toggle_block(self, system: SystemName, chat_id: ChatId, user: UserKey) -> Chat:
        """See `Store.toggle_block`."""
        return await self._writer.write(lambda tx: chats.toggle_block(tx, system, chat_id, user))

    # Messages

    async def add_message(
        self,
        system: SystemName,
        chat: ChatId | NewChat,
        message: NewMessage,
        *,
        required_status: str | None = None,
    ) -> AddedMessage:
        """See `Store.add_message`."""
        return await self._writer.write(AddMessage(system, chat, message, required_status))

    async def get_message(self, system: SystemName, message_id: MessageId) -> Message | None:
        """See `Store.get_message`."""
        return await self._readers.read(lambda snapshot: messages.get_message(snapshot, system, message_id))

    async def list_messages(
        self,
        system: SystemName,
        chat_id: ChatId,
        *,
        with_deleted: bool = True,
        page: int = 1,
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Message]:
        """See `Store.list_messages`."""
        asked = window(page, limit)
        return await self._readers.read(
            lambda snapshot: messages.list_messages(snapshot, system, chat_id, asked, with_deleted=with_deleted)
        )

    async def latest_messages(
        self, system: SystemName, chat_ids: Sequence[ChatId], *, with_deleted: bool = True, limit_each: int = 1
    ) -> Mapping[ChatId, tuple[Message, ...]]:
        """See `Store.latest_messages`."""
        limit = window(1, limit_each).limit
        return await self._readers.read(
            lambda snapshot: messages.latest_messages(snapshot, system, chat_ids, limit, with_deleted=with_deleted)
        )

    async def edit_message(
        self, system: SystemName, message_id: MessageId, *, by: UserKey, text: str
    ) -> ChangedMessage:
        """See `Store.edit_message`."""
        return await self._writer.write(lambda tx: changing.edit_message(tx, system, message_id, by, text))

    async def delete_message(self, system: SystemName, message_id: MessageId, *, by: UserKey) -> ChangedMessage:
        """See `Store.delete_message`."""
        return await self._writer.write(lambda tx: changing.delete_message(tx, system, message_id, by))

    async def set_reaction(
        self, system: SystemName, message_id: MessageId, *, by: UserKey, emoji: str | None
    ) -> ChangedMessage:
        """See `Store.set_reaction`."""
        return await self._writer.write(lambda tx: changing.set_reaction(tx, system, message_id, by, emoji))

    # Receipts

    async def mark_read(
        self, system: SystemName, chat_id: ChatId, reader: UserKey, *, message_id: MessageId | None = None
    ) -> MarkedMessages:
        """See `Store.mark_read`."""
        return await self._writer.write(lambda tx: receipts.mark_read(tx, system, chat_id, reader, message_id))

    async def mark_delivered(self, system: SystemName, chat_id: ChatId, user: UserKey) -> MarkedMessages:
        """See `Store.mark_delivered`."""
        return await self._writer.write(lambda tx: receipts.mark_delivered(tx, system, chat_id, user))

    async def take_undelivered(
        self, system: SystemName, user: UserKey, *, limit: int = DEFAULT_LIMIT
    ) -> UndeliveredMessages:
        """See `Store.take_undelivered`."""
        asked = window(1, limit)
        return await self._writer.write(lambda tx: receipts.take_undelivered(tx, system, user, asked))

    # Notifications

    async def add_notification(self, system: SystemName, notification: NewNotification) -> Notification:
        """See `Store.add_notification`."""
        return await self._writer.write(lambda tx: notifications.add_notification(tx, system, notification))

    async def list_notifications(
        self,
        system: SystemName,
        user: UserKey,
        *,
        unread_only: bool = False,
        page: int = 1,
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Notification]:
        """See `Store.list_notifications`."""
        asked = window(page, limit)
        return await self._readers.read(
            lambda snapshot: notifications.list_notifications(snapshot, system, user, unread_only, asked)
        )

    async def count_unread_notifications(self, system: SystemName, user: UserKey) -> int:
        """See `Store.count_unread_notifications`."""
        return await self._readers.read(lambda snapshot: notifications.count_unread(snapshot, system, user))

    async def take_undelivered_notifications(
        self, system: SystemName, user: UserKey, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Notification]:
        """See `Store.take_undelivered_notifications`."""
        asked = window(1, limit)
        return await self._writer.write(lambda tx: notifications.take_undelivered(tx, system, user, asked))

    async def mark_notification_read(
        self, system: SystemName, user: UserKey, notification_id: NotificationId
    ) -> Notification:
        """See `Store.mark_notification_read`."""
        return await self._writer.write(lambda tx: notifications.mark_read(tx, system, user, notification_id))

    async def mark_all_notifications_read(self, system: SystemName, user: UserKey) -> int:
        """See `Store.mark_all_notifications_read`."""
        return await self._writer.write(lambda tx: notifications.mark_all_read(tx, system, user))

    # References

    async def put_reference(self, system: SystemName, *, kind: str, key: str, data: JsonObject) -> Reference:
        """See `Store.put_reference`."""
        return await self._writer.write(lambda tx: references.put_reference(tx, system, kind, key, data))

    async def get_reference(self, system: SystemName, *, kind: str, key: str) -> Reference | None:
        """See `Store.get_reference`."""
        return await self._readers.read(lambda snapshot: references.get_reference(snapshot, system, kind, key))

    async def get_references(self, system: SystemName, *, kind: str, keys: Sequence[str]) -> Mapping[str, Reference]:
        """See `Store.get_references`."""
        return await self._readers.read(lambda snapshot: references.get_references(snapshot, system, kind, keys))

    # The store itself

    def statistics(self) -> StoreStatistics:
        """See `Store.statistics`."""
        return self._writer.statistics()


@asynccontextmanager
async def open_database(
    url: str,
    *,
    clock: Clock,
    max_waiting_writes: int = MAX_WAITING_WRITES,
    listeners: Sequence[CommandListener] = (),
) -> AsyncGenerator[MongoStore, None]:
    """Connect to a database, making its indexes and migrating it as needed; disconnect at the end.

    Args:
        url: `mongodb://…/DATABASE` or `mongodb+srv://…/DATABASE`, with the driver's options.
        clock: gives the times of records.
        max_waiting_writes: past that a write is refused with `StoreBusy`.
        listeners: are told of every command, for logs and tests.

    Raises:
        BadStoreUrl: the URL names no database, or one that cannot be used.
        SchemaTooNew: a newer version wrote it.
        StoreUnavailable: it cannot be reached.
    """
    connection = await trio.to_thread.run_sync(_open, url, listeners)
    writer = Writer(MongoCommitter(connection, clock=clock), max_waiting=max_waiting_writes)
    readers = Readers(connection)
    try:
        yield MongoStore(writer, readers)
    finally:
        await readers.aclose()
        await writer.aclose()


def _open(url: str, listeners: Sequence[CommandListener]) -> Connection:
    connection = connect(parse(url), listeners)
    try:
        prepare(connection)
    except PyMongoError as error:
        connection.close()
        raise mapped(error, connection.where) from error
    except BaseException:
        connection.close()
        raise
    return connection
