"""Connections to SQLite, and the one place where its errors become ours."""

import os
import sqlite3
from pathlib import Path

from slysock_store.errors import BadStoreUrl, BadValue, StoreError, StoreFull, StoreUnavailable

BUSY_TIMEOUT_MILLISECONDS = 5_000
"""How long a statement waits for a lock that another process holds: a backup or a shell, for example."""

CACHED_STATEMENTS = 256
"""More than there are statements in this package, so each is compiled once per connection."""

CHECKPOINT_PAGES = 4_000
"""Pages in the log before they are written back into the database; a log of 16 MB. A page that many messages change is
written back once for all of them: at SQLite's default of 1000 pages a message costs a tenth more."""

LOG_BYTES = 33_554_432
"""What the log is cut down to when it begins anew. Twice the size at which it is written back: readers hold that up."""

WRITER_CACHE_KIBIBYTES = 16_000
"""The most memory for pages that the writer caches. Each chat that is written to has three pages of its own, which at
SQLite's default of 2 MB are read again for each message as soon as some two hundred chats are busy."""

PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}",
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = FULL",  # a commit is on the disk when it returns, also in WAL mode
    "PRAGMA trusted_schema = OFF",
)

# Primary result code -> what to tell the operator, after the name of the database. https://www.sqlite.org/rescode.html
WORLD_FAILURES = {
    sqlite3.SQLITE_PERM: "may not be accessed",
    sqlite3.SQLITE_BUSY: "is locked by another process",
    sqlite3.SQLITE_LOCKED: "is locked",
    sqlite3.SQLITE_NOMEM: "needs more memory than there is",
    sqlite3.SQLITE_READONLY: "is read-only",
    sqlite3.SQLITE_INTERRUPT: "did not answer in time",
    sqlite3.SQLITE_IOERR: "cannot be read or written (I/O error)",
    sqlite3.SQLITE_CORRUPT: "is damaged",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened",
    sqlite3.SQLITE_PROTOCOL: "is locked",
    sqlite3.SQLITE_AUTH: "may not be accessed",
    sqlite3.SQLITE_NOLFS: "cannot grow (file system limit)",
    sqlite3.SQLITE_NOTADB: "is not a database",
}


def refuse_unfit(path: Path) -> None:
    """Refuse a path at which no database can be.

    Raises:
        BadStoreUrl: its directory does not exist, or it names a directory.
    """
    if os.path.isdir(path):  # unlike Path.is_dir, no exception for a name that is too long
        raise BadStoreUrl(f"{path} is a directory, not a database")
    if not os.path.isdir(path.parent):
        raise BadStoreUrl(f"cannot create {path}: there is no directory {path.parent}")


def create_private_file(path: Path) -> None:
    """Create the database file, readable by its owner only, unless it exists.

    SQLite gives its -wal and -shm files the same mode. An existing file keeps the mode that somebody chose for it.

    Raises:
        StoreUnavailable: the file may not be created or written.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreUnavailable(f"cannot open {path}: {error.strerror}") from error


def connect(database: str, *more_pragmas: str) -> sqlite3.Connection:
    """Open a connection that leaves transactions to us. The caller closes it; one thread at a time may use it.

    Args:
        database: `:memory:`, or a `file:` URI.
        more_pragmas: statements for this connection.

    Raises:
        sqlite3.Error: the database failed, or the file is not one.
    """
    connection = sqlite3.connect(
        database, isolation_level=None, check_same_thread=False, cached_statements=CACHED_STATEMENTS, uri=True
    )
    try:
        for pragma in (*PRAGMAS, *more_pragmas):
            connection.execute(pragma).fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def connect_writer(path: Path) -> sqlite3.Connection:
    """Open a connection to a file for the writer: as `connect`, in WAL mode, so that readers never wait for it."""
    return connect(
        _existing(path),
        "PRAGMA journal_mode = WAL",
        f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}",
        f"PRAGMA journal_size_limit = {LOG_BYTES}",
        f"PRAGMA cache_size = -{WRITER_CACHE_KIBIBYTES}",
    )


def connect_reader(path: Path) -> sqlite3.Connection:
    """Open a connection to a file that cannot write."""
    return connect(_existing(path), "PRAGMA query_only = ON")


def _existing(path: Path) -> str:
    """Return the URI of a file that SQLite must not make: it has been there, and an empty one would pass for it.

    Not read-only: a reader, too, has to lock the file and to map the log's index.
    """
    return f"{path.absolute().as_uri()}?mode=rw"


def mapped(error: Exception, where: str) -> Exception:
    """Return the store's error for one of SQLite's or of binding a value; anything else is a bug, returned as it is.

    The caller raises the error `from` the original.
    """
    if isinstance(error, StoreError):
        return error
    if isinstance(error, sqlite3.Error):
        return _mapped_sqlite(error, where)
    if isinstance(error, UnicodeError | OverflowError):
        return BadValue(f"a value cannot be stored: {error}")
    return error


def _mapped_sqlite(error: sqlite3.Error, where: str) -> StoreError:
    code = primary_code(error)
    if code in {None, sqlite3.SQLITE_TOOBIG}:
        return BadValue(f"a value cannot be stored: {error}")
    if code == sqlite3.SQLITE_FULL:
        return StoreFull(f"{where} cannot grow (disk full)")
    if code in WORLD_FAILURES:
        return StoreUnavailable(f"{where} {WORLD_FAILURES[code]}")
    return StoreError(f"{where} refused a statement: {error}")


def primary_code(error: sqlite3.Error) -> int | None:
    """Return SQLite's primary result code; None if the module itself raised, for a value that it cannot bind."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
