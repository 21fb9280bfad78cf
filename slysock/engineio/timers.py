"""All deadlines of a server in one queue, and one task that keeps them: heartbeats, upgrades, connects, last words.

A timer costs an entry in a heap, not a task. Cancelled ones stay there, holding nothing, until they are due or until
they are most of it: a server whose clients come and go would otherwise carry 45 seconds of them.
"""

import heapq
import itertools
import logging
import math
from collections.abc import Callable
from typing import Final, final

import trio

logger = logging.getLogger("slysock")


_SPARE: Final = 256  # cancelled timers that are not worth a clean-up


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
    """The queue. Times are those of `trio.current_time()`, in seconds."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []  # (due, order of creation, timer)
        self._order = itertools.count()
        self._cancelled = 0  # timers in the heap that are nothing any more
        self._nap = trio.CancelScope()  # the task's sleep; its deadline moves when an earlier timer comes

    def __len__(self) -> int:
        """Count those that are due some time."""
        return len(self._heap) - self._cancelled

    def call_later(self, seconds: float, call: Callable[[], object]) -> Timer:
        """Make a plain call after some seconds, in the queue's task. It must not block and should not raise."""
        due = trio.current_time() + seconds
        timer = Timer(call, self._count_cancelled)
        heapq.heappush(self._heap, (due, next(self._order), timer))
        if due < self._nap.deadline:
            self._nap.deadline = due
        return timer

    def _count_cancelled(self) -> None:
        self._cancelled += 1
        if self._cancelled > _SPARE and 2 * self._cancelled > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].call is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0

    async def run(self) -> None:
        """Keep the deadlines until cancelled."""
        while True:
            next_due = self._heap[0][0] if self._heap else math.inf
            with trio.CancelScope(deadline=next_due) as self._nap:
                await trio.sleep_forever()
            self._run_due(trio.current_time())

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
