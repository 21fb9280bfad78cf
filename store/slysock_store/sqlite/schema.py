"""The tables, the schema's versions, and how a database is migrated to the newest.

A migration is never changed once released: a new version is a new entry of `MIGRATIONS`. Versions are recorded in
`PRAGMA user_version`, whose change is part of the transaction like any other.

Times are milliseconds since 1970, structured values JSON text, flags 0 or 1. `receipts` has one row per message and
member other than its sender, so an index finds what is unread or undelivered; `chat_members.unread` counts the rows
without `read_at`, and changes in the same transaction. No STRICT and no RETURNING: the Pythons of some distributions
still come with an SQLite older than these.
"""

import sqlite3

from slysock_store.errors import BadStoreUrl, SchemaTooNew

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

MIGRATIONS: tuple[tuple[str, ...], ...] = (VERSION_1,)
"""MIGRATIONS[n] takes a database from version n to n + 1."""


def migrate(connection: sqlite3.Connection, where: str, migrations: tuple[tuple[str, ...], ...] = MIGRATIONS) -> None:
    """Bring the database to the newest version in one transaction; do nothing if it has it.

    Raises:
        SchemaTooNew: a newer version wrote it.
        BadStoreUrl: it is another program's database.
        sqlite3.Error: the database failed and is unchanged.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        _migrate_within(connection, where, migrations)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def refuse_unknown(connection: sqlite3.Connection, where: str) -> None:
    """Refuse a database that is not ours, or one of a newer version.

    Raises:
        SchemaTooNew, BadStoreUrl, sqlite3.Error: as `migrate`.
    """
    if _pragma(connection, "PRAGMA application_id") != APPLICATION_ID:
        raise BadStoreUrl(f"{where} is not one of slysock")
    version = _pragma(connection, "PRAGMA user_version")
    if version > len(MIGRATIONS):
        raise SchemaTooNew(where=where, found=version, supported=len(MIGRATIONS))


def _migrate_within(connection: sqlite3.Connection, where: str, migrations: tuple[tuple[str, ...], ...]) -> None:
    version = _pragma(connection, "PRAGMA user_version")
    _refuse_foreign(connection, where)
    if version > len(migrations):
        raise SchemaTooNew(where=where, found=version, supported=len(migrations))
    for migration in migrations[version:]:
        for statement in migration:
            connection.execute(statement)
    if version < len(migrations):
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _refuse_foreign(connection: sqlite3.Connection, where: str) -> None:
    if _pragma(connection, "PRAGMA application_id") == APPLICATION_ID:
        return
    if _pragma(connection, "SELECT count(*) FROM sqlite_master") > 0:
        raise BadStoreUrl(f"{where} is the database of another program")


def _pragma(connection: sqlite3.Connection, statement: str) -> int:
    row: tuple[int] = connection.execute(statement).fetchone()
    return row[0]
