"""Queries of messages."""

from collections.abc import Mapping, Sequence

from slysock_store import paging
from slysock_store.errors import NotFound
from slysock_store.models import ChatId, Message, MessageId, Page, SystemName

from .documents import Document
from .filters import between, one_of, where
from .layout import LATEST_MESSAGES, Snapshot
from .records import message_of
from .transaction import Transaction


def get_message(snapshot: Snapshot, system: SystemName, message_id: MessageId) -> Message | None:
    """See `Store.get_message`."""
    found = snapshot.find_one(snapshot.collections.messages, where(_id=message_id, system=system))
    return None if found is None else message_of(found)


def existing_message(tx: Transaction, system: SystemName, message_id: MessageId) -> Message:
    """Return one message.

    Raises:
        NotFound: there is none in this system.
    """
    message = tx.message(system, message_id)
    if message is None:
        raise NotFound("message", message_id)
    return message


def list_messages(
    snapshot: Snapshot, system: SystemName, chat_id: ChatId, window: paging.Window, with_deleted: bool
) -> Page[Message]:
    """See `Store.list_messages`. Sequence numbers have no gaps, so they bound a page without counting through it."""
    counts = _counts(snapshot, system, [chat_id]).get(chat_id, paging.MessageCounts(0, 0))
    total = counts.last_sequence if with_deleted else counts.kept
    offset = window.offset(total)
    if with_deleted or counts.all_kept:
        wanted = _range(chat_id, counts.last_sequence - offset, window.limit)
        found = snapshot.find(snapshot.collections.messages, wanted, order=LATEST_MESSAGES)
        messages = tuple(map(message_of, found))
    else:
        messages = _kept(snapshot, chat_id, window.limit, offset)
    return Page(items=messages, page=window.page, limit=window.limit, total_records=total)


def latest_messages(
    snapshot: Snapshot, system: SystemName, chat_ids: Sequence[ChatId], limit_each: int, with_deleted: bool
) -> Mapping[ChatId, tuple[Message, ...]]:
    """See `Store.latest_messages`."""
    counted = {
        chat_id: counts for chat_id, counts in _counts(snapshot, system, chat_ids).items() if counts.last_sequence
    }
    whole = [chat_id for chat_id, counts in counted.items() if with_deleted or counts.all_kept]
    latest = _latest(snapshot, [_range(chat_id, counted[chat_id].last_sequence, limit_each) for chat_id in whole])
    for chat_id in counted.keys() - set(whole):
        messages = _kept(snapshot, chat_id, limit_each)
        if messages:
            latest[chat_id] = messages
    return latest


def _latest(snapshot: Snapshot, ranges: Sequence[Document]) -> dict[ChatId, tuple[Message, ...]]:
    """Read the messages in some ranges, of several chats at once; newest first in each."""
    if not ranges:
        return {}
    latest: dict[ChatId, list[Message]] = {}
    for message in map(message_of, snapshot.find(snapshot.collections.messages, {"$or": list(ranges)})):
        latest.setdefault(message.chat_id, []).append(message)
    return {chat_id: tuple(sorted(found, key=lambda m: -m.sequence)) for chat_id, found in latest.items()}


def _kept(snapshot: Snapshot, chat_id: ChatId, limit: int, offset: int = 0) -> tuple[Message, ...]:
    """Read the newest messages that are not deleted, without the first `offset`."""
    wanted: Document = {**where(chat_id=chat_id), "is_deleted": False}
    messages = snapshot.collections.messages
    return tuple(map(message_of, snapshot.find(messages, wanted, order=LATEST_MESSAGES, skip=offset, limit=limit)))


def _counts(snapshot: Snapshot, system: SystemName, chat_ids: Sequence[ChatId]) -> dict[ChatId, paging.MessageCounts]:
    wanted: Document = {"_id": one_of(chat_ids), **where(system=system)}
    found = snapshot.find(snapshot.collections.chats, wanted, "last_sequence", "message_count")
    return {
        ChatId(str(chat["_id"])): paging.MessageCounts(int(str(chat["last_sequence"])), int(str(chat["message_count"])))
        for chat in found
    }


def _range(chat_id: ChatId, newest: int, limit: int) -> Document:
    return {**where(chat_id=chat_id), "sequence": between(newest - limit + 1, newest)}
