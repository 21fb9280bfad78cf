"""How long the event loop has kept others waiting: told to the log, and measured.

One plain function that computes, or waits for a disk, holds up every client of the server; they notice and nobody
knows. So the layers above time what they run for clients, and a timer that rings late tells of everything else.
"""

import logging
from typing import Final, final

import trio

logger = logging.getLogger("slysock")

_STANDSTILL_SECONDS: Final = 1.0
"""What the loop may be late by before the log says so, whoever it was."""

_MEMORY_SECONDS: Final = 60.0
"""How long a lag is remembered; at least half of it."""


@final
class Lag:
    """The worst lag of late."""

    __slots__ = ("_before", "_recent", "_since")

    def __init__(self) -> None:
        self._recent = 0.0  # the worst since
        self._before = 0.0  # the worst in the half minute before
        self._since = 0.0

    @property
    def worst_seconds(self) -> float:
        """How long the loop has kept others waiting at the worst, in the last minute."""
        self._turn()
        return max(self._recent, self._before)

    def late(self, seconds: float) -> None:
        """Note that a timer rang so late."""
        self._note(seconds)
        if seconds > _STANDSTILL_SECONDS:
            logger.warning("the event loop stood still for %.1f s", seconds)

    def blocked(self, name: str, seconds: float) -> None:
        """Note that something of the application's took too long without giving others a turn."""
        self._note(seconds)
        logger.warning("%s blocked the event loop for %.0f ms: every client had to wait", name, seconds * 1000)

    def _note(self, seconds: float) -> None:
        self._turn()
        self._recent = max(self._recent, seconds)

    def _turn(self) -> None:
        """Forget what is too long ago."""
        now = trio.current_time()
        if now - self._since >= _MEMORY_SECONDS / 2:
            self._before = self._recent if now - self._since < _MEMORY_SECONDS else 0.0
            self._recent, self._since = 0.0, now
