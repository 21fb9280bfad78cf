"""The store on SQLite: its operations, and how a database is opened."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from sqlite3 import Connection, Error

import trio

from slysock_store.engines import Engine, ThreadedEngine
from slysock_store.group_commit import MAX_WAITING_WRITES, Writer
from slysock_store.operations import Operations
from slysock_store.store import BackedStore, Store
from slysock_store.times import Clock

from . import changing, chats, messages, notifications, receipts, references, sending, users, waiting
from .committer import SqliteCommitter
from .connection import connect, connect_writer, create_private_file, mapped, refuse_unfit
from .files import DatabaseFiles
from .memory import MemoryEngine
from .owner import owned
from .readers import Readers
from .schema import migrate
from .transaction import Transaction

OPERATIONS: Operations[Transaction, Connection] = Operations(
    users=users,
    chats=chats,
    messages=messages,
    sending=sending,
    changing=changing,
    receipts=receipts,
    notifications=notifications,
    references=references,
    waiting=waiting,
)


def store_on(engine: Engine[Transaction, Connection]) -> Store:
    """Make a store on this engine."""
    return BackedStore[Transaction, Connection](engine, OPERATIONS)


@asynccontextmanager
async def open_file(
    path: Path,
    *,
    clock: Clock,
    wait_seconds: float = 0.0,
    min_free_bytes: int = 0,
    max_waiting_writes: int = MAX_WAITING_WRITES,
) -> AsyncGenerator[Store, None]:
    """Own and open a database file; close it at the end.

    It is created as needed, readable by its owner only, and migrated.

    Raises:
        BadStoreUrl: the path cannot hold a database, or holds another program's.
        SchemaTooNew: a newer version wrote the database.
        StoreInUse: another process owns it, also after `wait_seconds`.
        StoreUnavailable: the database may not be opened or written, or is damaged.
    """
    where = f"the database {path}"
    refuse_unfit(path)
    path = path.absolute()  # readers connect later, and the working directory may change
    async with owned(path, where=where, wait_seconds=wait_seconds):
        connection = await trio.to_thread.run_sync(_open_connection, path)
        files = DatabaseFiles(path, where=where, min_free_bytes=min_free_bytes)
        committer = SqliteCommitter(connection, where=where, clock=clock, files=files)
        engine = ThreadedEngine(
            Writer(committer, max_waiting=max_waiting_writes), Readers(path, where=where, files=files)
        )
        try:
            yield store_on(engine)
        finally:
            await engine.aclose()


@asynccontextmanager
async def open_memory(*, clock: Clock) -> AsyncGenerator[Store, None]:
    """Open an empty database in memory; it is forgotten at the end."""
    where = "the database in memory"
    connection = _prepared(lambda: connect(":memory:"), where)
    engine = MemoryEngine(SqliteCommitter(connection, where=where, clock=clock), where=where)
    try:
        yield store_on(engine)
    finally:
        await engine.aclose()


def _open_connection(path: Path) -> Connection:
    create_private_file(path)
    return _prepared(lambda: connect_writer(path), f"the database {path}")


def _prepared(connector: Callable[[], Connection], where: str) -> Connection:
    """Connect and migrate; leave no connection behind when that fails."""
    try:
        connection = connector()
    except Error as error:
        raise mapped(error, where) from error
    try:
        migrate(connection, where)
    except Error as error:
        connection.close()
        raise mapped(error, where) from error
    except BaseException:
        connection.close()
        raise
    return connection
