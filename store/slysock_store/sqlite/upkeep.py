"""Copying and inspecting a database file, possibly while a server uses it: both only read, and need no lock of ours."""

import os
import secrets
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from slysock_store.auditing import CountedChat, Findings, Inspection
from slysock_store.errors import BadStoreUrl, StoreUnavailable

from .connection import connect_reader, create_private_file, mapped, primary_code, refuse_unfit
from .schema import refuse_unknown

SELECT_COUNTED_CHATS = """
    SELECT c.id, c.last_sequence, c.message_count, c.last_message_at, c.active_at, c.created_at,
        count(m.sequence), coalesce(sum(m.is_deleted = 0), 0), min(m.sequence), max(m.sequence),
        (SELECT n.created_at FROM messages AS n WHERE n.chat_id = c.id ORDER BY n.sequence DESC LIMIT 1)
    FROM chats AS c LEFT JOIN messages AS m ON m.chat_id = c.id GROUP BY c.id
"""
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def back_up(path: Path, target: Path) -> int:
    """Copy a database, with what is still in its log, into a new file; return the size of that in bytes.

    In one step, so that the copy is of one moment: in several, each commit would begin it anew. Nobody waits for it.
    The target appears whole or not at all, readable by its owner only.

    Raises:
        BadStoreUrl: there is no such database, or the target exists or cannot be.
        SchemaTooNew: a newer version wrote the database.
        StoreUnavailable: one of them cannot be read or written, or the database is damaged.
        StoreFull: the copy does not fit.
    """
    refuse_unfit(target)
    if target.exists():
        raise BadStoreUrl(f"{target} exists: name a file that does not")
    draft = target.with_name(f"{target.name}.{secrets.token_hex(8)}")
    with _reading(path) as source:
        try:
            create_private_file(draft)
            _copy(source, draft)
            _settle(draft, target)
        finally:
            draft.unlink(missing_ok=True)
    return target.stat().st_size


def _copy(source: sqlite3.Connection, draft: Path) -> None:
    try:
        with closing(sqlite3.connect(draft, isolation_level=None)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE").fetchall()  # one file, with nothing beside it
            found = copy.execute("PRAGMA quick_check(1)").fetchall()
    except sqlite3.Error as error:
        raise mapped(error, f"the copy {draft}") from error
    if found != [("ok",)]:
        raise StoreUnavailable("the database is damaged; slysock check says more")


def _settle(draft: Path, target: Path) -> None:
    try:
        with open(draft, "rb") as file:
            os.fsync(file.fileno())
        os.link(draft, target)  # unlike a rename, it replaces nothing
        descriptor = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreUnavailable(f"cannot make {target}: {error.strerror}") from error


def inspect(path: Path) -> Inspection:
    """Look for damage, and for what does not agree, in a database as it is at one moment.

    Raises:
        BadStoreUrl: there is no such database.
        SchemaTooNew: a newer version wrote it.
        StoreUnavailable: it cannot be read.
    """
    findings = Findings()
    try:
        with _reading(path) as connection:
            connection.execute("BEGIN")
            findings.add(_damage(connection))
            for row in connection.execute(SELECT_COUNTED_CHATS):
                findings.count(_counted(row))
    except StoreUnavailable as error:
        cause = error.__cause__
        if not isinstance(cause, sqlite3.Error) or primary_code(cause) not in DAMAGED:
            raise
        findings.add([str(cause)])
    return findings.result()


def _damage(connection: sqlite3.Connection) -> Iterator[str]:
    for (line,) in connection.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield str(line)
    for table, _, parent, _ in connection.execute("PRAGMA foreign_key_check"):
        yield f"a row of {table} belongs to nothing in {parent}"


CountedRow = tuple[str, int, int, int | None, int, int, int, int, int | None, int | None, int | None]


def _counted(row: CountedRow) -> CountedChat:
    chat_id, last_sequence, message_count, last_message_at, active_at, created_at = row[:6]
    messages, kept, first, last, newest_at = row[6:]
    return CountedChat(
        id=chat_id,
        last_sequence=last_sequence,
        message_count=message_count,
        last_message_at=last_message_at,
        active_at=active_at,
        created_at=created_at,
        messages=messages,
        kept=kept,
        first=first,
        last=last,
        newest_at=newest_at,
    )


@contextmanager
def _reading(path: Path) -> Generator[sqlite3.Connection, None, None]:
    """Open a database of ours for reading, with SQLite's errors mapped."""
    where = f"the database {path}"
    refuse_unfit(path)
    if not path.exists():
        raise BadStoreUrl(f"there is no database {path}")
    try:
        with closing(connect_reader(path)) as connection:
            refuse_unknown(connection, where)
            yield connection
    except sqlite3.Error as error:
        raise mapped(error, where) from error
