"""The tables and the schema's versions; `ledger` brings a database to them.

A migration is never changed once released: a new version is a new entry of `MIGRATIONS`.

Times are milliseconds since 1970, structured values JSON text, flags 0 or 1. What was delivered and read is kept in
`chat_members`, with pages of bits above gaps (`slysock_store.progress`). No STRICT and no RETURNING: the Pythons of
some distributions still come with an SQLite older than these.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

from . import version_2

APPLICATION_ID = 0x736C7973
"""`slys`: tells our files from other programs' databases (PRAGMA application_id)."""

VERSION_1 = (
    """
    CREATE TABLE users (
        system TEXT NOT NULL,
        key TEXT NOT NULL,
        id TEXT NOT NULL UNIQUE,
        role TEXT NOT NULL,
        profile TEXT NOT NULL,
        last_active INTEGER,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (system, key)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX users_by_role ON users (system, role, key)",
    """
    CREATE TABLE chats (
        id TEXT NOT NULL PRIMARY KEY,
        system TEXT NOT NULL,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        reference TEXT NOT NULL,
        status TEXT NOT NULL,
        extra TEXT NOT NULL,
        last_sequence INTEGER NOT NULL,
        message_count INTEGER NOT NULL,
        last_message_at INTEGER,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        active_at INTEGER NOT NULL,  -- last_message_at, or created_at without messages: what lists are ordered by
        UNIQUE (system, key)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX chats_by_activity ON chats (system, active_at, id)",
    """
    CREATE TABLE chat_members (
        chat_id TEXT NOT NULL REFERENCES chats (id),
        user_key TEXT NOT NULL,
        system TEXT NOT NULL,
        position INTEGER NOT NULL,
        is_participant INTEGER NOT NULL,
        has_blocked INTEGER NOT NULL DEFAULT 0,
        unread INTEGER NOT NULL,
        PRIMARY KEY (chat_id, user_key)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX chats_of_participant ON chat_members (system, user_key, chat_id) WHERE is_participant = 1",
    """
    CREATE TABLE messages (
        chat_id TEXT NOT NULL REFERENCES chats (id),
        sequence INTEGER NOT NULL,
        id TEXT NOT NULL UNIQUE,
        sender TEXT NOT NULL,
        recipient TEXT,
        kind TEXT NOT NULL,
        text TEXT,
        attachments TEXT NOT NULL,
        reply_to TEXT,
        client_message_id TEXT,
        recipient_online INTEGER NOT NULL,
        extra TEXT NOT NULL,
        reactions TEXT NOT NULL,
        is_edited INTEGER NOT NULL,
        is_deleted INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (chat_id, sequence)
    ) WITHOUT ROWID
    """,
    """
    CREATE UNIQUE INDEX messages_by_client_id ON messages (chat_id, sender, client_message_id)
        WHERE client_message_id IS NOT NULL
    """,
    """
    CREATE TABLE receipts (
        chat_id TEXT NOT NULL,
        sequence INTEGER NOT NULL,
        user_key TEXT NOT NULL,
        system TEXT NOT NULL,
        created_at INTEGER NOT NULL,  -- the message's, so that what waits for a user is ordered by one index
        delivered_at INTEGER,
        read_at INTEGER,
        PRIMARY KEY (chat_id, sequence, user_key),
        FOREIGN KEY (chat_id, sequence) REFERENCES messages (chat_id, sequence)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX receipts_unread ON receipts (chat_id, user_key, sequence) WHERE read_at IS NULL",
    """
    CREATE INDEX receipts_undelivered ON receipts (system, user_key, created_at, chat_id, sequence)
        WHERE delivered_at IS NULL
    """,
    """
    CREATE TABLE notifications (
        number INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of arrival
        id TEXT NOT NULL UNIQUE,
        system TEXT NOT NULL,
        user_key TEXT NOT NULL,
        kind TEXT NOT NULL,
        content TEXT NOT NULL,
        channel TEXT NOT NULL,
        priority INTEGER NOT NULL,
        status TEXT NOT NULL,
        delivered_at INTEGER,
        read_at INTEGER,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
    )
    """,
    "CREATE INDEX notifications_of_user ON notifications (system, user_key, number)",
    "CREATE INDEX notifications_unread ON notifications (system, user_key, number) WHERE read_at IS NULL",
    "CREATE INDEX notifications_undelivered ON notifications (system, user_key, number) WHERE delivered_at IS NULL",
    """
    CREATE TABLE reference_records (
        system TEXT NOT NULL,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        data TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (system, kind, key)
    ) WITHOUT ROWID
    """,
)

VERSION_2 = (
    """
    CREATE TABLE receipt_pages (
        chat_id TEXT NOT NULL,
        user_key TEXT NOT NULL,
        kind TEXT NOT NULL,
        page INTEGER NOT NULL,
        bits BLOB NOT NULL,
        PRIMARY KEY (chat_id, user_key, kind, page)
    ) WITHOUT ROWID
    """,
    "ALTER TABLE chat_members ADD COLUMN read_to INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE chat_members ADD COLUMN read_beyond INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE chat_members ADD COLUMN undelivered INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE chat_members ADD COLUMN delivered_to INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE chat_members ADD COLUMN delivered_beyond INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX chats_with_undelivered ON chat_members (system, user_key) WHERE undelivered > 0",
    "ALTER TABLE messages ADD COLUMN read_by TEXT",  # of a deleted message: who had read it
    "CREATE TABLE chats_of_version_1 (id TEXT NOT NULL PRIMARY KEY) WITHOUT ROWID",
    "INSERT INTO chats_of_version_1 SELECT id FROM chats",
)

SERVERS = """
    CREATE TABLE IF NOT EXISTS servers (
        id TEXT NOT NULL PRIMARY KEY,
        knows INTEGER NOT NULL,  -- the newest version that the server knows
        writes INTEGER NOT NULL,  -- the one that it writes
        beat_at INTEGER NOT NULL
    ) WITHOUT ROWID
"""
"""Of no version: it is there before a version is claimed."""


@final
@dataclass(frozen=True, slots=True)
class Migration:
    """What takes a database from one version to the next."""

    statements: tuple[str, ...]
    """Run in the transaction that claims the version, so they must not take long."""
    convert: Callable[[sqlite3.Connection], None] | None = None
    """Converts what was written before, in transactions of its own. Goes on where an earlier call was cut short, and
    does nothing once all is done."""


MIGRATIONS = (Migration(VERSION_1), Migration(VERSION_2, version_2.convert))
"""MIGRATIONS[n] takes a database from version n to n + 1."""

OLDEST = 2
"""The oldest version that the statements of this package can work with."""
