"""The store on SQLite: its operations, and how a database is opened."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from sqlite3 import Connection, Error

import trio

from slysock_store.engines import Engine, ThreadedEngine
from slysock_store.formats import Heartbeat, wait_readable
from slysock_store.group_commit import MAX_WAITING_WRITES, Writer
from slysock_store.operations import Operations
from slysock_store.store import BackedStore, Store
from slysock_store.times import Clock

from . import changing, chats, messages, notifications, receipts, references, sending, users
from .committer import SqliteCommitter
from .connection import connect, connect_writer, create_private_file, mapped
from .ledger import SqliteLedger
from .memory import MemoryEngine
from .readers import Readers
from .schema import OLDEST
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
)


def store_on(engine: Engine[Transaction, Connection]) -> Store:
    """Make a store on this engine."""
    return BackedStore[Transaction, Connection](engine, OPERATIONS)


@asynccontextmanager
async def open_file(
    path: Path, *, clock: Clock, max_waiting_writes: int = MAX_WAITING_WRITES
) -> AsyncGenerator[Store, None]:
    """Open a database file, creating it (readable by its owner only) and migrating it as needed; close it at the end.

    Raises:
        BadStoreUrl: the path cannot hold a database, or holds another program's.
        SchemaTooNew: a newer version has taken the database over.
        StoreUnavailable: the database may not be opened or written, or is damaged.
    """
    where = f"the database {path}"
    connection = await trio.to_thread.run_sync(_open_connection, path, where)
    heartbeat = Heartbeat(SqliteLedger(connection, where=where, clock=clock))
    try:
        await wait_readable(partial(trio.to_thread.run_sync, heartbeat.beat), oldest=OLDEST, where=where)
    except BaseException:
        heartbeat.leave()
        connection.close()
        raise
    committer = SqliteCommitter(connection, where=where, clock=clock)
    writer = Writer(committer, max_waiting=max_waiting_writes, heartbeat=heartbeat)
    engine = ThreadedEngine(writer, Readers(str(path), where=where))
    try:
        yield store_on(engine)
    finally:
        await engine.aclose()


@asynccontextmanager
async def open_memory(*, clock: Clock) -> AsyncGenerator[Store, None]:
    """Open an empty database in memory; it is forgotten at the end."""
    where = "the database in memory"
    connection = connect(":memory:")
    Heartbeat(SqliteLedger(connection, where=where, clock=clock)).beat()
    engine = MemoryEngine(SqliteCommitter(connection, where=where, clock=clock), where=where)
    try:
        yield store_on(engine)
    finally:
        await engine.aclose()


def _open_connection(path: Path, where: str) -> Connection:
    create_private_file(path)
    try:
        return connect_writer(str(path))
    except Error as error:
        raise mapped(error, where) from error
