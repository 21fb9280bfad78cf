"""What was delivered and read."""

import msgspec

from slysock_store import paging
from slysock_store.errors import NotFound
from slysock_store.models import (
    MAX_LIMIT,
    Chat,
    ChatId,
    MarkedMessages,
    Message,
    MessageId,
    Page,
    Receipt,
    SystemName,
    UndeliveredMessages,
    UserKey,
)
from slysock_store.times import from_milliseconds

from . import chats, messages
from .documents import Document
from .filters import one_of, where
from .layout import HAS_UNDELIVERED, HAS_UNREAD, LATEST_MESSAGES, LATEST_WAITING
from .records import message_of
from .transaction import Transaction


def mark_read(
    tx: Transaction, system: SystemName, chat_id: ChatId, reader: UserKey, message_id: MessageId | None
) -> MarkedMessages:
    """See `Store.mark_read`."""
    found = chats.existing_chat(tx, system, chat_id)
    where(reader=reader)
    message = None if message_id is None else _message_of(tx, found, message_id)
    chat = chats.join(tx, found, reader, is_participant=False)
    if message is None:
        return _mark_all_read(tx, chat, reader)
    return _mark_one_read(tx, chat, reader, messages.existing_message(tx, system, message.id))


def _message_of(tx: Transaction, chat: Chat, message_id: MessageId) -> Message:
    message = messages.existing_message(tx, chat.system, message_id)
    if message.chat_id != chat.id:
        raise NotFound("message", message_id)
    return message


def _mark_all_read(tx: Transaction, chat: Chat, reader: UserKey) -> MarkedMessages:
    if chat.unread_of(reader) == 0:
        return MarkedMessages(chat=chat, count=0, message_ids=())
    unread = {**where(chat_id=chat.id, unread_by=reader), **HAS_UNREAD}
    ids = _newest_ids(tx, unread)
    now = from_milliseconds(tx.now)
    changes: Document = {
        "$pull": {"unread_by": reader, "undelivered_to": reader},
        "$set": {"receipts.$[mine].read_at": now, "receipts.$[waiting].delivered_at": now},
    }
    of_reader: list[Document] = [{"mine.user": reader}, {"waiting.user": reader, "waiting.delivered_at": None}]
    collections, session = tx.direct()
    count = collections.messages.update_many(unread, changes, array_filters=of_reader, session=session).modified_count
    return _marked_read(tx, chat, reader, count, ids)


def _mark_one_read(tx: Transaction, chat: Chat, reader: UserKey, message: Message) -> MarkedMessages:
    receipt = next((receipt for receipt in message.receipts if receipt.user == reader), None)
    if receipt is None or receipt.read_at is not None:
        return MarkedMessages(chat=chat, count=0, message_ids=())
    now = from_milliseconds(tx.now)
    read = Receipt(user=reader, delivered_at=receipt.delivered_at or now, read_at=now)
    tx.put_message(chat.system, _with_receipt(message, read))
    return _marked_read(tx, chat, reader, 1, (message.id,))


def _marked_read(
    tx: Transaction, chat: Chat, reader: UserKey, count: int, ids: tuple[MessageId, ...]
) -> MarkedMessages:
    read = tx.put_chat(chats.with_member(chat, reader, unread=chat.unread_of(reader) - count))
    return MarkedMessages(chat=read, count=count, message_ids=ids)


def mark_delivered(tx: Transaction, system: SystemName, chat_id: ChatId, user: UserKey) -> MarkedMessages:
    """See `Store.mark_delivered`."""
    chat = chats.existing_chat(tx, system, chat_id)
    waiting = {**where(chat_id=chat_id, unread_by=user, undelivered_to=user), **HAS_UNREAD}
    ids = _newest_ids(tx, waiting)
    if not ids:
        return MarkedMessages(chat=chat, count=0, message_ids=())
    changes: Document = {
        "$pull": {"undelivered_to": user},
        "$set": {"receipts.$[mine].delivered_at": from_milliseconds(tx.now)},
    }
    collections, session = tx.direct()
    count = collections.messages.update_many(
        waiting, changes, array_filters=[{"mine.user": user}], session=session
    ).modified_count
    return MarkedMessages(chat=chat, count=count, message_ids=ids)


def _newest_ids(tx: Transaction, wanted: Document) -> tuple[MessageId, ...]:
    tx.settle()
    snapshot = tx.reading()
    found = snapshot.find(snapshot.collections.messages, wanted, "_id", order=LATEST_MESSAGES, limit=MAX_LIMIT)
    return tuple(MessageId(str(message["_id"])) for message in found)


def take_undelivered(tx: Transaction, system: SystemName, user: UserKey, window: paging.Window) -> UndeliveredMessages:
    """See `Store.take_undelivered`."""
    tx.settle()
    snapshot = tx.reading()
    waiting = {**where(system=system, undelivered_to=user), **HAS_UNDELIVERED}
    total = snapshot.count(snapshot.collections.messages, waiting)
    found = snapshot.find(snapshot.collections.messages, waiting, order=LATEST_WAITING, limit=window.limit)
    taken = tuple(_delivered(tx, message_of(document), user) for document in found)
    _mark_taken(tx, [message.id for message in taken], user)
    return UndeliveredMessages(
        page=Page(items=taken, page=1, limit=window.limit, total_records=total),
        chats={
            message.chat_id: chats.existing_chat(tx, system, message.chat_id)
            for message in {message.chat_id: message for message in taken}.values()
        },
    )


def _mark_taken(tx: Transaction, ids: list[MessageId], user: UserKey) -> None:
    if not ids:
        return
    changes: Document = {
        "$pull": {"undelivered_to": user},
        "$set": {"receipts.$[mine].delivered_at": from_milliseconds(tx.now)},
    }
    collections, session = tx.direct()
    collections.messages.update_many(
        {"_id": one_of(ids)}, changes, array_filters=[{"mine.user": user}], session=session
    )


def _delivered(tx: Transaction, message: Message, user: UserKey) -> Message:
    return _with_receipt(message, Receipt(user=user, delivered_at=from_milliseconds(tx.now), read_at=None))


def _with_receipt(message: Message, changed: Receipt) -> Message:
    receipts = tuple(changed if receipt.user == changed.user else receipt for receipt in message.receipts)
    return msgspec.structs.replace(message, receipts=receipts)
