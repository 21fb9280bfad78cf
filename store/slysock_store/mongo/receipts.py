"""What was delivered and read."""

from collections.abc import Iterator, Mapping, Sequence
from typing import final

from slysock_store import paging, receipts
from slysock_store.errors import NotFound
from slysock_store.models import (
    Chat,
    ChatId,
    MarkedMessages,
    Member,
    MessageId,
    Page,
    SystemName,
    UndeliveredMessages,
    UserKey,
)
from slysock_store.progress import Bits, Kind

from . import chats, messages
from .documents import Document, PlacedDocument, decode
from .filters import between, where
from .layout import CHATS_WITH_UNDELIVERED, HAS_UNDELIVERED, LATEST_CHATS, Snapshot
from .pages import Owner, find_pages
from .records import chat_of
from .transaction import Transaction

PLACED_FIELDS = ("chat_id", "sequence", "sender", "is_deleted", "created_at")


@final
class PlacedMessages:
    """What tells which messages wait, as a snapshot has it."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def pages(self, chat_id: ChatId, user: UserKey, kind: Kind, numbers: range) -> Mapping[int, Bits]:
        """See `Reads`."""
        return find_pages(self._snapshot, Owner(chat_id, user, kind), numbers)

    def placed(self, spans: Sequence[tuple[ChatId, int, int]]) -> Sequence[receipts.Placed]:
        """See `Reads`."""
        ranges = [{**where(chat_id=chat_id), "sequence": between(first, last)} for chat_id, first, last in spans]
        return find_placed(self._snapshot, {"$or": ranges})


@final
class ReceiptRecords:
    """What `slysock_store.receipts` reads and writes, within a transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.page = tx.page
        self.pages = tx.pages
        self.put_pages = tx.put_pages
        self.clear_pages = tx.clear_pages

    def put_member(self, chat: Chat, member: Member) -> Chat:
        """See `Records`."""
        return self._tx.put_chat(chat.with_member(member))

    def placed(self, spans: Sequence[tuple[ChatId, int, int]]) -> Sequence[receipts.Placed]:
        """See `Reads`."""
        self._tx.settle()
        return PlacedMessages(self._tx.reading()).placed(spans)


def find_placed(snapshot: Snapshot, wanted: Document) -> list[receipts.Placed]:
    """Return where the messages are that the filter finds."""
    found = snapshot.find(snapshot.collections.messages, wanted, *PLACED_FIELDS)
    return [_placed_of(document) for document in found]


def _placed_of(document: Document) -> receipts.Placed:
    found = decode(document, PlacedDocument)
    return receipts.Placed(
        MessageId(found.id),
        ChatId(found.chat_id),
        found.sequence,
        UserKey(found.sender),
        found.is_deleted,
        found.created_at,
    )


def mark_read(
    tx: Transaction, system: SystemName, chat_id: ChatId, reader: UserKey, message_id: MessageId | None
) -> MarkedMessages:
    """See `Store.mark_read`."""
    found = chats.existing_chat(tx, system, chat_id)
    message = None if message_id is None else messages.existing_message(tx, system, message_id)
    if message is not None and message.chat_id != chat_id:
        raise NotFound("message", message.id)
    chat = chats.join(tx, found, reader, is_participant=False)
    if message is None:
        return receipts.mark_all(ReceiptRecords(tx), chat, reader, Kind.READ)
    return receipts.mark_one_read(ReceiptRecords(tx), chat, reader, message)


def mark_delivered(tx: Transaction, system: SystemName, chat_id: ChatId, user: UserKey) -> MarkedMessages:
    """See `Store.mark_delivered`."""
    return receipts.mark_all(ReceiptRecords(tx), chats.existing_chat(tx, system, chat_id), user, Kind.DELIVERED)


def take_undelivered(tx: Transaction, system: SystemName, user: UserKey, window: paging.Window) -> UndeliveredMessages:
    """See `Store.take_undelivered`."""
    tx.settle()
    snapshot = tx.reading()
    total = count_undelivered(snapshot, system, user)
    taken = receipts.take(ReceiptRecords(tx), chats_with_undelivered(snapshot, system, user), user, window.limit)
    tx.load_messages(placed.id for placed in taken)
    found = tuple(messages.existing_message(tx, system, placed.id) for placed in taken)
    return UndeliveredMessages(
        page=Page(items=found, page=1, limit=window.limit, total_records=total),
        chats={placed.chat_id: chats.existing_chat(tx, system, placed.chat_id) for placed in taken},
    )


def _waiting_for(system: SystemName, user: UserKey) -> Document:
    return {**where(system=system, undelivered_to=user), **HAS_UNDELIVERED}


def count_undelivered(snapshot: Snapshot, system: SystemName, user: UserKey) -> int:
    """Count what waits for the user in all chats."""
    stages: list[Document] = [
        {"$match": _waiting_for(system, user)},
        {"$unwind": "$members"},
        {"$match": where(**{"members.user": user})},
        {"$group": {"_id": None, "waiting": {"$sum": "$members.delivered.waiting"}}},
    ]
    collection = snapshot.collections.chats
    with collection.aggregate(stages, hint=CHATS_WITH_UNDELIVERED, session=snapshot.session) as found:
        return sum(int(str(group["waiting"])) for group in found)


def chats_with_undelivered(snapshot: Snapshot, system: SystemName, user: UserKey) -> Iterator[Chat]:
    """Return the chats where something waits for the user, latest activity first."""
    # The index is named: while there are few chats, the server may choose to walk all of the system's, and remember it.
    wanted = _waiting_for(system, user)
    found = snapshot.stream(snapshot.collections.chats, wanted, order=LATEST_CHATS, index=CHATS_WITH_UNDELIVERED)
    return map(chat_of, found)
