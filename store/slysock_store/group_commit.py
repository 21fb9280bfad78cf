"""Group commit: tasks hand their writes to one thread, which commits many in one transaction, and wait for the outcome.

A task appends its write to a bounded queue and sleeps. The thread takes all that wait, lets the backend's committer
carry them into the database as one transaction, and wakes their tasks with one call into the Trio loop; what arrives
meanwhile goes into the next one. This module knows no database: each backend says what a transaction is.
"""

import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Generic, Protocol, TypeVar, TypeVarTuple, final

import trio

from .errors import StoreBusy, StoreClosed, StoreError, StoreFull, StoreUnavailable
from .models import StoreFiles, StoreStatistics

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
T_co = TypeVar("T_co", covariant=True)
Tx = TypeVar("Tx")
Tx_co = TypeVar("Tx_co", covariant=True)
Tx_contra = TypeVar("Tx_contra", contravariant=True)

MAX_WAITING_WRITES = 10_000
"""Writes that may wait; beyond that, `StoreBusy`. Some seconds of work, and at 1 KB each about 10 MB."""

MAX_WRITES_PER_COMMIT = 1_000
"""Bounds how long the first of a burst waits for the last; far past the point where the commit's cost is shared."""

WRITE_DEADLINE_SECONDS = 30.0
"""The longest that a call waits for its commit, cancelled or not: several busy timeouts."""

TICK_SECONDS = 1.0
"""How precise that is: a call may give up this much earlier."""

REST_SECONDS = 2.0
"""How long the thread waits for a write before it lets the committer look after what it owns."""

CLOSE_DEADLINE_SECONDS = 60.0
"""How long closing waits for the thread to write what it was given; after that the disk hangs and we leave it."""


class Write(Generic[Tx_contra, T_co]):
    """One write and, once its transaction has ended, its outcome.

    `operation` is called within a transaction, and again if that one had to be given up; the outcome counts only after
    `Committer.commit`.

    Attributes:
        args: what the operation is called with besides the transaction, for a committer that reads ahead for several.
        error: the outcome in place of a result, if the write has failed.
    """

    __slots__ = ("_operation", "_result", "args", "error")

    def __init__(self, operation: Callable[[Tx_contra, *Ts], T_co], *args: *Ts) -> None:
        self._operation: Callable[[Tx_contra], T_co] = lambda tx: operation(tx, *args)
        self._result: tuple[T_co] | None = None
        self.args: tuple[object, ...] = args
        self.error: Exception | None = None

    def run(self, tx: Tx_contra) -> None:
        """Do the write and keep its result, replacing an earlier outcome; let its exception through."""
        self.error = None
        self._result = (self._operation(tx),)

    def fail(self, error: Exception) -> None:
        """Make this exception the outcome, replacing an earlier one."""
        self.error = error

    def outcome(self) -> T_co:
        """Return the result or raise the error. Call after the transaction has ended."""
        if self.error is not None:
            raise self.error
        if self._result is None:
            raise AssertionError("a write that was committed has run")
        return self._result[0]


def as_failed_transaction(told: Exception, *, outcome_unknown: bool) -> StoreError:
    """Return a new error for one of the writes whose transaction has failed.

    Args:
        told: why, in the store's words or as a bug.
        outcome_unknown: the transaction may have been committed all the same.
    """
    if isinstance(told, StoreFull) and not outcome_unknown:
        return StoreFull(str(told))
    return StoreUnavailable(str(told), outcome_unknown=outcome_unknown)


class Committer(Protocol[Tx_co]):
    """Carries writes into a database, many to a transaction. Owned by one thread at a time."""

    @property
    def writes(self) -> int:
        """Writes that were committed."""
        ...

    @property
    def commits(self) -> int:
        """Transactions that carried them."""
        ...

    @property
    def files(self) -> StoreFiles | None:
        """The files of the database, if they are on this machine."""
        ...

    def commit(self, writes: Sequence[Write[Tx_co, object]]) -> None:
        """Do the writes in one durable transaction; each has its outcome afterwards. Never raises."""
        ...

    def rest(self) -> None:
        """Look after what the committer owns, while nothing is to be written. Never raises."""
        ...

    def close(self) -> None:
        """Close what the committer owns."""
        ...


class WaitingWrite(Write[Tx_contra, T_co], Generic[Tx_contra, T_co]):
    """A write that a task waits for. Everything but the outcome belongs to the Trio thread.

    Attributes:
        task: who waits.
        is_done: the transaction has ended and the outcome may be taken.
    """

    __slots__ = ("is_done", "task")

    def __init__(self, operation: Callable[[Tx_contra, *Ts], T_co], *args: *Ts) -> None:
        super().__init__(operation, *args)
        self.task = trio.lowlevel.current_task()
        self.is_done = False


@final
class Writer(Generic[Tx]):
    """Owns the writer thread, its queue and, through the committer, its connection.

    Made in the Trio run that uses it.
    """

    def __init__(self, committer: Committer[Tx], *, max_waiting: int = MAX_WAITING_WRITES) -> None:
        self._committer = committer
        self._max_waiting = max_waiting
        self._queue: deque[WaitingWrite[Tx, object]] = deque()  # guarded by _lock
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._is_idle = False  # guarded by _lock: the thread waits to be told of a change
        self._is_closing = False  # guarded by _lock
        self._busy_refusals = 0
        self._undone: dict[WaitingWrite[Tx, object], float] = {}  # those that tasks wait for -> `_due` when they began
        self._due = math.inf  # until when one that begins to wait now does
        self._tick = trio.CancelScope()  # of the watch, which ends it to look again
        self._is_over = False
        self._token = trio.lowlevel.current_trio_token()
        trio.lowlevel.spawn_system_task(self._watch)
        # A daemon, so that a hanging disk cannot keep the process alive; `aclose` sees to an orderly end.
        self._thread = threading.Thread(target=self._run, name="slysock-store-writer", daemon=True)
        self._thread.start()

    async def write(self, operation: Callable[[Tx, *Ts], T], *args: *Ts) -> T:
        """Queue a write and wait until it is durable. See `store` for what cancellation does.

        Raises:
            StoreClosed: after `aclose`.
            StoreBusy: the queue is full.
            StoreUnavailable: the database failed, or the deadline passed.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        write = WaitingWrite(operation, *args)
        self._submit(write)
        self._expect(write)
        await trio.lowlevel.wait_task_rescheduled(_wait_on)
        if not write.is_done:
            raise StoreUnavailable("the write did not end in time", outcome_unknown=not self._withdraw(write))
        return write.outcome()

    def _submit(self, write: WaitingWrite[Tx, object]) -> None:
        with self._lock:
            if self._is_closing:
                raise StoreClosed("the store is closed")
            if len(self._queue) >= self._max_waiting:
                self._busy_refusals += 1
                raise StoreBusy(f"{len(self._queue)} writes are waiting")
            self._queue.append(write)
            if self._is_idle:
                self._wake_thread()

    def _wake_thread(self) -> None:
        """Wake the thread, once: until it has the lock, it sees whatever else is queued as well."""
        self._is_idle = False
        self._changed.notify()

    def _withdraw(self, write: WaitingWrite[Tx, object]) -> bool:
        """Take a write back; False if it has been taken into a transaction."""
        with self._lock:
            if write not in self._queue:
                return False
            self._queue.remove(write)
            return True

    # How long tasks wait. One task watches over all of them, second by second: a cancel scope for each write, and to
    # read the clock for each, cost more than all else that is done for it here.

    def _expect(self, write: WaitingWrite[Tx, object]) -> None:
        if not self._undone:
            self._look_again()
        self._undone[write] = self._due

    def _look_again(self) -> None:
        now = trio.current_time()
        self._due = now + WRITE_DEADLINE_SECONDS
        self._tick.deadline = now + TICK_SECONDS

    def _wake(self, batch: Sequence[WaitingWrite[Tx, object]]) -> None:
        """Wake the tasks whose transaction has ended; one that has given up is no longer waiting."""
        for write in batch:
            write.is_done = True
            if self._undone.pop(write, None) is not None:
                trio.lowlevel.reschedule(write.task)
        if not self._undone:
            self._tick.deadline = math.inf

    async def _watch(self) -> None:
        """Wake the tasks that have waited too long, without a result. A system task: it ends with the Trio run."""
        while not self._is_over:
            with self._tick:
                await trio.sleep_forever()
            self._tick = trio.CancelScope()
            now = trio.current_time()
            for write in [write for write, due in self._undone.items() if due <= now]:
                del self._undone[write]
                trio.lowlevel.reschedule(write.task)
            if self._undone:
                self._look_again()

    def statistics(self) -> StoreStatistics:
        """Return the counters."""
        return StoreStatistics(
            waiting_writes=len(self._queue),
            writes=self._committer.writes,
            commits=self._committer.commits,
            busy_refusals=self._busy_refusals,
            files=self._committer.files,
        )

    async def aclose(self) -> None:
        """Refuse new writes, let the thread finish those that are queued, and wait for it, cancelled or not."""
        with self._lock:
            self._is_closing = True
            self._wake_thread()
        with trio.CancelScope(shield=True):
            # Bounded by join's own timeout.
            await trio.to_thread.run_sync(self._thread.join, CLOSE_DEADLINE_SECONDS)
        self._is_over = True
        self._tick.cancel()

    # What follows runs in the writer thread.

    def _run(self) -> None:
        while (batch := self._wait_batch()) is not None:
            if not batch:
                self._committer.rest()
                continue
            self._committer.commit(batch)
            with suppress(trio.RunFinishedError):  # nobody is left to wake
                self._token.run_sync_soon(self._wake, batch)
        self._committer.close()

    def _wait_batch(self) -> Sequence[WaitingWrite[Tx, object]] | None:
        """Wait for writes and take them; empty if none came for a while, None if the store closes and none is left."""
        with self._lock:
            if not self._queue and not self._is_closing:
                self._is_idle = True
                self._changed.wait(REST_SECONDS)
            self._is_idle = False
            if not self._queue and self._is_closing:
                return None
            size = min(len(self._queue), MAX_WRITES_PER_COMMIT)
            return [self._queue.popleft() for _ in range(size)]


def _wait_on(_: trio.lowlevel.RaiseCancelT) -> trio.lowlevel.Abort:
    """Refuse to be cancelled: what was queued is done, and its caller gets the outcome."""
    return trio.lowlevel.Abort.FAILED
