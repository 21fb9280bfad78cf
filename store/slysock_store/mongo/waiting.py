"""Queries and changes of what waits for a user until it has been received."""

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
from slysock_store.times import from_milliseconds

from . import chats
from .documents import Document
from .filters import one_of, where
from .layout import HAS_UNDELIVERED, IS_UNDELIVERED, LATEST_NOTIFICATIONS, LATEST_WAITING, Snapshot
from .records import message_of, notification_of
from .transaction import Transaction


def list_undelivered(
    snapshot: Snapshot,
    system: SystemName,
    user: UserKey,
    chat_id: ChatId | None,
    before: MessageId | None,
    window: paging.Window,
) -> UndeliveredMessages:
    """See `Store.list_undelivered`."""
    waiting: Document = {**where(system=system, undelivered_to=user), **HAS_UNDELIVERED}
    if chat_id is not None:
        waiting |= where(chat_id=chat_id)
    messages = snapshot.collections.messages
    found = snapshot.find(
        messages, waiting | _older(snapshot, system, before), order=LATEST_WAITING, limit=window.limit
    )
    items = tuple(map(message_of, found))
    known = {message.chat_id: chats.get_chat(snapshot, system, message.chat_id) for message in items}
    return UndeliveredMessages(
        page=Page(items=items, page=1, limit=window.limit, total_records=snapshot.count(messages, waiting)),
        chats={chat_id: chat for chat_id, chat in known.items() if chat is not None},
    )


def _older(snapshot: Snapshot, system: SystemName, before: MessageId | None) -> Document:
    """Make the condition that a message comes behind another one in the order of `LATEST_WAITING`."""
    if before is None:
        return {}
    last = snapshot.find_one(
        snapshot.collections.messages, where(_id=before, system=system), "created_at", "chat_id", "sequence"
    )
    if last is None:
        return {"_id": one_of(())}
    at, chat_id, sequence = last["created_at"], last["chat_id"], last["sequence"]
    return {
        "created_at": {"$lte": at},
        "$or": [
            {"created_at": {"$lt": at}},
            {"chat_id": {"$lt": chat_id}},
            {"chat_id": chat_id, "sequence": {"$lt": sequence}},
        ],
    }


def mark_received(tx: Transaction, system: SystemName, user: UserKey, message_ids: Sequence[MessageId]) -> int:
    """See `Store.mark_received`."""
    tx.settle()
    changes: Document = {
        "$pull": {"undelivered_to": user},
        "$set": {"receipts.$[mine].delivered_at": from_milliseconds(tx.now)},
    }
    wanted: Document = {"_id": one_of(message_ids), **where(system=system, undelivered_to=user)}
    collections, session = tx.direct()
    return collections.messages.update_many(
        wanted, changes, array_filters=[{"mine.user": user}], session=session
    ).modified_count


def list_undelivered_notifications(
    snapshot: Snapshot, system: SystemName, user: UserKey, before: NotificationId | None, window: paging.Window
) -> Page[Notification]:
    """See `Store.list_undelivered_notifications`."""
    notifications = snapshot.collections.notifications
    waiting: Document = {**where(system=system, user=user), **IS_UNDELIVERED}
    older: Document = {}
    if before is not None:
        last = snapshot.find_one(notifications, where(_id=before, system=system, user=user), "number")
        older = {"number": {"$lt": 0 if last is None else last["number"]}}
    found = snapshot.find(notifications, waiting | older, order=LATEST_NOTIFICATIONS, limit=window.limit)
    return Page(
        items=tuple(map(notification_of, found)),
        page=1,
        limit=window.limit,
        total_records=snapshot.count(notifications, waiting),
    )


def mark_notifications_received(
    tx: Transaction, system: SystemName, user: UserKey, notification_ids: Sequence[NotificationId]
) -> int:
    """See `Store.mark_notifications_received`."""
    now = from_milliseconds(tx.now)
    wanted: Document = {"_id": one_of(notification_ids), **where(system=system, user=user), **IS_UNDELIVERED}
    collections, session = tx.direct()
    return collections.notifications.update_many(
        wanted, {"$set": {"delivered_at": now, "updated_at": now}}, session=session
    ).modified_count
