"""Receipts: a client has what was sent before a ping once it has answered that ping.

Engine.IO clients answer each ping at once and in order (Engine.IO protocol v4, "Heartbeat"), so a pong proves that all
that was sent before its ping has reached the client's program; not that its handlers have run. Pongs have no names and
can only be counted: the third one answers the third ping. One that was lost thus puts off every later receipt by a
ping, and proves nothing too early.

Made for a session when somebody first asks: nobody else's session has it, nor any pings but those of the heartbeat.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias, final

from slysock.engineio.timers import Timer, Timers

BURST: Final = 8
"""Pings that may follow each other at once; after that there is one a second. A few pages in sequence are confirmed as
fast as the client answers, and constant traffic costs one ping a second."""

PING_SECONDS: Final = 1.0
"""The time in which a session may have one more ping."""

FURTHER_PING_SECONDS: Final = 5.0
"""How long a pong may be missing before one more ping is sent: it may have been lost."""

Receipt: TypeAlias = Callable[[bool], object]
"""Called once: True when the client has received what it asks about, False when that will never be known. It is plain
and must not raise."""


@final
class Receipts:
    """Those who wait for the pongs of one session.

    Bounds: one ping a second and `BURST`, and one entry for each who has asked. They have no deadline of their own: the
    heartbeat's ends the session, and with it every wait.

    Args:
        timers: the server's.
        ping: sends a ping, and calls `pinged`.
        unanswered: how many pings have no answer yet. Their pongs come first.
    """

    __slots__ = ("_answered", "_free_at", "_ping", "_sent", "_timer", "_timers", "_waiting")

    def __init__(self, timers: Timers, ping: Callable[[], None], *, unanswered: int) -> None:
        self._timers = timers
        self._ping = ping
        self._sent = unanswered  # pings
        self._answered = 0  # of them
        self._waiting: deque[tuple[int, Receipt]] = deque()  # (how many pongs it takes, who waits), fewest first
        self._free_at = 0.0  # when the bucket of pings is full again
        self._timer: Timer | None = None  # while somebody waits: when to ping once more

    def __len__(self) -> int:
        """Count those who wait."""
        return len(self._waiting)

    def ask(self, receipt: Receipt) -> None:
        """Tell somebody when the client has received all that has been sent to it up to now."""
        needed = self._sent + 1  # a ping that is under way was sent too early to prove anything
        has_next = bool(self._waiting) and self._waiting[-1][0] == needed
        self._waiting.append((needed, receipt))
        if not has_next:
            pause = self._free_at - self._timers.time() - (BURST - 1) * PING_SECONDS
            if pause > 0:
                self._ping_in(pause)
            else:
                self._ping_now()

    def _ping_now(self) -> None:
        self._free_at = max(self._free_at, self._timers.time()) + PING_SECONDS
        self._ping()

    def _ping_in(self, seconds: float) -> None:
        """Ping after some seconds, unless a ping or the last missing pong comes first."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._timers.call_later(seconds, self._ping_now)

    def pinged(self) -> None:
        """Count a ping that has been sent, for those here or for the heartbeat."""
        self._sent += 1
        if self._waiting:
            self._ping_in(FURTHER_PING_SECONDS)

    def answered(self) -> None:
        """Count a pong, and tell those who have waited for it. Not when no ping is unanswered."""
        self._answered += 1
        while self._waiting and self._waiting[0][0] <= self._answered:
            self._waiting.popleft()[1](True)
        if not self._waiting:
            self._stop()

    def close(self) -> None:
        """Tell everybody who waits that no pong will come: the session is closed."""
        self._stop()
        while self._waiting:
            self._waiting.popleft()[1](False)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
