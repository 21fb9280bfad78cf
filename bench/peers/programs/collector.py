"""The pauses of CPython's cyclic garbage collector, counted by the collector's own callbacks."""

import gc
import time
from typing import Final


class CollectorPauses:
    """Counts from the moment it is made; costs nothing except at a collection."""

    def __init__(self) -> None:
        self._began_ns = 0
        self._count = 0
        self._total_ns = 0
        self._longest_ns = 0
        gc.callbacks.append(self._observe)

    def _observe(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._began_ns = time.perf_counter_ns()
            return
        pause = time.perf_counter_ns() - self._began_ns
        self._count += 1
        self._total_ns += pause
        self._longest_ns = max(self._longest_ns, pause)

    def answer(self, what: str) -> dict[str, float]:
        """Reset the counts if told to, and return them, in milliseconds."""
        if what == "reset":
            self._count = self._total_ns = self._longest_ns = 0
        return {"count": self._count, "total": self._total_ns / 1e6, "longest": self._longest_ns / 1e6}


PAUSES: Final = CollectorPauses()
