"""The store on SQLite: each method names its operation and whether it reads or writes."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from sqlite3 import Connection, Error
from typing import final

import trio

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

from . import changing, chats, messages, notifications, receipts, references, sending, users
from .committer import SqliteCommitter
from .connection import connect, connect_writer, create_private_file, mapped
from .engines import Engine, FileEngine, MemoryEngine
from .readers import Readers
from .schema import migrate


@final
class SqliteStore:
    """`Store` on SQLite. Made by `open_file` and `open_memory`, which also close it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # Users

    async def upsert_user(self, system: SystemName, key: UserKey, *, role: str, profile: JsonObject) -> User:
        """See `Store.upsert_user`."""
        return await self._engine.write(lambda tx: users.upsert_user(tx, system, key, role, profile))

    async def touch_user(self, system: SystemName, key: UserKey) -> User:
        """See `Store.touch_user`."""
        return await self._engine.write(lambda tx: users.touch_user(tx, system, key))

    async def get_user(self, system: SystemName, key: UserKey) -> User | None:
        """See `Store.get_user`."""
        return await self._engine.read(lambda connection: users.get_user(connection, system, key))

    async def get_users(self, system: SystemName, keys: Sequence[UserKey]) -> Mapping[UserKey, User]:
        """See `Store.get_users`."""
        return await self._engine.read(lambda connection: users.get_users(connection, system, keys))

    async def list_users(
        self, system: SystemName, *, role: str, page: int = 1, limit: int = DEFAULT_LIMIT
    ) -> Page[User]:
        """See `Store.list_users`."""
        asked = window(page, limit)
        return await self._engine.read(lambda connection: users.list_users(connection, system, role, asked))

    # Chats

    async def ensure_chat(self, system: SystemName, chat: NewChat) -> EnsuredChat:
        """See `Store.ensure_chat`."""
        return await self._engine.write(lambda tx: chats.ensure_chat(tx, system, chat))

    async def get_chat(self, system: SystemName, chat_id: ChatId) -> Chat | None:
        """See `Store.get_chat`."""
        return await self._engine.read(lambda connection: chats.get_chat(connection, system, chat_id))

    async def find_chat(self, system: SystemName, key: ChatKey) -> Chat | None:
        """See `Store.find_chat`."""
        return await self._engine.read(lambda connection: chats.find_chat(connection, system, key))

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
        return await self._engine.read(
            lambda connection: chats.list_chats(connection, system, participant, kind, status, asked)
        )

    async def update_chat(self, system: SystemName, chat_id: ChatId, changes: ChatChanges) -> Chat:
        """See `Store.update_chat`."""
        return await self._engine.write(lambda tx: chats.update_chat(tx, system, chat_id, changes))

    async def toggle_block(self, system: SystemName, chat_id: ChatId, user: UserKey) -> Chat:
        """See `Store.toggle_block`."""
        return await self._engine.write(lambda tx: chats.toggle_block(tx, system, chat_id, user))

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
        return await self._engine.write(lambda tx: sending.add_message(tx, system, chat, message, required_status))

    async def get_message(self, system: SystemName, message_id: MessageId) -> Message | None:
        """See `Store.get_message`."""
        return await self._engine.read(lambda connection: messages.get_message(connection, system, message_id))

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
        return await self._engine.read(
            lambda connection: messages.list_messages(connection, system, chat_id, asked, with_deleted=with_deleted)
        )

    async def latest_messages(
        self, system: SystemName, chat_ids: Sequence[ChatId], *, with_deleted: bool = True, limit_each: int = 1
    ) -> Mapping[ChatId, tuple[Message, ...]]:
        """See `Store.latest_messages`."""
        limit = window(1, limit_each).limit
        return await self._engine.read(
            lambda connection: messages.latest_messages(connection, system, chat_ids, limit, with_deleted=with_deleted)
        )

    async def edit_message(
        self, system: SystemName, message_id: MessageId, *, by: UserKey, text: str
    ) -> ChangedMessage:
        """See `Store.edit_message`."""
        return await self._engine.write(lambda tx: changing.edit_message(tx, system, message_id, by, text))

    async def delete_message(self, system: SystemName, message_id: MessageId, *, by: UserKey) -> ChangedMessage:
        """See `Store.delete_message`."""
        return await self._engine.write(lambda tx: changing.delete_message(tx, system, message_id, by))

    async def set_reaction(
        self, system: SystemName, message_id: MessageId, *, by: UserKey, emoji: str | None
    ) -> ChangedMessage:
        """See `Store.set_reaction`."""
        return await self._engine.write(lambda tx: changing.set_reaction(tx, system, message_id, by, emoji))

    # Receipts

    async def mark_read(
        self, system: SystemName, chat_id: ChatId, reader: UserKey, *, message_id: MessageId | None = None
    ) -> MarkedMessages:
        """See `Store.mark_read`."""
        return await self._engine.write(lambda tx: receipts.mark_read(tx, system, chat_id, reader, message_id))

    async def mark_delivered(self, system: SystemName, chat_id: ChatId, user: UserKey) -> MarkedMessages:
        """See `Store.mark_delivered`."""
        return await self._engine.write(lambda tx: receipts.mark_delivered(tx, system, chat_id, user))

    async def take_undelivered(
        self, system: SystemName, user: UserKey, *, limit: int = DEFAULT_LIMIT
    ) -> UndeliveredMessages:
        """See `Store.take_undelivered`."""
        asked = window(1, limit)
        return await self._engine.write(lambda tx: receipts.take_undelivered(tx, system, user, asked))

    # Notifications

    async def add_notification(self, system: SystemName, notification: NewNotification) -> Notification:
        """See `Store.add_notification`."""
        return await self._engine.write(lambda tx: notifications.add_notification(tx, system, notification))

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
        return await self._engine.read(
            lambda connection: notifications.list_notifications(connection, system, user, unread_only, asked)
        )

    async def count_unread_notifications(self, system: SystemName, user: UserKey) -> int:
        """See `Store.count_unread_notifications`."""
        return await self._engine.read(lambda connection: notifications.count_unread(connection, system, user))

    async def take_undelivered_notifications(
        self, system: SystemName, user: UserKey, *, limit: int = DEFAULT_LIMIT
    ) -> Page[Notification]:
        """See `Store.take_undelivered_notifications`."""
        asked = window(1, limit)
        return await self._engine.write(lambda tx: notifications.take_undelivered(tx, system, user, asked))

    async def mark_notification_read(
        self, system: SystemName, user: UserKey, notification_id: NotificationId
    ) -> Notification:
        """See `Store.mark_notification_read`."""
        return await self._engine.write(lambda tx: notifications.mark_read(tx, system, user, notification_id))

    async def mark_all_notifications_read(self, system: SystemName, user: UserKey) -> int:
        """See `Store.mark_all_notifications_read`."""
        return await self._engine.write(lambda tx: notifications.mark_all_read(tx, system, user))

    # References

    async def put_reference(self, system: SystemName, *, kind: str, key: str, data: JsonObject) -> Reference:
        """See `Store.put_reference`."""
        return await self._engine.write(lambda tx: references.put_reference(tx, system, kind, key, data))

    async def get_reference(self, system: SystemName, *, kind: str, key: str) -> Reference | None:
        """See `Store.get_reference`."""
        return await self._engine.read(lambda connection: references.get_reference(connection, system, kind, key))

    async def get_references(self, system: SystemName, *, kind: str, keys: Sequence[str]) -> Mapping[str, Reference]:
        """See `Store.get_references`."""
        return await self._engine.read(lambda connection: references.get_references(connection, system, kind, keys))

    # The store itself

    def statistics(self) -> StoreStatistics:
        """See `Store.statistics`."""
        return self._engine.statistics()


@asynccontextmanager
async def open_file(
    path: Path, *, clock: Clock, max_waiting_writes: int = MAX_WAITING_WRITES
) -> AsyncGenerator[SqliteStore, None]:
    """Open a database file, making it (readable by its owner only) and migrating it as needed; close it at the end.

    Raises:
        BadStoreUrl: the path is no place for a database, or holds another program's.
        SchemaTooNew: a newer version wrote it.
        StoreUnavailable: it may not be opened or written, or is damaged.
    """
    connection = await trio.to_thread.run_sync(_open_connection, path)
    where = f"the database {path}"
    committer = SqliteCommitter(connection, where=where, clock=clock)
    engine = FileEngine(Writer(committer, max_waiting=max_waiting_writes), Readers(str(path), where=where))
    try:
        yield SqliteStore(engine)
    finally:
        await engine.aclose()


@asynccontextmanager
async def open_memory(*, clock: Clock) -> AsyncGenerator[SqliteStore, None]:
    """Open an empty database in memory; it is forgotten at the end."""
    where = "the database in memory"
    connection = _prepared(lambda: connect(":memory:"), where)
    engine = MemoryEngine(SqliteCommitter(connection, where=where, clock=clock), where=where)
    try:
        yield SqliteStore(engine)
    finally:
        await engine.aclose()


def _open_connection(path: Path) -> Connection:
    create_private_file(path)
    return _prepared(lambda: connect_writer(str(path)), f"the database {path}")


def _prepared(connector: Callable[[], Connection], where: str) -> Connection:
    """Connect and migrate; leave no connection behind when that fails."""
    try:
        connection = connector()
    except Error as error:
        raise mapped(error, where) from error
    try:
        migrate(connection, where)
    except Error as error:
        connection.close()
        raise mapped(error, where) from error
    except BaseException:
        connection.close()
        raise
    return connection
