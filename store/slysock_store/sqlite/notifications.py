"""Statements about notifications."""

import sqlite3
from typing import TypeAlias

from slysock_store import paging
from slysock_store.errors import NotFound
from slysock_store.models import NewNotification, Notification, NotificationId, Page, SystemName, UserKey
from slysock_store.times import from_milliseconds, maybe_from_milliseconds

from . import columns
from .transaction import Transaction

NotificationRow: TypeAlias = tuple[str, str, str, str, str, str, int, str, int | None, int | None, int, int]

INSERT_NOTIFICATION = """
    INSERT INTO notifications (id, system, user_key, kind, content, channel, priority, status,
        delivered_at, read_at, created_at, updated_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
SELECT_NOTIFICATION = """
    SELECT id, system, user_key, kind, content, channel, priority, status,
        delivered_at, read_at, created_at, updated_at
    FROM notifications WHERE id = ? AND system = ? AND user_key = ?
"""
SELECT_NOTIFICATIONS = """
    SELECT id, system, user_key, kind, content, channel, priority, status,
        delivered_at, read_at, created_at, updated_at
    FROM notifications WHERE system = ? AND user_key = ? ORDER BY number DESC LIMIT ? OFFSET ?
"""
SELECT_UNREAD = """
    SELECT id, system, user_key, kind, content, channel, priority, status,
        delivered_at, read_at, created_at, updated_at
    FROM notifications WHERE system = ? AND user_key = ? AND read_at IS NULL ORDER BY number DESC LIMIT ? OFFSET ?
"""
SELECT_UNDELIVERED = """
    SELECT id, system, user_key, kind, content, channel, priority, status,
        delivered_at, read_at, created_at, updated_at
    FROM notifications WHERE system = ? AND user_key = ? AND delivered_at IS NULL ORDER BY number DESC LIMIT ?
"""
SELECT_COUNT = "SELECT count(*) FROM notifications WHERE system = ? AND user_key = ?"
SELECT_COUNT_UNREAD = "SELECT count(*) FROM notifications WHERE system = ? AND user_key = ? AND read_at IS NULL"
SELECT_COUNT_UNDELIVERED = (
    "SELECT count(*) FROM notifications WHERE system = ? AND user_key = ? AND delivered_at IS NULL"
)
UPDATE_DELIVERED = """
    UPDATE notifications SET delivered_at = ?, updated_at = ? WHERE id IN (SELECT value FROM json_each(?))
"""
UPDATE_READ = """
    UPDATE notifications SET read_at = :now, delivered_at = coalesce(delivered_at, :now), updated_at = :now
    WHERE id = :id
"""
UPDATE_ALL_READ = """
    UPDATE notifications SET read_at = :now, delivered_at = coalesce(delivered_at, :now), updated_at = :now
    WHERE system = :system AND user_key = :user AND read_at IS NULL
"""


def notification_of(row: NotificationRow) -> Notification:
    """Make the record of a row."""
    notification_id, system, user, kind, content, channel, priority, status, delivered, read, created, updated = row
    return Notification(
        id=NotificationId(notification_id),
        system=SystemName(system),
        user=UserKey(user),
        kind=kind,
        content=columns.decode(content),
        channel=channel,
        priority=priority,
        status=status,
        delivered_at=maybe_from_milliseconds(delivered),
        read_at=maybe_from_milliseconds(read),
        created_at=from_milliseconds(created),
        updated_at=from_milliseconds(updated),
    )


def add_notification(tx: Transaction, system: SystemName, new: NewNotification) -> Notification:
    """See `Store.add_notification`."""
    tx.refuse_growth()
    notification_id = NotificationId(tx.new_id())
    delivered_at = tx.now if new.is_delivered else None
    about = (notification_id, system, new.user, new.kind, columns.encode(new.content))
    row = (*about, new.channel, new.priority, new.status, delivered_at, None, tx.now, tx.now)
    tx.connection.execute(INSERT_NOTIFICATION, row)
    return _existing(tx, system, new.user, notification_id)


def list_notifications(
    connection: sqlite3.Connection, system: SystemName, user: UserKey, unread_only: bool, window: paging.Window
) -> Page[Notification]:
    """See `Store.list_notifications`."""
    count, select = (SELECT_COUNT_UNREAD, SELECT_UNREAD) if unread_only else (SELECT_COUNT, SELECT_NOTIFICATIONS)
    (total,) = connection.execute(count, (system, user)).fetchone()
    rows: list[NotificationRow] = connection.execute(
        select, (system, user, window.limit, window.offset(total))
    ).fetchall()
    return Page(items=tuple(map(notification_of, rows)), page=window.page, limit=window.limit, total_records=total)


def count_unread(connection: sqlite3.Connection, system: SystemName, user: UserKey) -> int:
    """See `Store.count_unread_notifications`."""
    row: tuple[int] = connection.execute(SELECT_COUNT_UNREAD, (system, user)).fetchone()
    return row[0]


def take_undelivered(tx: Transaction, system: SystemName, user: UserKey, window: paging.Window) -> Page[Notification]:
    """See `Store.take_undelivered_notifications`."""
    (total,) = tx.connection.execute(SELECT_COUNT_UNDELIVERED, (system, user)).fetchone()
    waiting: list[NotificationRow] = tx.connection.execute(SELECT_UNDELIVERED, (system, user, window.limit)).fetchall()
    ids = [NotificationId(row[0]) for row in waiting]
    tx.connection.execute(UPDATE_DELIVERED, (tx.now, tx.now, columns.keys(ids)))
    taken = tuple(_existing(tx, system, user, notification_id) for notification_id in ids)
    return Page(items=taken, page=1, limit=window.limit, total_records=total)


def mark_read(tx: Transaction, system: SystemName, user: UserKey, notification_id: NotificationId) -> Notification:
    """See `Store.mark_notification_read`."""
    notification = _existing(tx, system, user, notification_id)
    if notification.read_at is not None:
        return notification
    tx.connection.execute(UPDATE_READ, {"now": tx.now, "id": notification_id})
    return _existing(tx, system, user, notification_id)


def mark_all_read(tx: Transaction, system: SystemName, user: UserKey) -> int:
    """See `Store.mark_all_notifications_read`."""
    return tx.connection.execute(UPDATE_ALL_READ, {"now": tx.now, "system": system, "user": user}).rowcount


def _existing(tx: Transaction, system: SystemName, user: UserKey, notification_id: NotificationId) -> Notification:
    row: NotificationRow | None = tx.connection.execute(SELECT_NOTIFICATION, (notification_id, system, user)).fetchone()
    if row is None:
        raise NotFound("notification", notification_id)
    return notification_of(row)
