"""Statements about what waits for a user until it has been received."""

import sqlite3
from collections.abc import Sequence

from slysock_store import paging, receipts
from slysock_store.models import (
    ChatId,
    MessageId,
    Notification,
    NotificationId,
    Page,
    SystemName,
    UndeliveredMessages,
    UserKey,
)

from . import chats, columns, messages
from .notifications import NotificationRow, notification_of
from .receipts import (
    SELECT_CHATS_WITH_UNDELIVERED,
    SELECT_COUNT_UNDELIVERED,
    PlacedMessages,
    ReceiptRecords,
    placed_of,
)
from .transaction import Transaction

SELECT_PLACED_BY_ID = """
    SELECT m.id, m.chat_id, m.sequence, m.sender, m.is_deleted, m.created_at
    FROM messages AS m CROSS JOIN chats AS c ON c.id = m.chat_id
    WHERE m.id IN (SELECT value FROM json_each(?)) AND c.system = ?
"""
SELECT_WAITING_NOTIFICATIONS = """
    SELECT id, system, user_key, kind, content, channel, priority, status,
        delivered_at, read_at, created_at, updated_at
    FROM notifications
    WHERE system = :system AND user_key = :user AND delivered_at IS NULL
        AND (:before IS NULL OR number < (SELECT number FROM notifications WHERE id = :before))
    ORDER BY number DESC LIMIT :limit
"""
SELECT_COUNT_WAITING_NOTIFICATIONS = """
    SELECT count(*) FROM notifications WHERE system = ? AND user_key = ? AND delivered_at IS NULL
"""
UPDATE_NOTIFICATIONS_RECEIVED = """
    UPDATE notifications SET delivered_at = :now, updated_at = :now
    WHERE system = :system AND user_key = :user AND delivered_at IS NULL
        AND id IN (SELECT value FROM json_each(:ids))
"""


def list_undelivered(
    connection: sqlite3.Connection,
    system: SystemName,
    user: UserKey,
    chat_id: ChatId | None,
    before: MessageId | None,
    window: paging.Window,
) -> UndeliveredMessages:
    """See `Store.list_undelivered`."""
    if chat_id is None:
        (total,) = connection.execute(SELECT_COUNT_UNDELIVERED, (system, user)).fetchone()
        rows: list[tuple[str]] = connection.execute(SELECT_CHATS_WITH_UNDELIVERED, (system, user)).fetchall()
        waiting = [ChatId(found) for (found,) in rows]
    else:
        chat = chats.get_chat(connection, system, chat_id)
        member = None if chat is None else chat.member(user)
        total, waiting = (0, []) if member is None else (member.delivered.waiting, [chat_id])
    last = _placed(connection, system, [] if before is None else [before])
    listed: Sequence[receipts.Placed] = ()
    if before is None or last:
        found = filter(None, (chats.get_chat(connection, system, chat_id) for chat_id in waiting))
        behind = last[0] if last else None
        listed = receipts.list_waiting(PlacedMessages(connection), found, user, window.limit, behind)
    items = messages.messages_at(connection, [(placed.chat_id, placed.sequence) for placed in listed])
    known = {chat_id: chats.get_chat(connection, system, chat_id) for chat_id in {message.chat_id for message in items}}
    return UndeliveredMessages(
        page=Page(items=items, page=1, limit=window.limit, total_records=total),
        chats={chat_id: chat for chat_id, chat in known.items() if chat is not None},
    )


def mark_received(tx: Transaction, system: SystemName, user: UserKey, message_ids: Sequence[MessageId]) -> int:
    """See `Store.mark_received`."""
    of_chat: dict[ChatId, list[receipts.Placed]] = {}
    for placed in _placed(tx.connection, system, message_ids):
        of_chat.setdefault(placed.chat_id, []).append(placed)
    records = ReceiptRecords(tx)
    return sum(
        receipts.mark_received(records, chats.existing_chat(tx, system, chat_id), user, placed)
        for chat_id, placed in of_chat.items()
    )


def _placed(
    connection: sqlite3.Connection, system: SystemName, message_ids: Sequence[MessageId]
) -> list[receipts.Placed]:
    if not message_ids:
        return []
    return list(map(placed_of, connection.execute(SELECT_PLACED_BY_ID, (columns.keys(message_ids), system))))


def list_undelivered_notifications(
    connection: sqlite3.Connection,
    system: SystemName,
    user: UserKey,
    before: NotificationId | None,
    window: paging.Window,
) -> Page[Notification]:
    """See `Store.list_undelivered_notifications`."""
    (total,) = connection.execute(SELECT_COUNT_WAITING_NOTIFICATIONS, (system, user)).fetchone()
    wanted = {"system": system, "user": user, "before": before, "limit": window.limit}
    rows: list[NotificationRow] = connection.execute(SELECT_WAITING_NOTIFICATIONS, wanted).fetchall()
    return Page(items=tuple(map(notification_of, rows)), page=1, limit=window.limit, total_records=total)


def mark_notifications_received(
    tx: Transaction, system: SystemName, user: UserKey, notification_ids: Sequence[NotificationId]
) -> int:
    """See `Store.mark_notifications_received`."""
    what = {"now": tx.now, "system": system, "user": user, "ids": columns.keys(notification_ids)}
    return tx.connection.execute(UPDATE_NOTIFICATIONS_RECEIVED, what).rowcount
