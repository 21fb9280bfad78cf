"""Runs the handlers of one client that may wait: in order, or a bounded number at a time.

A worker is a task that lives while there is work; an idle client has none. Workers run in the client's nursery, under a
scope of their own, so that they end with the client even where others of the same connection go on.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeAlias, final

import trio

logger = logging.getLogger("slysock")

Job: TypeAlias = Callable[[], Awaitable[None]]


@final
class Dispatcher:
    """A queue of jobs and up to `limit` workers.

    Bounds: none of its own; whoever submits stops reading from the client when `waiting` grows.
    """

    __slots__ = ("_idle", "_jobs", "_limit", "_nursery", "_on_done", "_scopes", "_workers")

    def __init__(self, nursery: trio.Nursery, limit: int, on_done: Callable[[int], None]) -> None:
        self._nursery = nursery
        self._limit = limit
        self._on_done = on_done  # called with the size of each job that has ended or was forgotten
        self._jobs: deque[tuple[Job, int]] = deque()  # (job, size)
        self._scopes: set[trio.CancelScope] = set()
        self._workers = 0
        self._idle: trio.Event | None = None  # set when the last worker ends

    @property
    def idle(self) -> bool:
        """Whether nothing runs or waits."""
        return not self._workers

    def submit(self, job: Job, size: int) -> None:
        """Run a job when its turn comes. It handles its own exceptions; one that escapes is logged."""
        self._jobs.append((job, size))
        if self._workers < self._limit:
            self._workers += 1
            self._nursery.start_soon(self._work)

    async def _work(self) -> None:
        try:
            with trio.CancelScope() as scope:
                self._scopes.add(scope)
                try:
                    while self._jobs:
                        job, size = self._jobs.popleft()
                        try:
                            await job()
                        finally:
                            self._on_done(size)
                finally:
                    self._scopes.discard(scope)
        except Exception:  # the boundary of a client's work: what else runs in the nursery goes on
            logger.exception("a handler failed while it was cancelled")
        finally:
            self._workers -= 1
            if self._idle is not None and not self._workers:
                self._idle.set()
                self._idle = None

    async def wait_idle(self) -> None:
        """Wait until nothing runs or waits."""
        while self._workers:
            if self._idle is None:  # one for all who wait
                self._idle = trio.Event()
            await self._idle.wait()

    def stop(self) -> None:
        """Cancel what runs and forget what waits. Nothing may be submitted afterwards."""
        while self._jobs:
            self._on_done(self._jobs.popleft()[1])
        for scope in self._scopes:
            scope.cancel()
