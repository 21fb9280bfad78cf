"""Queries of messages."""

from collections.abc import Mapping, Sequence

from slysock_store import paging, receipts
from slysock_store.errors import NotFound
from slysock_store.models import Chat, ChatId, Message, MessageId, Page, SystemName

from .chats import existing_chat
from .documents import Document
from .filters import between, one_of, where
from .layout import LATEST_MESSAGES, Snapshot
from .pages import SeenPages
from .records import chat_of, message_of
from .transaction import Transaction


def get_message(snapshot: Snapshot, system: SystemName, message_id: MessageId) -> Message | None:
    """See `Store.get_message`."""
    found = snapshot.find_one(snapshot.collections.messages, where(_id=message_id, system=system))
    if found is None:
        return None
    message = message_of(found)
    return _with_receipts(snapshot, _chats(snapshot, system, [message.chat_id]), [message])[0]


def existing_message(tx: Transaction, system: SystemName, message_id: MessageId) -> Message:
    """Return one message.

    Raises:
        NotFound: there is none in this system.
    """
    message = tx.message(system, message_id)
    if message is None:
        raise NotFound("message", message_id)
    return with_receipts(tx, system, message)


def with_receipts(tx: Transaction, system: SystemName, message: Message) -> Message:
    """Return a message with those whom it has reached, as the transaction has left that."""
    return receipts.with_receipts(message, existing_chat(tx, system, message.chat_id).members, tx)


def _with_receipts(
    snapshot: Snapshot, chats: Mapping[ChatId, Chat], messages: Sequence[Message]
) -> tuple[Message, ...]:
    pages = SeenPages(snapshot, chats, messages)
    return tuple(receipts.with_receipts(message, chats[message.chat_id].members, pages) for message in messages)


def find_messages(
    snapshot: Snapshot, system: SystemName, message_ids: Sequence[MessageId]
) -> tuple[tuple[Message, ...], Mapping[ChatId, Chat]]:
    """Return these messages, in this order, and their chats."""
    if not message_ids:
        return (), {}
    found = map(message_of, snapshot.find(snapshot.collections.messages, {"_id": one_of(message_ids)}))
    messages = {message.id: message for message in found}
    chats = _chats(snapshot, system, [message.chat_id for message in messages.values()])
    return _with_receipts(snapshot, chats, [messages[message_id] for message_id in message_ids]), chats


def list_messages(
    snapshot: Snapshot, system: SystemName, chat_id: ChatId, window: paging.Window, with_deleted: bool
) -> Page[Message]:
    """See `Store.list_messages`. Sequence numbers have no gaps, so they bound a page without counting through it."""
    chats = _chats(snapshot, system, [chat_id])
    counts = _counts(chats[chat_id]) if chats else paging.MessageCounts(0, 0)
    total = counts.last_sequence if with_deleted else counts.kept
    offset = window.offset(total)
    if with_deleted or counts.all_kept:
        wanted = _range(chat_id, counts.last_sequence - offset, window.limit)
        found = snapshot.find(snapshot.collections.messages, wanted, order=LATEST_MESSAGES)
        messages = tuple(map(message_of, found))
    else:
        messages = _kept(snapshot, chat_id, window.limit, offset)
    items = _with_receipts(snapshot, chats, messages)
    return Page(items=items, page=window.page, limit=window.limit, total_records=total)


def latest_messages(
    snapshot: Snapshot, system: SystemName, chat_ids: Sequence[ChatId], limit_each: int, with_deleted: bool
) -> Mapping[ChatId, tuple[Message, ...]]:
    """See `Store.latest_messages`."""
    chats = {chat_id: chat for chat_id, chat in _chats(snapshot, system, chat_ids).items() if chat.last_sequence}
    whole = [chat_id for chat_id, chat in chats.items() if with_deleted or _counts(chat).all_kept]
    messages = _latest(snapshot, [_range(chat_id, chats[chat_id].last_sequence, limit_each) for chat_id in whole])
    for chat_id in chats.keys() - set(whole):
        messages += _kept(snapshot, chat_id, limit_each)
    latest: dict[ChatId, list[Message]] = {}
    for message in _with_receipts(snapshot, chats, messages):
        latest.setdefault(message.chat_id, []).append(message)
    return {chat_id: tuple(sorted(found, key=lambda m: -m.sequence)) for chat_id, found in latest.items()}


def _latest(snapshot: Snapshot, ranges: Sequence[Document]) -> list[Message]:
    """Read the messages in some ranges, of several chats at once."""
    if not ranges:
        return []
    return list(map(message_of, snapshot.find(snapshot.collections.messages, {"$or": list(ranges)})))


def _kept(snapshot: Snapshot, chat_id: ChatId, limit: int, offset: int = 0) -> tuple[Message, ...]:
    """Read the newest messages that are not deleted, without the first `offset`."""
    wanted: Document = {**where(chat_id=chat_id), "is_deleted": False}
    messages = snapshot.collections.messages
    return tuple(map(message_of, snapshot.find(messages, wanted, order=LATEST_MESSAGES, skip=offset, limit=limit)))


def _chats(snapshot: Snapshot, system: SystemName, chat_ids: Sequence[ChatId]) -> dict[ChatId, Chat]:
    wanted: Document = {"_id": one_of(chat_ids), **where(system=system)}
    return {chat.id: chat for chat in map(chat_of, snapshot.find(snapshot.collections.chats, wanted))}


def _counts(chat: Chat) -> paging.MessageCounts:
    return paging.MessageCounts(chat.last_sequence, chat.message_count)


def _range(chat_id: ChatId, newest: int, limit: int) -> Document:
    return {**where(chat_id=chat_id), "sequence": between(newest - limit + 1, newest)}
