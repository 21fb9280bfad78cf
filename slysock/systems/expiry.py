"""Ends what a token allows when the token expires: one task for all clients of a system.

Tokens expire by the time of day, which machines adjust back and forth; so the task looks at the clock at least once a
minute while anything is due, instead of trusting one long sleep.
"""

import heapq
import itertools
import logging
import math
from collections.abc import Callable
from typing import Final, final

import trio

from slysock.identity import Clock

logger = logging.getLogger("slysock.systems")

MAX_NAP_SECONDS: Final = 60.0
SPARE_ENTRIES: Final = 64
"""Entries of the heap that may be stale before it is rebuilt."""


@final
class Expiries:
    """Plain functions to be called at a time of day, one per key.

    Bounds: entries that were replaced or cleared are dropped when they outnumber the others.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[str, tuple[float, int, Callable[[], object]]] = {}  # key -> (seconds since 1970, order, call)
        self._heap: list[tuple[float, int, str]] = []  # (seconds since 1970, order, key); the newest order counts
        self._order = itertools.count()
        self._nap = trio.CancelScope()  # the task's sleep, cancelled when something is due earlier

    def __len__(self) -> int:
        return len(self._due)

    def set(self, key: str, due: float, call: Callable[[], object]) -> None:
        """Schedule a call, in place of an earlier one with this key."""
        order = next(self._order)
        self._due[key] = (due, order, call)
        if len(self._heap) > 2 * len(self._due) + SPARE_ENTRIES:
            self._heap = [(when, which, name) for name, (when, which, _) in self._due.items()]
            heapq.heapify(self._heap)
        else:
            heapq.heappush(self._heap, (due, order, key))
        if self._heap[0][1] == order:
            self._nap.cancel()

    def clear(self, key: str) -> None:
        """Cancel the call with this key, if there is one."""
        self._due.pop(key, None)

    async def run(self) -> None:
        """Make the calls until cancelled."""
        while True:
            self._make_due_calls()
            with trio.CancelScope() as self._nap:
                await trio.sleep(self._seconds_to_nap())

    def _seconds_to_nap(self) -> float:
        if not self._heap:
            return math.inf
        return min(max(self._heap[0][0] - self._clock(), 0.0), MAX_NAP_SECONDS)

    def _make_due_calls(self) -> None:
        now = self._clock()
        while self._heap and self._heap[0][0] <= now:
            _, order, key = heapq.heappop(self._heap)
            entry = self._due.get(key)
            if entry is None or entry[1] != order:
                continue
            del self._due[key]
            try:
                entry[2]()
            except Exception:  # one client's end must not keep the others in
                logger.exception("a client could not be told that its token has expired")
