"""Who is too slow a reader: judged by progress, one by one, and by a budget for all together.

A client may have much to read as long as it reads. Three bounds, in `Config`: above `max_outbox_bytes` a clock runs,
and who took less than `slow_consumer_bytes` in `slow_consumer_seconds` is cut; `max_outbox_hard_bytes` is nobody
allowed; and where all together exceed `max_outboxes_bytes`, the fullest goes first.

Only boxes that are stuck report here, those that the network or a poll has not emptied at once: a push to a client that
keeps up costs nothing for it.
"""

from functools import partial
from typing import Final, Protocol, final

from slysock.config import Config
from slysock.engineio.memory_limit import memory_limit_bytes
from slysock.engineio.timers import Timer, Timers

PACKET_BYTES: Final = 64
"""What a message that waits for a socket takes beyond its bytes: its frame is an object, and has a place in a list."""

POLLED_PACKET_BYTES: Final = 256
"""What one that waits for a poll takes beyond them: all of its forms are kept. Thousands of refusals of 40 bytes each
took six times what was counted."""


_FEW: Final = 64  # messages, of which the bytes alone count


def overhead(messages: int, each: int) -> int:
    """Return what so many messages take beyond their bytes."""
    return each * (messages - _FEW) if messages > _FEW else 0


class Box(Protocol):
    """What waits for one client."""

    @property
    def taken_bytes(self) -> int:
        """How much the client has taken; only differences count."""
        ...

    @property
    def closed(self) -> bool:
        """Whether its session has ended: what waits are last words."""
        ...

    def cut(self) -> None:
        """Forget what waits, take no more, and soon say why: the caller may be in the middle of a broadcast."""


@final
class SlowConsumers:
    """The boxes of a server that are stuck.

    Attributes:
        soft_bytes: above this in one box, the clock runs.
        hard_bytes: no box takes more than this. What its messages take beyond their bytes counts.
        budget_bytes: for all boxes together.
        limit: keeps the deadlines of writes.
        clocks: how many boxes are above the soft limit.
    """

    def __init__(self, config: Config, timers: Timers) -> None:
        self.soft_bytes = config.max_outbox_bytes
        self.hard_bytes = config.max_outbox_hard_bytes
        self.budget_bytes = config.max_outboxes_bytes or memory_limit_bytes() // 4
        self._seconds = config.slow_consumer_seconds
        self._progress_bytes = config.slow_consumer_bytes
        self.limit = timers.limit
        self._timers = timers
        self._held: dict[Box, int] = {}  # a box that is stuck -> what waits in it
        self._held_bytes = 0  # of all of them
        self._clocks: dict[Box, Timer] = {}  # a box above the soft limit -> when it is judged

    @property
    def clocks(self) -> int:
        """How many boxes are above the soft limit."""
        return len(self._clocks)

    @property
    def closed_bytes(self) -> int:
        """What waits for clients whose sessions have ended."""
        return sum(size for box, size in self._held.items() if box.closed)

    def note(self, box: Box, waiting_bytes: int) -> None:
        """Note how much waits in a box that is stuck. May cut this or another one."""
        if not waiting_bytes:
            self.forget(box)
            return
        self._held_bytes += waiting_bytes - self._held.get(box, 0)
        self._held[box] = waiting_bytes
        if waiting_bytes > self.soft_bytes:
            if box not in self._clocks:
                self._start_clock(box)
        elif box in self._clocks:
            self._clocks.pop(box).cancel()
        while self._held_bytes > self.budget_bytes:
            self._cut(max(self._held, key=self._held.__getitem__))

    def forget(self, box: Box) -> None:
        """Forget a box that is empty, or no longer anybody's."""
        self._held_bytes -= self._held.pop(box, 0)
        if box in self._clocks:
            self._clocks.pop(box).cancel()

    def _start_clock(self, box: Box) -> None:
        self._clocks[box] = self._timers.call_later(self._seconds, partial(self._judge, box, box.taken_bytes))

    def _judge(self, box: Box, taken_before: int) -> None:
        if box.taken_bytes - taken_before < self._progress_bytes:
            self._cut(box)
        else:
            self._start_clock(box)

    def _cut(self, box: Box) -> None:
        self.forget(box)
        box.cut()
