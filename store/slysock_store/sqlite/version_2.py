"""The conversion of receipts from version 1, a row for each message and member, to what version 2 keeps.

Chats are converted one by one, many to a transaction. Which are left is a table, so an interrupted conversion goes on.
"""

import sqlite3
import time
from collections.abc import Iterator
from typing import Final

from slysock_store.models import ChatId, UserKey
from slysock_store.progress import Kind, Progress, Tally

from .pages import StoredPages

SECONDS_PER_COMMIT: Final = 1.0
"""How long chats are converted before what was done is committed."""

SELECT_CONVERTING = "SELECT count(*) FROM sqlite_master WHERE name = 'chats_of_version_1'"
SELECT_CHATS = "SELECT id FROM chats_of_version_1"
SELECT_BEHIND = "SELECT user_key FROM chat_members WHERE chat_id = ? AND unread > 0"
SELECT_FIRST_UNREAD = """
    SELECT min(sequence) FROM receipts INDEXED BY receipts_unread
    WHERE chat_id = ? AND user_key = ? AND read_at IS NULL
"""
SELECT_RECEIPTS = """
    SELECT r.user_key, r.sequence, r.delivered_at IS NOT NULL, r.read_at IS NOT NULL
    FROM receipts AS r CROSS JOIN messages AS m ON m.chat_id = r.chat_id AND m.sequence = r.sequence
    WHERE r.chat_id = ? AND r.sequence >= ? AND m.is_deleted = 0 ORDER BY r.sequence
"""
UPDATE_DELETED = """
    UPDATE messages SET read_by = (
        SELECT json_group_array(user_key) FROM (
            SELECT user_key FROM receipts
            WHERE chat_id = messages.chat_id AND sequence = messages.sequence AND read_at IS NOT NULL ORDER BY user_key
        )
    )
    WHERE chat_id = ? AND is_deleted = 1
"""
UPDATE_PROGRESS = """
    UPDATE chat_members SET undelivered = ?, delivered_to = ?, delivered_beyond = ?, unread = ?, read_to = ?,
        read_beyond = ?
    WHERE chat_id = ? AND user_key = ?
"""
DELETE_CHAT = "DELETE FROM chats_of_version_1 WHERE id = ?"


def convert(connection: sqlite3.Connection) -> None:
    """Convert all chats that are left, and drop what version 1 kept. See `Migration.convert`."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        (converting,) = connection.execute(SELECT_CONVERTING).fetchone()
        if converting:
            _convert_chats(connection)
            connection.execute("DROP TABLE receipts")
            connection.execute("DROP TABLE chats_of_version_1")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _convert_chats(connection: sqlite3.Connection) -> None:
    began = time.monotonic()
    for (chat_id,) in connection.execute(SELECT_CHATS).fetchall():
        convert_chat(connection, ChatId(chat_id))
        if time.monotonic() - began >= SECONDS_PER_COMMIT:
            connection.execute("COMMIT")
            connection.execute("BEGIN IMMEDIATE")
            began = time.monotonic()


def convert_chat(connection: sqlite3.Connection, chat_id: ChatId) -> None:
    """Convert one chat, within a transaction."""
    connection.execute(UPDATE_DELETED, (chat_id,))
    behind = [user for (user,) in connection.execute(SELECT_BEHIND, (chat_id,)).fetchall()]
    for user, (delivered, read) in _tallies(connection, chat_id, behind).items():
        stored = StoredPages(connection)
        stored.put_pages(chat_id, UserKey(user), Kind.DELIVERED, delivered.pages)
        stored.put_pages(chat_id, UserKey(user), Kind.READ, read.pages)
        counted = (*_columns(delivered.progress), *_columns(read.progress))
        connection.execute(UPDATE_PROGRESS, (*counted, chat_id, user))
    connection.execute(DELETE_CHAT, (chat_id,))


def _tallies(connection: sqlite3.Connection, chat_id: ChatId, behind: list[str]) -> dict[str, tuple[Tally, Tally]]:
    """Return what was delivered to, and read by, each of those who have not read everything."""
    firsts = [connection.execute(SELECT_FIRST_UNREAD, (chat_id, user)).fetchone()[0] for user in behind]
    tallies = {user: (Tally(), Tally()) for user in behind}
    first = min((first for first in firsts if first is not None), default=None)
    rows: Iterator[tuple[str, int, int, int]] = connection.execute(SELECT_RECEIPTS, (chat_id, first))
    for user, sequence, is_delivered, is_read in rows:
        if user in tallies:
            delivered, read = tallies[user]
            delivered.add(sequence, marked=bool(is_delivered))
            read.add(sequence, marked=bool(is_read))
    return tallies


def _columns(progress: Progress) -> tuple[int, int, int]:
    return progress.waiting, progress.to, progress.beyond
