"""Queries and changes of what waits for a user until it has been received."""

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
from slysock_store.times import from_milliseconds

from . import chats, messages
from .documents import Document
from .filters import one_of, where
from .layout import IS_UNDELIVERED, LATEST_NOTIFICATIONS, Snapshot
from .receipts import PlacedMessages, ReceiptRecords, chats_with_undelivered, count_undelivered, find_placed
from .records import notification_of
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
    if chat_id is None:
        total = count_undelivered(snapshot, system, user)
        waiting = chats_with_undelivered(snapshot, system, user)
    else:
        chat = chats.get_chat(snapshot, system, chat_id)
        member = None if chat is None else chat.member(user)
        total = 0 if member is None else member.delivered.waiting
        waiting = iter(() if chat is None else (chat,))
    last = find_placed(snapshot, {"_id": one_of(() if before is None else (before,)), **where(system=system)})
    listed: Sequence[receipts.Placed] = ()
    if before is None or last:
        behind = last[0] if last else None
        listed = receipts.list_waiting(PlacedMessages(snapshot), waiting, user, window.limit, behind)
    items, known = messages.find_messages(snapshot, system, [placed.id for placed in listed])
    return UndeliveredMessages(
        page=Page(items=items, page=1, limit=window.limit, total_records=total),
        chats=known,
    )


def mark_received(tx: Transaction, system: SystemName, user: UserKey, message_ids: Sequence[MessageId]) -> int:
    """See `Store.mark_received`."""
    for message_id in message_ids:
        where(message_id=message_id)
    tx.load_messages(message_ids)
    of_chat: dict[ChatId, list[receipts.Placed]] = {}
    for message in filter(None, (tx.message(system, message_id) for message_id in dict.fromkeys(message_ids))):
        of_chat.setdefault(message.chat_id, []).append(receipts.placed_of(message))
    records = ReceiptRecords(tx)
    return sum(
        receipts.mark_received(records, chats.existing_chat(tx, system, chat_id), user, placed)
        for chat_id, placed in of_chat.items()
    )


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
