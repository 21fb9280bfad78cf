"""What carries operations to a database and their outcomes back: the seam between a store and its backend."""

from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar, TypeVarTuple, final

from .group_commit import Writer
from .models import StoreStatistics

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
Tx = TypeVar("Tx")
Tx_co = TypeVar("Tx_co", covariant=True)
Snapshot = TypeVar("Snapshot")
Snapshot_co = TypeVar("Snapshot_co", covariant=True)


class Engine(Protocol[Tx_co, Snapshot_co]):
    """Runs operations on a database."""

    def write(self, operation: Callable[[Tx_co, *Ts], T], *args: *Ts) -> Awaitable[T]:
        """Do a write; the awaitable returns its result as soon as it is durable."""
        ...

    def read(self, operation: Callable[[Snapshot_co, *Ts], T], *args: *Ts) -> Awaitable[T]:
        """Do a read of all that was committed."""
        ...

    def statistics(self) -> StoreStatistics:
        """Return the counters."""
        ...

    async def aclose(self) -> None:
        """Finish the operations that were accepted and close the database."""
        ...


class Readers(Protocol[Snapshot_co]):
    """Runs reads in worker threads."""

    def read(self, operation: Callable[[Snapshot_co, *Ts], T], *args: *Ts) -> Awaitable[T]:
        """Do a read of all that was committed."""
        ...

    async def aclose(self) -> None:
        """Refuse new reads and wait for those that are under way."""
        ...


@final
class ThreadedEngine(Generic[Tx, Snapshot]):
    """One writer thread and a pool of readers over one database; owns both.

    Reads and writes are passed on as awaitables, not awaited here: each coroutine between a task and what it waits for
    is walked through whenever the task resumes.
    """

    def __init__(self, writer: Writer[Tx], readers: Readers[Snapshot]) -> None:
        self._writer = writer
        self._readers = readers

    def write(self, operation: Callable[[Tx, *Ts], T], *args: *Ts) -> Awaitable[T]:
        """See `Writer.write`."""
        return self._writer.write(operation, *args)

    def read(self, operation: Callable[[Snapshot, *Ts], T], *args: *Ts) -> Awaitable[T]:
        """See `Readers.read`."""
        return self._readers.read(operation, *args)

    def statistics(self) -> StoreStatistics:
        """See `Writer.statistics`."""
        return self._writer.statistics()

    async def aclose(self) -> None:
        """Close the readers first: the writer's connection is then SQLite's last, which writes the log back."""
        await self._readers.aclose()
        await self._writer.aclose()
