"""Queries and changes of notifications."""

import msgspec

from slysock_store import paging
from slysock_store.errors import NotFound
from slysock_store.models import NewNotification, Notification, NotificationId, Page, SystemName, UserKey
from slysock_store.times import from_milliseconds

from .documents import Document, encode
from .filters import one_of, where
from .layout import IS_UNDELIVERED, IS_UNREAD, LATEST_NOTIFICATIONS, Snapshot
from .records import notification_document, notification_of, notification_record
from .transaction import Transaction


def add_notification(tx: Transaction, system: SystemName, new: NewNotification) -> Notification:
    """See `Store.add_notification`."""
    now = from_milliseconds(tx.now)
    notification = Notification(
        id=NotificationId(tx.new_id()),
        system=system,
        user=new.user,
        kind=new.kind,
        content=new.content,
        channel=new.channel,
        priority=new.priority,
        status=new.status,
        delivered_at=now if new.is_delivered else None,
        read_at=None,
        created_at=now,
        updated_at=now,
    )
    document = notification_document(notification, _next_number(tx, system, new.user))
    raw = encode(document)
    collections, session = tx.direct()
    collections.notifications.insert_one(raw, session=session)
    return notification_record(document)


def _next_number(tx: Transaction, system: SystemName, user: UserKey) -> int:
    """Return the user's next number. If another process takes it first, the index refuses ours, and we retry."""
    snapshot = tx.reading()
    latest = snapshot.find(
        snapshot.collections.notifications,
        where(system=system, user=user),
        "number",
        order=LATEST_NOTIFICATIONS,
        limit=1,
    )
    return int(str(latest[0]["number"])) + 1 if latest else 1


def list_notifications(
    snapshot: Snapshot, system: SystemName, user: UserKey, unread_only: bool, window: paging.Window
) -> Page[Notification]:
    """See `Store.list_notifications`."""
    wanted = {**where(system=system, user=user), **(IS_UNREAD if unread_only else {})}
    return _page(snapshot, wanted, window)


def _page(snapshot: Snapshot, wanted: Document, window: paging.Window) -> Page[Notification]:
    notifications = snapshot.collections.notifications
    total = snapshot.count(notifications, wanted)
    found = snapshot.find(
        notifications, wanted, order=LATEST_NOTIFICATIONS, skip=window.offset(total), limit=window.limit
    )
    return Page(items=tuple(map(notification_of, found)), page=window.page, limit=window.limit, total_records=total)


def count_unread(snapshot: Snapshot, system: SystemName, user: UserKey) -> int:
    """See `Store.count_unread_notifications`."""
    return snapshot.count(snapshot.collections.notifications, {**where(system=system, user=user), **IS_UNREAD})


def take_undelivered(tx: Transaction, system: SystemName, user: UserKey, window: paging.Window) -> Page[Notification]:
    """See `Store.take_undelivered_notifications`."""
    waiting = _page(tx.reading(), {**where(system=system, user=user), **IS_UNDELIVERED}, window)
    if not waiting.items:
        return waiting
    now = from_milliseconds(tx.now)
    collections, session = tx.direct()
    collections.notifications.update_many(
        {"_id": one_of(notification.id for notification in waiting.items)},
        {"$set": {"delivered_at": now, "updated_at": now}},
        session=session,
    )
    taken = tuple(msgspec.structs.replace(one, delivered_at=now, updated_at=now) for one in waiting.items)
    return msgspec.structs.replace(waiting, items=taken)


def mark_read(tx: Transaction, system: SystemName, user: UserKey, notification_id: NotificationId) -> Notification:
    """See `Store.mark_notification_read`."""
    snapshot = tx.reading()
    wanted = where(_id=notification_id, system=system, user=user)
    found = snapshot.find_one(snapshot.collections.notifications, wanted)
    if found is None:
        raise NotFound("notification", notification_id)
    notification = notification_of(found)
    if notification.read_at is not None:
        return notification
    now = from_milliseconds(tx.now)
    delivered_at = notification.delivered_at or now
    collections, session = tx.direct()
    changes: Document = {"$set": {"read_at": now, "delivered_at": delivered_at, "updated_at": now}}
    collections.notifications.update_one(wanted, changes, session=session)
    return msgspec.structs.replace(notification, read_at=now, delivered_at=delivered_at, updated_at=now)


def mark_all_read(tx: Transaction, system: SystemName, user: UserKey) -> int:
    """See `Store.mark_all_notifications_read`."""
    now = from_milliseconds(tx.now)
    collections, session = tx.direct()
    # A pipeline, because `delivered_at` keeps what it is, unless it is null.
    changes: list[Document] = [
        {"$set": {"read_at": now, "delivered_at": {"$ifNull": ["$delivered_at", now]}, "updated_at": now}}
    ]
    unread = {**where(system=system, user=user), **IS_UNREAD}
    return collections.notifications.update_many(unread, changes, session=session).modified_count
