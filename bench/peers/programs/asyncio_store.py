"""The store of slysock on asyncio, so that python-socketio has the same one: its operations, its transactions, its
group commit. Waiting is native to asyncio; no bridge between event loops slows it down."""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar, TypeVarTuple, final

from slysock_store import Store, StoreStatistics
from slysock_store.formats import Heartbeat
from slysock_store.group_commit import MAX_WRITES_PER_COMMIT, Write
from slysock_store.sqlite import store_on
from slysock_store.sqlite.committer import SqliteCommitter
from slysock_store.sqlite.connection import connect_reader, connect_writer, create_private_file
from slysock_store.sqlite.ledger import SqliteLedger
from slysock_store.sqlite.readers import MAX_READERS, read_within
from slysock_store.sqlite.transaction import Transaction
from slysock_store.times import system_clock

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

WHERE: Final = "the benchmark's database"


@final
class WaitingWrite(Write[Transaction, object]):
    """A write and the future that its task awaits."""

    __slots__ = ("future",)

    def __init__(self, operation: Callable[[Transaction], object], future: "asyncio.Future[None]") -> None:
        super().__init__(operation)
        self.future = future


@final
class AsyncioEngine:
    """One writer thread that makes transactions of what waits, and a pool of readers; ends with the process."""

    def __init__(self, path: Path) -> None:
        create_private_file(path)
        connection = connect_writer(path)
        Heartbeat(SqliteLedger(connection, where=WHERE, clock=system_clock)).beat()
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._committer = SqliteCommitter(connection, where=WHERE, clock=system_clock)
        self._queue: deque[WaitingWrite] = deque()  # guarded by _changed
        self._changed = threading.Condition()
        self._readers = ThreadPoolExecutor(MAX_READERS)
        self._connections = threading.local()
        threading.Thread(target=self._run, daemon=True).start()

    async def write(self, operation: Callable[[Transaction, *Ts], T], *args: *Ts) -> T:
        """Do a write and return its result when it is durable."""
        results: list[T] = []

        def keep(transaction: Transaction) -> None:
            results[:] = [operation(transaction, *args)]

        write = WaitingWrite(keep, self._loop.create_future())
        with self._changed:
            self._queue.append(write)
            self._changed.notify()
        await write.future
        write.outcome()
        return results[0]

    async def read(self, operation: Callable[[sqlite3.Connection, *Ts], T], *args: *Ts) -> T:
        """Do a read of all that was committed."""
        return await self._loop.run_in_executor(self._readers, lambda: self._read(operation, *args))

    def statistics(self) -> StoreStatistics:
        """Return the counters."""
        done = self._committer
        return StoreStatistics(
            waiting_writes=len(self._queue), writes=done.writes, commits=done.commits, busy_refusals=0
        )

    async def aclose(self) -> None:
        """Do nothing: the benchmark throws the database away."""

    def _read(self, operation: Callable[[sqlite3.Connection, *Ts], T], *args: *Ts) -> T:
        if not hasattr(self._connections, "one"):
            self._connections.one = connect_reader(self._path)
        return read_within(self._connections.one, WHERE, operation, *args)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue:
                    self._changed.wait()
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_WRITES_PER_COMMIT))]
            self._committer.commit(batch)
            self._loop.call_soon_threadsafe(_wake, batch)


def _wake(batch: list[WaitingWrite]) -> None:
    for write in batch:
        if not write.future.done():
            write.future.set_result(None)


def open_store(path: Path) -> Store:
    """Open the store in the loop that runs."""
    return store_on(AsyncioEngine(path))
