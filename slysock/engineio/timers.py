"""All deadlines of a server in one queue, and one task that keeps them: heartbeats, upgrades, connects, last words.

A timer costs an entry in a heap, not a task. Cancelled ones stay there, holding nothing, until they are due or until
they are most of it: a server whose clients come and go would otherwise carry 45 seconds of them.

Deadlines are kept by a time of our own, which does not pass while the event loop stands still: the process is stopped,
the machine sleeps, a handler blocks. Nobody could be heard meanwhile, so that a silence of ours is held against no one.
The task wakes each second to tell; being late by a tenth of a second is a busy loop's normal life, and counts. Trio's
own deadlines know nothing of this: what a peer is given time for is under `limit`.
"""

import heapq
import itertools
import logging
import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final, final

import trio

from slysock.engineio.lag import Lag

logger = logging.getLogger("slysock")


_SPARE: Final = 256  # cancelled timers that are not worth a clean-up
_TICK_SECONDS: Final = 1.0  # between two looks at whether the loop still runs
_STANDSTILL_SECONDS: Final = 0.1  # what the task is late by beyond this is none of the deadlines' time


@final
class Timer:
    """A call that is due at a time; `cancel` makes it nothing."""

    __slots__ = ("_on_cancel", "call")

    def __init__(self, call: Callable[[], object], on_cancel: Callable[[], None]) -> None:
        self.call: Callable[[], object] | None = call
        self._on_cancel = on_cancel

    def cancel(self) -> None:
        """Do not make the call. Harmless when it has been made."""
        if self.call is not None:
            self.call = None
            self._on_cancel()


@final
class Timers:
    """The queue.

    Attributes:
        lag: how long the event loop has kept others waiting.
    """

    def __init__(self) -> None:
        self.lag = Lag()
        self._heap: list[tuple[float, int, Timer]] = []  # (due, order of creation, timer)
        self._order = itertools.count()
        self._cancelled = 0  # timers in the heap that are nothing any more
        self._nap = trio.CancelScope()  # the task's sleep; its deadline moves when an earlier timer comes
        self._wake_at = math.inf  # that deadline, by our time
        self._stood_still = 0.0  # how long the loop has, all in all: what our time is behind Trio's

    def __len__(self) -> int:
        """Count those that are due some time."""
        return len(self._heap) - self._cancelled

    def call_later(self, seconds: float, call: Callable[[], object]) -> Timer:
        """Make a plain call after some seconds, in the queue's task. It must not block and should not raise."""
        now = self.time()
        timer = Timer(call, self._count_cancelled)
        heapq.heappush(self._heap, (now + seconds, next(self._order), timer))
        self._wake_by(now + min(seconds, _TICK_SECONDS))
        return timer

    def limit(self, seconds: float) -> AbstractContextManager[trio.CancelScope]:
        """Cancel the block after some seconds, as `trio.move_on_after` does, but not for a standstill of the loop."""
        return _Limit(self, seconds)

    def time(self) -> float:
        """Tell the time by which deadlines are kept, in seconds: Trio's without the standstills of the loop."""
        now = trio.current_time() - self._stood_still
        late = now - self._wake_at
        if late > 0:
            self.lag.late(late)
            if late > _STANDSTILL_SECONDS:
                self._stood_still += late - _STANDSTILL_SECONDS
                now = self._wake_at + _STANDSTILL_SECONDS
        return now

    def _wake_by(self, time: float) -> None:
        """Have the task wake at this time at the latest."""
        if time < self._wake_at:
            self._wake_at = time
            self._nap.deadline = time + self._stood_still

    def _count_cancelled(self) -> None:
        self._cancelled += 1
        if self._cancelled > _SPARE and 2 * self._cancelled > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].call is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0

    async def run(self) -> None:
        """Keep the deadlines until cancelled."""
        while True:
            with trio.CancelScope() as self._nap:
                self._wake_at = math.inf
                if self._heap:
                    self._wake_by(min(self._heap[0][0], self.time() + _TICK_SECONDS))
                await trio.sleep_forever()
            now = max(self.time(), self._wake_at)  # sums of floats may miss what was meant
            self._wake_at = math.inf
            self._run_due(now)

    def _run_due(self, now: float) -> None:
        while self._heap and self._heap[0][0] <= now:
            _, _, timer = heapq.heappop(self._heap)
            call, timer.call = timer.call, None
            if call is None:
                self._cancelled -= 1
            else:
                try:
                    call()
                except Exception:  # the one task of all deadlines outlives a bug behind one of them
                    logger.exception("a timer failed")


@final
class _Limit:
    """A scope under a timer; no generator, as each idle connection has one."""

    __slots__ = ("_scope", "_timer")

    def __init__(self, timers: Timers, seconds: float) -> None:
        self._scope = trio.CancelScope()
        self._timer = timers.call_later(seconds, self._scope.cancel)

    def __enter__(self) -> trio.CancelScope:
        return self._scope.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        self._timer.cancel()
        return self._scope.__exit__(kind, error, traceback)
