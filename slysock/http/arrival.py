"""When bytes arrived, as the kernel says.

Trio turns to tasks that became ready together in an order of its own, so that a task cannot tell from its turn which
of two connections was first to have something to say. Where that counts, the kernel is asked.
"""

import socket as stdlib_socket
import struct
import sys
import time
from contextlib import suppress
from typing import Final

_SO_TIMESTAMPNS: Final = 35  # socket(7) of Linux on all but its oldest architectures; Python has no name for it
_TIME: Final = struct.Struct("@ll")  # seconds and nanoseconds

ANCILLARY_BYTES: Final = stdlib_socket.CMSG_SPACE(_TIME.size) if hasattr(stdlib_socket, "CMSG_SPACE") else 0
"""What `recvmsg` needs room for."""


def note_arrivals(listener: stdlib_socket.socket) -> None:
    """Have the kernel note when bytes arrive, for all connections that are taken from a listener."""
    if sys.platform == "linux":
        with suppress(OSError):  # a kernel that cannot: our own clock has to do
            listener.setsockopt(stdlib_socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


def arrival_ns(ancillary: list[tuple[int, int, bytes]]) -> int:
    """Read from what came with a piece when that arrived, in nanoseconds of `time.time_ns()`; without it, now."""
    for level, kind, data in ancillary:
        if (level, kind, len(data)) == (stdlib_socket.SOL_SOCKET, _SO_TIMESTAMPNS, _TIME.size):
            seconds, nanoseconds = _TIME.unpack(data)
            return int(seconds * 1_000_000_000 + nanoseconds)
    return time.time_ns()


def receive_now(sock: stdlib_socket.socket, max_bytes: int) -> tuple[bytes, int]:
    """Return what is there, and when it arrived.

    Raises:
        OSError: as `recvmsg` does; BlockingIOError where nothing is there.
    """
    data, ancillary, _flags, _address = sock.recvmsg(max_bytes, ANCILLARY_BYTES)
    return data, arrival_ns(ancillary)
