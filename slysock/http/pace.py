"""How long a peer may keep us waiting, in all, for one thing that it sends or takes.

A deadline that begins anew with every byte is none: a megabyte may then take half a year. One for the whole of a large
thing would cut honest clients on slow lines. So whoever needs longer than the one must keep an average.
"""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, Protocol, final

import trio


class Deadlines(Protocol):
    """Whose time it is that peers are given."""

    def limit(self, seconds: float) -> AbstractContextManager[trio.CancelScope]:
        """Cancel a block after some seconds."""
        ...

    def time(self) -> float:
        """Tell the time, in seconds."""
        ...


@final
class _TriosDeadlines:
    """Trio's own, for which time goes on while the event loop stands still."""

    def limit(self, seconds: float) -> AbstractContextManager[trio.CancelScope]:
        """Cancel a block after some seconds."""
        return trio.move_on_after(seconds)  # noqa: ASYNC122 - its time begins with the block, from Trio 0.27 on

    def time(self) -> float:
        """Tell the time, in seconds."""
        return trio.current_time()


TRIOS: Final = _TriosDeadlines()


@final
class Pace:
    """What one body, answer or message has taken of its time. Only waits for the peer count.

    Args:
        seconds: what it may take however slow it is.
        bytes_per_second: who keeps this average may take longer.
        deadlines: whose time counts.
    """

    __slots__ = ("_bytes", "_bytes_per_second", "_deadlines", "_seconds", "_waited_seconds")

    def __init__(self, seconds: float, bytes_per_second: float, deadlines: Deadlines = TRIOS) -> None:
        self._deadlines = deadlines
        self._seconds = seconds
        self._bytes_per_second = bytes_per_second
        self._waited_seconds = 0.0
        self._bytes = 0

    def moved(self, size: int) -> None:
        """Count bytes that have come or gone."""
        self._bytes += size

    @property
    def left_seconds(self) -> float:
        """How much longer it may take, as things are."""
        return max(self._seconds, self._bytes / self._bytes_per_second) - self._waited_seconds

    def waited(self, seconds: float) -> None:
        """Count time."""
        self._waited_seconds += seconds

    @contextmanager
    def waiting(self, stall_seconds: float) -> Generator[None]:
        """Wait for the peer inside the block, and count that.

        Args:
            stall_seconds: how long this wait may take at most.

        Raises:
            TooSlowError: it took too long, or it all did.
        """
        time = self._deadlines.time
        began, seconds = time(), max(0.0, min(stall_seconds, self.left_seconds))
        try:
            with self._deadlines.limit(seconds) as scope:
                yield
        finally:  # what came later was kept waiting by us: the event loop has stood still
            self.waited(min(time() - began, seconds))
        if scope.cancelled_caught:
            raise trio.TooSlowError
