"""How operations on a database in memory are run: at once."""

import sqlite3
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple, final

import trio

from slysock_store.errors import StoreClosed
from slysock_store.group_commit import Write
from slysock_store.models import StoreStatistics

from .committer import SqliteCommitter
from .readers import read_within
from .transaction import Transaction

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@final
class MemoryEngine:
    """A database in memory. It never blocks, so everything runs in the calling task.

    Hence there are no threads, and tests under a mock clock that jumps are exact.
    """

    def __init__(self, committer: SqliteCommitter, *, where: str) -> None:
        self._committer = committer
        self._where = where
        self._is_closed = False

    async def write(self, operation: Callable[[Transaction, *Ts], T], *args: *Ts) -> T:
        """Do a write; as with a file, the only checkpoint is before it."""
        await trio.lowlevel.checkpoint()
        self._refuse_closed()
        write = Write(operation, *args)
        self._committer.commit([write])
        return write.outcome()

    async def read(self, operation: Callable[[sqlite3.Connection, *Ts], T], *args: *Ts) -> T:
        """Do a read."""
        await trio.lowlevel.checkpoint()
        self._refuse_closed()
        return read_within(self._committer.connection, self._where, operation, *args)

    def statistics(self) -> StoreStatistics:
        """Return the counters; nothing ever waits."""
        committer = self._committer
        return StoreStatistics(waiting_writes=0, writes=committer.writes, commits=committer.commits, busy_refusals=0)

    async def aclose(self) -> None:
        """Close the database; what it held is gone."""
        self._is_closed = True
        self._committer.close()
        await trio.lowlevel.cancel_shielded_checkpoint()

    def _refuse_closed(self) -> None:
        if self._is_closed:
            raise StoreClosed("the store is closed")
