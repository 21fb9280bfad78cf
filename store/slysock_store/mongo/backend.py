"""The store on MongoDB: its operations, and how a database is opened."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import trio
from pymongo.errors import PyMongoError
from pymongo.monitoring import CommandListener

from slysock_store.engines import Engine, ThreadedEngine
from slysock_store.group_commit import MAX_WAITING_WRITES, Writer
from slysock_store.operations import Operations
from slysock_store.store import BackedStore, Store
from slysock_store.times import Clock

from . import changing, chats, messages, notifications, receipts, references, sending, users, waiting
from .committer import MongoCommitter
from .connection import Connection, connect, parse
from .failures import mapped
from .layout import Snapshot
from .readers import Readers
from .schema import prepare
from .transaction import Transaction

OPERATIONS: Operations[Transaction, Snapshot] = Operations(
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


def store_on(engine: Engine[Transaction, Snapshot]) -> Store:
    """Make a store on this engine."""
    return BackedStore[Transaction, Snapshot](engine, OPERATIONS)


@asynccontextmanager
async def open_database(
    url: str,
    *,
    clock: Clock,
    max_waiting_writes: int = MAX_WAITING_WRITES,
    listeners: Sequence[CommandListener] = (),
) -> AsyncGenerator[Store, None]:
    """Connect to a database, making its indexes and migrating it as needed; disconnect at the end.

    Args:
        url: `mongodb://…/DATABASE` or `mongodb+srv://…/DATABASE`, with the driver's options.
        clock: returns the times for records.
        max_waiting_writes: beyond that, a write is refused with `StoreBusy`.
        listeners: called for every command, for logs and tests.

    Raises:
        BadStoreUrl: the URL names no database, or one that cannot be used.
        SchemaTooNew: a newer version wrote the database.
        StoreUnavailable: the database cannot be reached.
    """
    connection = await trio.to_thread.run_sync(_open, url, listeners)
    writer = Writer(MongoCommitter(connection, clock=clock), max_waiting=max_waiting_writes)
    engine = ThreadedEngine(writer, Readers(connection))
    try:
        yield store_on(engine)
    finally:
        await engine.aclose()


def _open(url: str, listeners: Sequence[CommandListener]) -> Connection:
    connection = connect(parse(url), listeners)
    try:
        prepare(connection)
    except PyMongoError as error:
        connection.close()
        raise mapped(error, connection.where) from error
    except BaseException:
        connection.close()
        raise
    return connection
