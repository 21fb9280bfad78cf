"""Statements that read messages with their receipts."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from slysock_store import paging
from slysock_store.errors import NotFound
from slysock_store.models import ChatId, Message, MessageId, Page, Receipt, SystemName, UserKey
from slysock_store.times import from_milliseconds, maybe_from_milliseconds

from . import columns

MessageRow: TypeAlias = tuple[
    str, str, int, str, str | None, str, str | None, str, str | None, str | None, int, str, str, int, int, int, int
]
ReceiptRow: TypeAlias = tuple[str, int | None, int | None]

SELECT_MESSAGE = """
    SELECT m.id, m.chat_id, m.sequence, m.sender, m.recipient, m.kind, m.text, m.attachments, m.reply_to,
        m.client_message_id, m.recipient_online, m.extra, m.reactions, m.is_edited, m.is_deleted,
        m.created_at, m.updated_at
    FROM messages AS m CROSS JOIN chats AS c ON c.id = m.chat_id WHERE m.id = ? AND c.system = ?
"""
SELECT_MESSAGE_BY_SEQUENCE = """
    SELECT id, chat_id, sequence, sender, recipient, kind, text, attachments, reply_to,
        client_message_id, recipient_online, extra, reactions, is_edited, is_deleted, created_at, updated_at
    FROM messages WHERE chat_id = ? AND sequence = ?
"""
SELECT_MESSAGE_BY_CLIENT_ID = """
    SELECT id, chat_id, sequence, sender, recipient, kind, text, attachments, reply_to,
        client_message_id, recipient_online, extra, reactions, is_edited, is_deleted, created_at, updated_at
    FROM messages WHERE chat_id = ? AND sender = ? AND client_message_id = ?
"""
SELECT_MESSAGES = """
    SELECT id, chat_id, sequence, sender, recipient, kind, text, attachments, reply_to,
        client_message_id, recipient_online, extra, reactions, is_edited, is_deleted, created_at, updated_at
    FROM messages WHERE chat_id = ? AND sequence BETWEEN ? AND ? ORDER BY sequence DESC
"""
SELECT_KEPT_MESSAGES = """
    SELECT id, chat_id, sequence, sender, recipient, kind, text, attachments, reply_to,
        client_message_id, recipient_online, extra, reactions, is_edited, is_deleted, created_at, updated_at
    FROM messages WHERE chat_id = ? AND is_deleted = 0 ORDER BY sequence DESC LIMIT ? OFFSET ?
"""
SELECT_COUNTS = "SELECT last_sequence, message_count FROM chats WHERE id = ? AND system = ?"
SELECT_RECEIPTS = """
    SELECT user_key, delivered_at, read_at FROM receipts WHERE chat_id = ? AND sequence = ? ORDER BY user_key
"""


def get_message(connection: sqlite3.Connection, system: SystemName, message_id: MessageId) -> Message | None:
    """See `Store.get_message`."""
    row: MessageRow | None = connection.execute(SELECT_MESSAGE, (message_id, system)).fetchone()
    return None if row is None else _with_receipts(connection, row)


def existing_message(connection: sqlite3.Connection, system: SystemName, message_id: MessageId) -> Message:
    """Return one message.

    Raises:
        NotFound: there is none in this system.
    """
    message = get_message(connection, system, message_id)
    if message is None:
        raise NotFound("message", message_id)
    return message


def message_at(connection: sqlite3.Connection, chat_id: ChatId, sequence: int) -> Message:
    """Return the message with this number, which the chat must have assigned."""
    row: MessageRow | None = connection.execute(SELECT_MESSAGE_BY_SEQUENCE, (chat_id, sequence)).fetchone()
    if row is None:
        raise AssertionError("sequence numbers have no gaps")
    return _with_receipts(connection, row)


def find_retried(
    connection: sqlite3.Connection, chat_id: ChatId, sender: UserKey, client_message_id: str
) -> Message | None:
    """Return the message that this sender stored before under the same client message id."""
    key = (chat_id, sender, client_message_id)
    row: MessageRow | None = connection.execute(SELECT_MESSAGE_BY_CLIENT_ID, key).fetchone()
    return None if row is None else _with_receipts(connection, row)


def list_messages(
    connection: sqlite3.Connection, system: SystemName, chat_id: ChatId, window: paging.Window, with_deleted: bool
) -> Page[Message]:
    """See `Store.list_messages`."""
    counts = _counts(connection, system, chat_id)
    total = counts.last_sequence if with_deleted else counts.kept
    messages = _newest(connection, chat_id, counts, window.limit, window.offset(total), with_deleted=with_deleted)
    return Page(items=messages, page=window.page, limit=window.limit, total_records=total)


def latest_messages(
    connection: sqlite3.Connection,
    system: SystemName,
    chat_ids: Sequence[ChatId],
    limit_each: int,
    with_deleted: bool,
) -> Mapping[ChatId, tuple[Message, ...]]:
    """See `Store.latest_messages`."""
    latest: dict[ChatId, tuple[Message, ...]] = {}
    for chat_id in chat_ids:
        counts = _counts(connection, system, chat_id)
        messages = _newest(connection, chat_id, counts, limit_each, with_deleted=with_deleted)
        if messages:
            latest[chat_id] = messages
    return latest


def _counts(connection: sqlite3.Connection, system: SystemName, chat_id: ChatId) -> paging.MessageCounts:
    row: tuple[int, int] | None = connection.execute(SELECT_COUNTS, (chat_id, system)).fetchone()
    return paging.MessageCounts(*(row or (0, 0)))


def _newest(
    connection: sqlite3.Connection,
    chat_id: ChatId,
    counts: paging.MessageCounts,
    limit: int,
    offset: int = 0,
    *,
    with_deleted: bool,
) -> tuple[Message, ...]:
    """Read the newest messages, without the first `offset`.

    Sequence numbers have no gaps, so they bound a page without counting through it, unless some are to be left out.
    """
    if with_deleted or counts.all_kept:
        newest = counts.last_sequence - offset
        rows: list[MessageRow] = connection.execute(SELECT_MESSAGES, (chat_id, newest - limit + 1, newest)).fetchall()
    else:
        rows = connection.execute(SELECT_KEPT_MESSAGES, (chat_id, limit, offset)).fetchall()
    return tuple(_with_receipts(connection, row) for row in rows)


def _with_receipts(connection: sqlite3.Connection, row: MessageRow) -> Message:
    receipts: list[ReceiptRow] = connection.execute(SELECT_RECEIPTS, (row[1], row[2])).fetchall()
    return message_of(row, receipts)


def message_of(row: MessageRow, receipts: Sequence[ReceiptRow]) -> Message:
    """Make the record of a row and the rows of its receipts."""
    message_id, chat_id, sequence, sender, recipient, kind, text, attachments, reply_to, client_message_id = row[:10]
    recipient_online, extra, reactions, is_edited, is_deleted, created_at, updated_at = row[10:]
    return Message(
        id=MessageId(message_id),
        chat_id=ChatId(chat_id),
        sequence=sequence,
        sender=UserKey(sender),
        recipient=None if recipient is None else UserKey(recipient),
        kind=kind,
        text=text,
        attachments=columns.decode_objects(attachments),
        reply_to=None if reply_to is None else MessageId(reply_to),
        client_message_id=client_message_id,
        recipient_online=bool(recipient_online),
        extra=columns.decode_object(extra),
        reactions=columns.decode_reactions(reactions),
        receipts=tuple(map(receipt_of, receipts)),
        is_edited=bool(is_edited),
        is_deleted=bool(is_deleted),
        created_at=from_milliseconds(created_at),
        updated_at=from_milliseconds(updated_at),
    )


def receipt_of(row: ReceiptRow) -> Receipt:
    """Make the record of a receipt's row."""
    user, delivered_at, read_at = row
    return Receipt(
        user=UserKey(user),
        delivered_at=maybe_from_milliseconds(delivered_at),
        read_at=maybe_from_milliseconds(read_at),
    )
