"""Listening sockets, and the loop that takes connections from them.

The standard library's sockets are kept, because the outbox and the lane use them directly; Trio wraps them for the
rest.
"""

import errno
import logging
import os
import re
import socket as stdlib_socket
import stat
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, final

import msgspec
import trio

from slysock.http.arrival import note_arrivals

logger = logging.getLogger("slysock")

MAX_PORT: Final = 65_535
BOTH_FAMILIES: Final = ("", "::")
"""Hosts that stand for every address there is, of IPv4 and of IPv6."""

_HOST_AND_PORT: Final = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})")
_BACKLOG: Final = 2048  # a storm of clients that come back at once must find room; the kernel may allow less
_BATCH: Final = 64  # connections taken before others get a turn
_OUT_OF_RESOURCES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
_PAUSE_SECONDS: Final = 0.1  # until something may have been freed
_OF_ONE_CONNECTION: Final = frozenset(
    # What accept(2) reports of a connection that broke before it was taken: "treat them like EAGAIN by retrying".
    # Those that trio.SocketListener.accept ignores; some are not on every system.
    getattr(errno, name)
    for name in (
        *("EPERM", "ECONNABORTED", "EPROTO", "ENETDOWN", "ENOPROTOOPT", "EHOSTDOWN", "ENONET", "EHOSTUNREACH"),
        *("EOPNOTSUPP", "ENETUNREACH", "ENOSR", "ESOCKTNOSUPPORT", "EPROTONOSUPPORT", "ETIMEDOUT", "ECONNRESET"),
    )
    if hasattr(errno, name)
)


@final
class Listening(msgspec.Struct, frozen=True):
    """Where a server can be reached.

    Attributes:
        url: for a client; of a Unix socket, its path.
        port: 0 for a Unix socket.
        internal: likewise, of the listener for monitoring; None without one.
    """

    url: str
    port: int
    internal: "Listening | None" = None


@final
class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where to listen: on a Unix socket, or on every address of a host."""

    host: str = ""
    port: int = 0
    unix_path: Path | None = None

    def __str__(self) -> str:
        return f"{self.host or '::'} port {self.port}" if self.unix_path is None else str(self.unix_path)


def read_address(text: str) -> Address:
    """Read `127.0.0.1:9000`, `[::1]:9000`, or the path of a Unix socket, which has a slash in it.

    Raises:
        ValueError: it is neither.
    """
    if "/" in text:
        return Address(unix_path=Path(text))
    found = _HOST_AND_PORT.fullmatch(text)
    if found is None or int(found[3]) > MAX_PORT:
        raise ValueError(f"{text!r} is no address: 127.0.0.1:9000, [::1]:9000, or the path of a Unix socket")
    return Address(host=found[1] or found[2], port=int(found[3]))


async def bind_tcp(host: str, port: int) -> list[stdlib_socket.socket]:
    """Listen on every address of a host, which may be one of BOTH_FAMILIES; port 0 takes a free one, the same for all.

    Raises:
        OSError: none of the addresses can be had.
    """
    name = None if host in BOTH_FAMILIES else host
    infos = await trio.socket.getaddrinfo(name, port, type=stdlib_socket.SOCK_STREAM, flags=stdlib_socket.AI_PASSIVE)
    sockets: list[stdlib_socket.socket] = []
    problem = OSError(errno.EADDRNOTAVAIL, "the host has no address")
    for family, kind, protocol, _, address in infos:
        try:
            chosen = sockets[0].getsockname()[1] if sockets else port
            sockets.append(_bind(family, kind, protocol, (address[0], chosen, *address[2:])))
        except OSError as error:
            problem = error
            if error.errno not in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                break
    else:
        if sockets:
            return sockets
    for sock in sockets:
        sock.close()
    raise problem


def _bind(family: int, kind: int, protocol: int, address: tuple[object, ...]) -> stdlib_socket.socket:
    sock = stdlib_socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        if os.name != "nt":  # there it would let another process take the port away
            sock.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_REUSEADDR, 1)
        if family == stdlib_socket.AF_INET6:
            sock.setsockopt(stdlib_socket.IPPROTO_IPV6, stdlib_socket.IPV6_V6ONLY, 1)
        note_arrivals(sock)
        sock.bind(address)
        sock.listen(_BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


def bind_unix(path: Path) -> stdlib_socket.socket:
    """Listen on a Unix socket; one that a dead server left behind is replaced.

    Raises:
        OSError: the path cannot be had, or a server is listening there.
    """
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        with stdlib_socket.socket(stdlib_socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
    sock = stdlib_socket.socket(stdlib_socket.AF_UNIX, stdlib_socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.bind(str(path))
        sock.listen(_BACKLOG)
    except BaseException:
        sock.close()
        raise
    return sock


@asynccontextmanager
async def bound(address: Address) -> AsyncGenerator[list[stdlib_socket.socket]]:
    """Listen for the length of the block.

    Raises:
        OSError: the address cannot be had.
    """
    unix_path = address.unix_path
    listeners = [bind_unix(unix_path)] if unix_path is not None else await bind_tcp(address.host, address.port)
    ours = None if unix_path is None else _identity(unix_path)
    try:
        yield listeners
    finally:
        for listener in listeners:
            listener.close()
        # A stopping server is outlived by its last connections: another may be listening there by now.
        if unix_path is not None and _identity(unix_path) == ours:
            unix_path.unlink(missing_ok=True)


def _identity(path: Path) -> tuple[int, int] | None:
    """Tell files of one name apart; None: there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_ctime_ns  # numbers are given again, at once on some file systems


async def accept_forever(listener: stdlib_socket.socket, take: Callable[[stdlib_socket.socket], None]) -> None:
    """Take connections until cancelled; out of file descriptors or memory, wait for some instead of spinning.

    Raises:
        OSError: the listener is of no use any more.
    """
    while True:
        await trio.lowlevel.wait_readable(listener)
        for _ in range(_BATCH):
            try:
                sock, _address = listener.accept()
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno in _OF_ONE_CONNECTION:
                    continue
                if error.errno not in _OUT_OF_RESOURCES:
                    raise
                logger.error("cannot take a connection: %s", error.strerror)  # noqa: TRY400 - no place in our code
                await trio.sleep(_PAUSE_SECONDS)
                break
            sock.setblocking(False)
            take(sock)


def describe(
    sock: stdlib_socket.socket, address: Address, *, secure: bool = False, internal: Listening | None = None
) -> Listening:
    """Say where clients reach a socket that listens at an address, and where monitoring finds the server."""
    if address.unix_path is not None:
        return Listening(str(address.unix_path), 0, internal)
    port: int = sock.getsockname()[1]
    host = address.host or "::"
    url = f"{'https' if secure else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
    return Listening(url, port, internal)
