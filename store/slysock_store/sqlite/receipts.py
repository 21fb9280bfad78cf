"""Statements about what was delivered and read."""

from slysock_store import paging
from slysock_store.errors import NotFound
from slysock_store.models import (
    MAX_LIMIT,
    ChatId,
    MarkedMessages,
    MessageId,
    Page,
    SystemName,
    UndeliveredMessages,
    UserKey,
)

from . import chats, messages
from .transaction import Transaction

# INDEXED BY: left to itself SQLite walks the whole chat along the primary key instead of what is unread.
SELECT_UNREAD = """
    SELECT m.id FROM receipts AS r INDEXED BY receipts_unread
    CROSS JOIN messages AS m ON m.chat_id = r.chat_id AND m.sequence = r.sequence
    WHERE r.chat_id = ? AND r.user_key = ? AND r.read_at IS NULL ORDER BY r.sequence DESC LIMIT ?
"""
UPDATE_ALL_READ = """
    UPDATE receipts INDEXED BY receipts_unread SET read_at = :now, delivered_at = coalesce(delivered_at, :now)
    WHERE chat_id = :chat AND user_key = :user AND read_at IS NULL
"""
UPDATE_READ = """
    UPDATE receipts SET read_at = :now, delivered_at = coalesce(delivered_at, :now)
    WHERE chat_id = :chat AND sequence = :sequence AND user_key = :user AND read_at IS NULL
"""
UPDATE_UNREAD = "UPDATE chat_members SET unread = unread - ? WHERE chat_id = ? AND user_key = ?"
# What is undelivered is unread as well; saying so lets both statements use the index of unread receipts.
SELECT_UNDELIVERED_IN_CHAT = """
    SELECT m.id FROM receipts AS r INDEXED BY receipts_unread
    CROSS JOIN messages AS m ON m.chat_id = r.chat_id AND m.sequence = r.sequence
    WHERE r.chat_id = ? AND r.user_key = ? AND r.read_at IS NULL AND r.delivered_at IS NULL
    ORDER BY r.sequence DESC LIMIT ?
"""
UPDATE_DELIVERED_IN_CHAT = """
    UPDATE receipts INDEXED BY receipts_unread SET delivered_at = ?
    WHERE chat_id = ? AND user_key = ? AND read_at IS NULL AND delivered_at IS NULL
"""
SELECT_UNDELIVERED = """
    SELECT chat_id, sequence FROM receipts WHERE system = ? AND user_key = ? AND delivered_at IS NULL
    ORDER BY created_at DESC, chat_id DESC, sequence DESC LIMIT ?
"""
SELECT_COUNT_UNDELIVERED = """
    SELECT count(*) FROM receipts WHERE system = ? AND user_key = ? AND delivered_at IS NULL
"""
UPDATE_DELIVERED = "UPDATE receipts SET delivered_at = ? WHERE chat_id = ? AND sequence = ? AND user_key = ?"


def mark_read(
    tx: Transaction, system: SystemName, chat_id: ChatId, reader: UserKey, message_id: MessageId | None
) -> MarkedMessages:
    """See `Store.mark_read`."""
    chats.join(tx, chats.existing_chat(tx, system, chat_id), reader, is_participant=False)
    if message_id is None:
        return _mark_all_read(tx, system, chat_id, reader)
    return _mark_one_read(tx, system, chat_id, reader, message_id)


def _mark_all_read(tx: Transaction, system: SystemName, chat_id: ChatId, reader: UserKey) -> MarkedMessages:
    ids = _ids(tx, SELECT_UNREAD, chat_id, reader)
    what = {"now": tx.now, "chat": chat_id, "user": reader}
    count = tx.connection.execute(UPDATE_ALL_READ, what).rowcount if ids else 0
    return _marked_read(tx, system, chat_id, reader, count, ids)


def _mark_one_read(
    tx: Transaction, system: SystemName, chat_id: ChatId, reader: UserKey, message_id: MessageId
) -> MarkedMessages:
    message = messages.existing_message(tx.connection, system, message_id)
    if message.chat_id != chat_id:
        raise NotFound("message", message_id)
    what = {"now": tx.now, "chat": chat_id, "user": reader, "sequence": message.sequence}
    count = tx.connection.execute(UPDATE_READ, what).rowcount
    return _marked_read(tx, system, chat_id, reader, count, (message_id,) if count else ())


def _marked_read(
    tx: Transaction, system: SystemName, chat_id: ChatId, reader: UserKey, count: int, ids: tuple[MessageId, ...]
) -> MarkedMessages:
    if count:
        tx.change_chat(chat_id, UPDATE_UNREAD, (count, chat_id, reader))
    return MarkedMessages(chat=chats.existing_chat(tx, system, chat_id), count=count, message_ids=ids)


def mark_delivered(tx: Transaction, system: SystemName, chat_id: ChatId, user: UserKey) -> MarkedMessages:
    """See `Store.mark_delivered`."""
    chat = chats.existing_chat(tx, system, chat_id)
    ids = _ids(tx, SELECT_UNDELIVERED_IN_CHAT, chat_id, user)
    count = tx.connection.execute(UPDATE_DELIVERED_IN_CHAT, (tx.now, chat_id, user)).rowcount if ids else 0
    return MarkedMessages(chat=chat, count=count, message_ids=ids)


def _ids(tx: Transaction, select: str, chat_id: ChatId, user: UserKey) -> tuple[MessageId, ...]:
    rows: list[tuple[str]] = tx.connection.execute(select, (chat_id, user, MAX_LIMIT)).fetchall()
    return tuple(MessageId(message_id) for (message_id,) in rows)


def take_undelivered(tx: Transaction, system: SystemName, user: UserKey, window: paging.Window) -> UndeliveredMessages:
    """See `Store.take_undelivered`."""
    (total,) = tx.connection.execute(SELECT_COUNT_UNDELIVERED, (system, user)).fetchone()
    rows: list[tuple[str, int]] = tx.connection.execute(SELECT_UNDELIVERED, (system, user, window.limit)).fetchall()
    waiting = [(ChatId(chat_id), sequence) for chat_id, sequence in rows]
    tx.connection.executemany(UPDATE_DELIVERED, [(tx.now, *key, user) for key in waiting])
    taken = tuple(messages.message_at(tx.connection, *key) for key in waiting)
    return UndeliveredMessages(
        page=Page(items=taken, page=1, limit=window.limit, total_records=total),
        chats={chat_id: chats.existing_chat(tx, system, chat_id) for chat_id in dict(waiting)},
    )
