"""Statements about what waits for a user until it has been received."""

import sqlite3
from collections.abc import Sequence

from slysock_store import paging
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
from .transaction import Transaction

SELECT_WAITING = """
    SELECT chat_id, sequence FROM receipts
    WHERE system = :system AND user_key = :user AND delivered_at IS NULL AND (:chat IS NULL OR chat_id = :chat)
    ORDER BY created_at DESC, chat_id DESC, sequence DESC LIMIT :limit
"""
SELECT_WAITING_BEFORE = """
    SELECT chat_id, sequence FROM receipts
    WHERE system = :system AND user_key = :user AND delivered_at IS NULL AND (:chat IS NULL OR chat_id = :chat)
        AND (created_at, chat_id, sequence) < (SELECT created_at, chat_id, sequence FROM messages WHERE id = :before)
    ORDER BY created_at DESC, chat_id DESC, sequence DESC LIMIT :limit
"""
SELECT_COUNT_WAITING = """
    SELECT count(*) FROM receipts
    WHERE system = :system AND user_key = :user AND delivered_at IS NULL AND (:chat IS NULL OR chat_id = :chat)
"""
# The plus signs: by their keys, and not by a walk through all that waits for the user.
UPDATE_RECEIVED = """
    UPDATE receipts SET delivered_at = :now
    WHERE (chat_id, sequence) IN
        (SELECT chat_id, sequence FROM messages WHERE id IN (SELECT value FROM json_each(:ids)))
        AND user_key = :user AND +system = :system AND +delivered_at IS NULL
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
    wanted = {"system": system, "user": user, "chat": chat_id, "before": before, "limit": window.limit}
    (total,) = connection.execute(SELECT_COUNT_WAITING, wanted).fetchone()
    select = SELECT_WAITING if before is None else SELECT_WAITING_BEFORE
    rows: list[tuple[str, int]] = connection.execute(select, wanted).fetchall()
    found = {ChatId(chat): chats.get_chat(connection, system, ChatId(chat)) for chat in dict(rows)}
    return UndeliveredMessages(
        page=Page(
            items=tuple(messages.message_at(connection, ChatId(chat), sequence) for chat, sequence in rows),
            page=1,
            limit=window.limit,
            total_records=total,
        ),
        chats={chat_id: chat for chat_id, chat in found.items() if chat is not None},
    )


def mark_received(tx: Transaction, system: SystemName, user: UserKey, message_ids: Sequence[MessageId]) -> int:
    """See `Store.mark_received`."""
    what = {"now": tx.now, "system": system, "user": user, "ids": columns.keys(message_ids)}
    return tx.connection.execute(UPDATE_RECEIVED, what).rowcount


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
