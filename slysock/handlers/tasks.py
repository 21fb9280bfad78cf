"""Nurseries that a stopping server waits for, but no longer than it has time for.

What runs for a client may outlive its connection, because what has arrived is handled; and a handler may shield itself
from its end. So such tasks are no children of the task that serves: they live in a nursery of their own, in a system
task, and whoever serves waits for them until a deadline.
"""

import logging
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, final

import trio

logger = logging.getLogger("slysock")

_LAST_SECONDS: Final = 0.2  # of a stop: for what is cancelled to end


@final
class Tasks:
    """One such nursery.

    Args:
        kind: what runs in it, for the log.
        cleanup_seconds: how long a clean-up may take.
    """

    def __init__(self, kind: str, cleanup_seconds: float) -> None:
        self._kind = kind
        self._cleanup_seconds = cleanup_seconds
        self._nursery: trio.Nursery | None = None
        self._stop_by = math.inf
        self._closing = trio.Event()
        self._ended = trio.Event()
        self._failed = trio.Event()
        self._failure: BaseExceptionGroup[BaseException] | None = None  # the first one, until it is raised
        self._lingering: dict[trio.CancelScope, None] = {}  # around each wait for what may go on for a while
        self._all_gone: trio.Event | None = None

    @property
    def nursery(self) -> trio.Nursery:
        """Where tasks are started; another one after a failure. Only inside `running`."""
        assert self._nursery is not None
        return self._nursery

    # -- its life ----------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Take tasks. Leaving it waits for them until the deadline of `begin_stop`; by an exception, cancels them.

        Raises:
            RuntimeError: it has run already.
        """
        if self._nursery is not None:
            raise RuntimeError("a server serves once; make another one")
        ready = trio.Event()
        trio.lowlevel.spawn_system_task(self._host, ready)
        with trio.CancelScope(
            shield=True
        ):  # for a turn: the host is not to be left behind by one who is cancelled here
            await ready.wait()
        try:
            async with trio.open_nursery() as watching:
                watching.start_soon(self._watch)
                yield
                self._closing.set()
                with trio.move_on_at(self._stop_by - _LAST_SECONDS):
                    await self._ended.wait()
                watching.cancel_scope.cancel()
        finally:
            await self._end()  # noqa: ASYNC102 - it shields itself, with a deadline

    async def _host(self, ready: trio.Event) -> None:
        try:
            await self._keep_open(ready)
            while not self._closing.is_set():  # it has failed: what is owed to clients needs a place all the same
                await self._keep_open(ready)
        finally:
            self._ended.set()

    async def _keep_open(self, ready: trio.Event) -> None:
        try:
            async with trio.open_nursery() as self._nursery:
                ready.set()
                await self._closing.wait()
        except BaseExceptionGroup as group:  # what ends a program ends it from where it serves, not from here
            cancelled, failure = group.split(trio.Cancelled)
            self._failure = self._failure or failure
            self._failed.set()
            if cancelled is not None:
                raise cancelled from None

    async def _watch(self) -> None:
        """Raise what a task has raised, where the server is served."""
        await self._failed.wait()
        self._raise_failure()

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    async def _end(self) -> None:
        """Cancel what is left, and give it a moment."""
        self._closing.set()
        if not self._ended.is_set():
            self.nursery.cancel_scope.cancel()
            with trio.move_on_at(min(self._stop_by, trio.current_time() + self._cleanup_seconds), shield=True):
                await self._ended.wait()
        if not self._ended.is_set():
            logger.error("%s that shield themselves from their end go on after the server has stopped", self._kind)
        self._raise_failure()

    def begin_stop(self, deadline: float, cleanup_seconds: float) -> None:
        """Be done by a time of `trio.current_time()`, with less time for each clean-up."""
        self._stop_by = deadline
        self._cleanup_seconds = cleanup_seconds

    # -- what clients leave behind -------------------------------------------------------------------------------------

    def clean_up(self, routine: Callable[[], Awaitable[None]]) -> None:
        """Run something that is owed, whoever stops meanwhile: shielded and bounded."""
        self.nursery.start_soon(self._clean_up, routine)

    async def _clean_up(self, routine: Callable[[], Awaitable[None]]) -> None:
        scope = trio.CancelScope(deadline=trio.current_time() + self._cleanup_seconds, shield=True)
        try:
            with scope:
                await routine()
        except Exception:  # the boundary of one clean-up: one that failed while `scope` cut it short
            logger.exception("what a client left behind failed")
        if scope.cancelled_caught:
            logger.warning("what a client left behind did not end in %s s", self._cleanup_seconds)

    @property
    def lingering(self) -> int:
        """How many clients have left while something of theirs is still being handled."""
        return len(self._lingering)

    def begin_lingering(self, seconds: float) -> trio.CancelScope:
        """Count something that may go on for so long; `linger` must follow, also later."""
        scope = trio.CancelScope(deadline=trio.current_time() + seconds)
        self._lingering[scope] = None
        return scope

    async def linger(self, scope: trio.CancelScope, wait: Callable[[], Awaitable[None]]) -> bool:
        """Wait for it; a stopping server cuts it short. Tell if the time was up."""
        try:
            with scope:
                await wait()
        finally:
            del self._lingering[scope]
            if self._all_gone is not None and not self._lingering:
                self._all_gone.set()
        return scope.cancelled_caught and trio.current_time() >= scope.deadline

    async def wait_lingering(self) -> None:
        """Wait until nothing lingers."""
        if self._lingering:
            self._all_gone = trio.Event()
            await self._all_gone.wait()

    def cut(self) -> None:
        """End all that lingers now."""
        for scope in list(self._lingering):
            scope.cancel()
