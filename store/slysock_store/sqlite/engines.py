"""How the backend runs its operations: through threads for a file, at once for memory."""

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar, final

import trio

from slysock_store.errors import StoreClosed
from slysock_store.group_commit import Write, Writer
from slysock_store.models import StoreStatistics

from .committer import SqliteCommitter
from .readers import Readers, read_within
from .transaction import Transaction

T = TypeVar("T")


class Engine(Protocol):
    """Runs operations on a database."""

    def write(self, operation: Callable[[Transaction], T]) -> Awaitable[T]:
        """Do a write and return, when awaited, as soon as it is durable."""
        ...

    def read(self, operation: Callable[[sqlite3.Connection], T]) -> Awaitable[T]:
        """Do a read of all that was committed."""
        ...

    def statistics(self) -> StoreStatistics:
        """Give the counters."""
        ...

    async def aclose(self) -> None:
        """Finish what was handed in and close the database."""
        ...


@final
class FileEngine:
    """One writer thread and a pool of readers over one file.

    Reads and writes are handed on as they are, not awaited: each coroutine between a task and what it waits for is
    walked through whenever the task goes on.
    """

    def __init__(self, writer: Writer[Transaction], readers: Readers) -> None:
        self._writer = writer
        self._readers = readers

    def write(self, operation: Callable[[Transaction], T]) -> Awaitable[T]:
        """See `Writer.write`."""
        return self._writer.write(operation)

    def read(self, operation: Callable[[sqlite3.Connection], T]) -> Awaitable[T]:
        """See `Readers.read`."""
        return self._readers.read(operation)

    def statistics(self) -> StoreStatistics:
        """See `Writer.statistics`."""
        return self._writer.statistics()

    async def aclose(self) -> None:
        """Close readers first, so that the writer's connection is the last and writes the log back."""
        await self._readers.aclose()
        await self._writer.aclose()


@final
class MemoryEngine:
    """A database in memory. Nothing of it ever blocks, so everything runs in the calling task.

    Hence no threads, and tests under a mock clock that jumps are exact.
    """

    def __init__(self, committer: SqliteCommitter, *, where: str) -> None:
        self._committer = committer
        self._where = where
        self._is_closed = False

    async def write(self, operation: Callable[[Transaction], T]) -> T:
        """Do a write; as with a file, the only checkpoint is before it."""
        await trio.lowlevel.checkpoint()
        self._refuse_closed()
        write = Write(operation)
        self._committer.commit([write])
        return write.outcome()

    async def read(self, operation: Callable[[sqlite3.Connection], T]) -> T:
        """Do a read."""
        await trio.lowlevel.checkpoint()
        self._refuse_closed()
        return read_within(self._committer.connection, operation, self._where)

    def statistics(self) -> StoreStatistics:
        """Give the counters; nothing ever waits."""
        committer = self._committer
        return StoreStatistics(waiting_writes=0, writes=committer.writes, commits=committer.commits, busy_refusals=0)

    async def aclose(self) -> None:
        """Close the database, which forgets it."""
        self._is_closed = True
        self._committer.close()
        await trio.lowlevel.cancel_shielded_checkpoint()

    def _refuse_closed(self) -> None:
        if self._is_closed:
            raise StoreClosed("the store is closed")
