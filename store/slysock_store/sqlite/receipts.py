"""Statements about what was delivered and read."""

import sqlite3
from collections.abc import Sequence
from typing import TypeAlias, final

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
from slysock_store.progress import Kind
from slysock_store.times import from_milliseconds

from . import chats, messages
from .pages import StoredPages
from .transaction import Transaction

PlacedRow: TypeAlias = tuple[str, str, int, str, int, int]

SELECT_PLACED = """
    SELECT id, chat_id, sequence, sender, is_deleted, created_at
    FROM messages WHERE chat_id = ? AND sequence BETWEEN ? AND ?
"""
SELECT_COUNT_UNDELIVERED = """
    SELECT coalesce(sum(undelivered), 0) FROM chat_members WHERE system = ? AND user_key = ? AND undelivered > 0
"""
# CROSS JOIN: from the index of the chats where something waits for the user, whose number is small.
SELECT_CHATS_WITH_UNDELIVERED = """
    SELECT c.id FROM chat_members AS m CROSS JOIN chats AS c ON c.id = m.chat_id
    WHERE m.system = ? AND m.user_key = ? AND m.undelivered > 0
    ORDER BY c.active_at DESC, c.id DESC
"""


@final
class PlacedMessages:
    """What tells which messages wait, as a connection sees it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.pages = StoredPages(connection).pages

    def placed(self, spans: Sequence[tuple[ChatId, int, int]]) -> Sequence[receipts.Placed]:
        """See `Reads`."""
        return [placed_of(row) for span in spans for row in self._connection.execute(SELECT_PLACED, span)]


@final
class ReceiptRecords:
    """What `slysock_store.receipts` reads and writes, within a transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self.placed = PlacedMessages(tx.connection).placed
        stored = StoredPages(tx.connection)
        self.page = stored.page
        self.pages = stored.pages
        self.put_pages = stored.put_pages
        self.clear_pages = stored.clear_pages

    def put_member(self, chat: Chat, member: Member) -> Chat:
        """See `Records`."""
        changed = chat.with_member(member)
        chats.put_progress(self._tx, changed, [member])
        return changed


def placed_of(row: PlacedRow) -> receipts.Placed:
    """Make the record of a row."""
    message_id, chat_id, sequence, sender, is_deleted, created_at = row
    at = from_milliseconds(created_at)
    return receipts.Placed(MessageId(message_id), ChatId(chat_id), sequence, UserKey(sender), bool(is_deleted), at)


def mark_read(
    tx: Transaction, system: SystemName, chat_id: ChatId, reader: UserKey, message_id: MessageId | None
) -> MarkedMessages:
    """See `Store.mark_read`."""
    chat = chats.join(tx, chats.existing_chat(tx, system, chat_id), reader, is_participant=False)
    if message_id is None:
        return receipts.mark_all(ReceiptRecords(tx), chat, reader, Kind.READ)
    message = messages.existing_message(tx.connection, system, message_id)
    if message.chat_id != chat_id:
        raise NotFound("message", message_id)
    return receipts.mark_one_read(ReceiptRecords(tx), chat, reader, message)


def mark_delivered(tx: Transaction, system: SystemName, chat_id: ChatId, user: UserKey) -> MarkedMessages:
    """See `Store.mark_delivered`."""
    return receipts.mark_all(ReceiptRecords(tx), chats.existing_chat(tx, system, chat_id), user, Kind.DELIVERED)


def take_undelivered(tx: Transaction, system: SystemName, user: UserKey, window: paging.Window) -> UndeliveredMessages:
    """See `Store.take_undelivered`."""
    (total,) = tx.connection.execute(SELECT_COUNT_UNDELIVERED, (system, user)).fetchone()
    rows: list[tuple[str]] = tx.connection.execute(SELECT_CHATS_WITH_UNDELIVERED, (system, user)).fetchall()
    waiting = (chats.existing_chat(tx, system, ChatId(chat_id)) for (chat_id,) in rows)
    taken = receipts.take(ReceiptRecords(tx), waiting, user, window.limit)
    found = messages.messages_at(tx.connection, [(placed.chat_id, placed.sequence) for placed in taken])
    return UndeliveredMessages(
        page=Page(items=found, page=1, limit=window.limit, total_records=total),
        chats={placed.chat_id: chats.existing_chat(tx, system, placed.chat_id) for placed in taken},
    )
