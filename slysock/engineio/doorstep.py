"""A connection that has not said anything yet: it costs a place in the Reader's table, and no task."""

import socket as stdlib_socket
from collections.abc import Callable
from typing import TypeAlias, final

from slysock.engineio.reading import Reader
from slysock.engineio.timers import Timers
from slysock.http.arrival import receive_now

Arrived: TypeAlias = Callable[["Doorstep", bytes, int], None]
"""Told what has come first, and when it came, by the kernel's clock in nanoseconds; b"" if nothing will, as it ended,
failed, or was too late. The socket is the callee's from then on."""


@final
class Doorstep:
    """Waits for the first bytes of a plain socket's connection.

    Args:
        sock: non-blocking.
        peer: whose it is.
        arrived: told once.
        reader: reads it; one that reads sockets.
        timers: keep the deadline.
        seconds: how long to wait.
        max_bytes: what to read at most.
    """

    __slots__ = ("_arrived", "_max_bytes", "_reader", "_timer", "peer", "sock")

    def __init__(
        self,
        sock: stdlib_socket.socket,
        peer: str,
        arrived: Arrived,
        *,
        reader: Reader,
        timers: Timers,
        seconds: float,
        max_bytes: int,
    ) -> None:
        self.sock = sock
        self.peer = peer
        self._arrived = arrived
        self._reader = reader
        self._max_bytes = max_bytes
        self._timer = timers.call_later(seconds, self.cancel)
        reader.watch(self)

    def readable(self) -> None:
        """See Readable."""
        try:
            data, came_ns = receive_now(self.sock, self._max_bytes)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data, came_ns = b"", 0
        self._timer.cancel()
        self._reader.rest(self)
        self._arrived(self, data, came_ns)

    def cancel(self) -> None:
        """Wait no longer."""
        self._timer.cancel()
        self._reader.rest(self)
        self._arrived(self, b"", 0)
