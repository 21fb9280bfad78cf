"""Connections without a request: how many there may be.

To open one costs a stranger 200 bytes and us 7 kB, so that the limit is not that of connections at work. Nobody is
refused for it: a client whose idle connection is closed opens another one, as it does when `request_head_seconds` are
over.
"""

from typing import final

import trio


@final
class IdleConnections:
    """Those of one server.

    Args:
        most: past that, the one that has waited longest for its request waits no more.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._waits: dict[trio.CancelScope, None] = {}  # oldest first

    def __len__(self) -> int:
        """Count them."""
        return len(self._waits)

    def add(self, wait: trio.CancelScope) -> None:
        """Count one; `wait` is around its waiting."""
        self._waits[wait] = None
        if len(self._waits) > self._most:
            oldest = next(iter(self._waits))
            del self._waits[oldest]
            oldest.cancel()

    def discard(self, wait: trio.CancelScope) -> None:
        """Count it no more."""
        self._waits.pop(wait, None)
