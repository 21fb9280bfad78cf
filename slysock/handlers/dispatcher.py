"""Runs the handlers of one client that may wait: in order, or a bounded number at a time.

A worker is a task that lives while there is work; an idle client has none. Workers run in a nursery that outlives the
client's connection, under a scope of their own: what has arrived is handled, and what may not go on is cancelled alone.
"""

import logging
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeAlias, final

import trio

from slysock.handlers.blocking import OnBlock, timed

logger = logging.getLogger("slysock")

Routine: TypeAlias = Coroutine[object, object, None]


class Job(Protocol):
    """What a worker runs: an invocation, or a step of a client's life."""

    @property
    def name(self) -> str:
        """What it is for, for the log."""
        ...

    @property
    def until_disconnect(self) -> bool:
        """Whether it is of no use once its client has left."""
        ...

    @property
    def times_itself(self) -> bool:
        """Whether it tells itself which part of it has kept the event loop."""
        ...

    def run(self) -> Routine:
        """Run; exceptions are its own to handle."""
        ...


@final
@dataclass(frozen=True, slots=True)
class Step:
    """A step of a client's life, as a job: it comes to its end, also when the client has left."""

    name: str
    run: Callable[[], Routine]
    until_disconnect: bool = False
    times_itself: bool = True  # hooks are timed one by one


@final
class Dispatcher:
    """A queue of jobs and up to `limit` workers.

    Bounds: none of its own; whoever submits stops reading from the client when `waiting` grows.

    Args:
        nursery: where the workers run.
        limit: how many there may be.
        on_done: called with the size of each job that has ended or was forgotten.
        on_block: called with the name of a job that kept the event loop for so many seconds.
    """

    __slots__ = ("_idle", "_jobs", "_limit", "_nursery", "_on_block", "_on_done", "_running", "_workers")

    def __init__(
        self,
        nursery: trio.Nursery,
        limit: int,
        on_done: Callable[[int], None],
        on_block: OnBlock,
    ) -> None:
        self._nursery = nursery
        self._limit = limit
        self._on_done = on_done
        self._on_block = on_block
        self._jobs: deque[tuple[Job, int, Context]] = deque()  # (job, size, context variables of its arrival)
        self._running: dict[trio.CancelScope, Job] = {}  # a worker's scope -> what it is at
        self._workers = 0
        self._idle: trio.Event | None = None  # set when the last worker ends

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits."""
        return not self._workers

    @property
    def full(self) -> bool:
        """Whether what is submitted now has to wait."""
        return self._workers >= self._limit

    @property
    def unfinished(self) -> list[str]:
        """The names of what runs and of what waits, in order."""
        return [job.name for job in (*self._running.values(), *(entry[0] for entry in self._jobs))]

    def submit(self, job: Job, size: int) -> None:
        """Run a job when its turn comes. It handles its own exceptions; one that escapes is logged."""
        self._jobs.append((job, size, copy_context()))
        if self._workers < self._limit:
            self._start_worker()

    def _start_worker(self) -> None:
        self._workers += 1
        self._nursery.start_soon(self._work)

    async def _work(self) -> None:
        scope = trio.CancelScope()
        try:
            with scope:
                while self._jobs and not scope.cancel_called:
                    job, size, context = self._jobs.popleft()
                    self._running[scope] = job
                    try:
                        on_block = _ignore if job.times_itself else partial(self._on_block, job.name)
                        # Context variables of its own: one worker serves many events without one seeing what another
                        # has set, and without a task for each.
                        await timed(job.run(), on_block, context)
                    finally:
                        self._on_done(size)
        except Exception:  # the boundary of a client's work: what else runs in the nursery goes on
            logger.exception("a handler failed while it was cancelled")
        finally:
            self._running.pop(scope, None)
            self._workers -= 1
            if self._jobs and scope.cancel_called:  # one job was cancelled; those behind it are still to be run
                self._start_worker()
            elif self._idle is not None and not self._workers:
                self._idle.set()
                self._idle = None

    async def wait_idle(self) -> None:
        """Wait until nothing runs or waits."""
        while self._workers:
            if self._idle is None:  # one for all who wait
                self._idle = trio.Event()
            await self._idle.wait()

    def leave(self) -> None:
        """Cancel or drop what is of no use without the client; the rest goes on."""
        entries, self._jobs = self._jobs, deque()
        for entry in entries:
            if entry[0].until_disconnect:
                self._on_done(entry[1])
            else:
                self._jobs.append(entry)
        for scope, job in self._running.items():
            if job.until_disconnect:
                scope.cancel()

    def stop(self) -> None:
        """Cancel what runs and forget what waits. Nothing may be submitted afterwards."""
        while self._jobs:
            self._on_done(self._jobs.popleft()[1])
        for scope in self._running:
            scope.cancel()


def _ignore(_: float) -> None:
    """Tell nobody: it has been told."""
