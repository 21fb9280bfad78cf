"""What a socket has taken and its peer has not, as the kernel says."""

import socket as stdlib_socket
import sys
from contextlib import suppress

if sys.platform == "linux":
    import fcntl
    import termios


def kept_by_kernel(sock: stdlib_socket.socket) -> int:
    """Count the bytes that a socket has taken and its peer has not confirmed; 0 where that is unknown.

    It may be megabytes, which a slow client takes long to read. Source: SIOCOUTQ, tcp(7).
    """
    if sys.platform == "linux":
        with suppress(OSError, ValueError):  # it is closed, or of a kind that does not tell
            answer = fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4))  # the same number; Python has no name for SIOCOUTQ
            return int.from_bytes(answer, sys.byteorder)
    return 0
