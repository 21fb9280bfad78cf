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
    """Give one message.

    Raises:
        NotFound: there is none in this system.
    """
    message = tx.message(system, message_id)
    if message is None:
        raise NotFound("message", message_id)
    return message


def list_messages(snapshot: Snapshot, system: SystemName, chat_id: ChatId, window: paging.Window) -> Page[Message]:
    """See `Store.list_messages`. Sequence numbers have no gaps, so they bound a page without counting through it."""
    total = _last_sequences(snapshot, system, [chat_id]).get(chat_id, 0)
    newest = total - window.offset(total)
    wanted = _range(chat_id, newest, window.limit)
    found = snapshot.find(snapshot.collections.messages, wanted, order=LATEST_MESSAGES)
    return Page(items=tuple(map(message_of, found)), page=window.page, limit=window.limit, total_records=total)


def latest_messages(
    snapshot: Snapshot, system: SystemName, chat_ids: Sequence[ChatId], limit_each: int
) -> Mapping[ChatId, tuple[Message, ...]]:
    """See `Store.latest_messages`."""
    newest = _last_sequences(snapshot, system, chat_ids)
    ranges = [_range(chat_id, last, limit_each) for chat_id, last in newest.items() if last > 0]
    if not ranges:
        return {}
    latest: dict[ChatId, list[Message]] = {}
    for message in map(message_of, snapshot.find(snapshot.collections.messages, {"$or": ranges})):
        latest.setdefault(message.chat_id, []).append(message)
    return {chat_id: tuple(sorted(found, key=lambda m: -m.sequence)) for chat_id, found in latest.items()}


def _last_sequences(snapshot: Snapshot, system: SystemName, chat_ids: Sequence[ChatId]) -> dict[ChatId, int]:
    wanted: Document = {"_id": one_of(chat_ids), **where(system=system)}
    found = snapshot.find(snapshot.collections.chats, wanted, "last_sequence")
    return {ChatId(str(chat["_id"])): int(str(chat["last_sequence"])) for chat in found}


def _range(chat_id: ChatId, newest: int, limit: int) -> Document:
    return {**where(chat_id=chat_id), "sequence": between(newest - limit + 1, newest)}
