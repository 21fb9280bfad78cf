"""Statements that read messages, and whom they have reached."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from slysock_store import paging, receipts
from slysock_store.errors import NotFound
from slysock_store.models import ChatId, Message, MessageId, Page, SystemName, UserKey
from slysock_store.times import from_milliseconds

from . import chats, columns
from .pages import StoredPages

MessageState: TypeAlias = tuple[int, str, str, int, int, int, int, str | None]
MessageRow: TypeAlias = tuple[
    str, str, int, str, str | None, str, str | None, str, str | None, str | None, *MessageState
]  # fmt: skip

SELECT_MESSAGE = """
    SELECT m.id, m.chat_id, m.sequence, m.sender, m.recipient, m.kind, m.text, m.attachments, m.reply_to,
        m.client_message_id, m.recipient_online, m.extra, m.reactions, m.is_edited, m.is_deleted,
        m.created_at, m.updated_at, m.read_by
    FROM messages AS m CROSS JOIN chats AS c ON c.id = m.chat_id WHERE m.id = ? AND c.system = ?
"""
SELECT_MESSAGE_BY_SEQUENCE = """
    SELECT id, chat_id, sequence, sender, recipient, kind, text, attachments, reply_to,
        client_message_id, recipient_online, extra, reactions, is_edited, is_deleted, created_at, updated_at,
        read_by
    FROM messages WHERE chat_id = ? AND sequence = ?
"""
SELECT_MESSAGE_BY_CLIENT_ID = """
    SELECT id, chat_id, sequence, sender, recipient, kind, text, attachments, reply_to,
        client_message_id, recipient_online, extra, reactions, is_edited, is_deleted, created_at, updated_at,
        read_by
    FROM messages WHERE chat_id = ? AND sender = ? AND client_message_id = ?
"""
SELECT_MESSAGES = """
    SELECT id, chat_id, sequence, sender, recipient, kind, text, attachments, reply_to,
        client_message_id, recipient_online, extra, reactions, is_edited, is_deleted, created_at, updated_at,
        read_by
    FROM messages WHERE chat_id = ? AND sequence BETWEEN ? AND ? ORDER BY sequence DESC
"""
SELECT_KEPT_MESSAGES = """
    SELECT id, chat_id, sequence, sender, recipient, kind, text, attachments, reply_to,
        client_message_id, recipient_online, extra, reactions, is_edited, is_deleted, created_at, updated_at,
        read_by
    FROM messages WHERE chat_id = ? AND is_deleted = 0 ORDER BY sequence DESC LIMIT ? OFFSET ?
"""
SELECT_COUNTS = "SELECT last_sequence, message_count FROM chats WHERE id = ? AND system = ?"


def get_message(connection: sqlite3.Connection, system: SystemName, message_id: MessageId) -> Message | None:
    """See `Store.get_message`."""
    row: MessageRow | None = connection.execute(SELECT_MESSAGE, (message_id, system)).fetchone()
    return None if row is None else _with_receipts(connection, [row])[0]


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
    return messages_at(connection, [(chat_id, sequence)])[0]


def messages_at(connection: sqlite3.Connection, places: Iterable[tuple[ChatId, int]]) -> tuple[Message, ...]:
    """Return the messages with these numbers, which their chats must have assigned."""
    rows: list[MessageRow | None] = [connection.execute(SELECT_MESSAGE_BY_SEQUENCE, at).fetchone() for at in places]
    found = [row for row in rows if row is not None]
    if len(found) < len(rows):
        raise AssertionError("sequence numbers have no gaps")
    return _with_receipts(connection, found)


def find_retried(
    connection: sqlite3.Connection, chat_id: ChatId, sender: UserKey, client_message_id: str
) -> Message | None:
    """Return the message that this sender stored before under the same client message id."""
    key = (chat_id, sender, client_message_id)
    row: MessageRow | None = connection.execute(SELECT_MESSAGE_BY_CLIENT_ID, key).fetchone()
    return None if row is None else _with_receipts(connection, [row])[0]


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
    return _with_receipts(connection, rows)


def _with_receipts(connection: sqlite3.Connection, rows: Sequence[MessageRow]) -> tuple[Message, ...]:
    members = {chat_id: chats.members_of(connection, ChatId(chat_id)) for chat_id in {row[1] for row in rows}}
    pages = StoredPages(connection)
    return tuple(receipts.with_receipts(message_of(row), members[row[1]], pages) for row in rows)


def message_of(row: MessageRow, delivered_to: tuple[UserKey, ...] = ()) -> Message:
    """Make the record of a row, of which only a deleted message tells who has read it."""
    message_id, chat_id, sequence, sender, recipient, kind, text, attachments, reply_to, client_message_id = row[:10]
    recipient_online, extra, reactions, is_edited, is_deleted, created_at, updated_at, read_by = row[10:]
    readers = () if read_by is None else columns.decode_users(read_by)
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
        delivered_to=delivered_to or readers,
        read_by=readers,
        is_edited=bool(is_edited),
        is_deleted=bool(is_deleted),
        created_at=from_milliseconds(created_at),
        updated_at=from_milliseconds(updated_at),
    )
