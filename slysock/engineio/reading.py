"""Where a connection's bytes come from: the one task that reads all plain sockets, or the stream itself.

A task that waits for its own socket costs a task switch and an `epoll_ctl` for each message, a third of an echo. So one
task waits on an epoll of its own and reads whatever is ready, for everybody; a connection's task sleeps until there is
something that it must see to. Where there is no epoll, and for streams that are not plain sockets (TLS, memory), a
connection reads for itself.
"""

import select
import socket as stdlib_socket
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Final, Protocol, TypeAlias, final

import trio

from slysock.engineio.outbox import Flusher

_READ_BYTES: Final = 65_536  # what one socket may take of a turn, so that a flood starves nobody
_BATCH: Final = 256  # sockets read before other tasks get a turn,
_TURN_SECONDS: Final = 0.01  # or fewer, when so much time is over;
_LOOK: Final = 16  # which is asked after so many of them

Take: TypeAlias = Callable[[bytes], bool]
"""Takes a piece of what was read, b"" at the end; False: no more should be read for now."""


class Source(Protocol):
    """Where the bytes of one connection come from."""

    async def read(self, take: Take) -> None:
        """Hand everything that comes to `take`, until it has enough. Cancelled, nothing is lost.

        Raises:
            trio.BrokenResourceError: the connection failed.
        """
        ...

    @property
    def has_unread(self) -> bool:
        """Whether bytes have come that nobody has read yet, where one can tell."""
        ...


@final
class StreamSource:
    """Any stream; the connection's task reads it."""

    has_unread = False  # it would have to be read to know

    def __init__(self, stream: trio.abc.ReceiveStream) -> None:
        self._stream = stream

    async def read(self, take: Take) -> None:
        """See Source."""
        while take(bytes(await self._stream.receive_some(_READ_BYTES))):
            pass


@final
class SocketSource:
    """A plain socket, read by the Reader."""

    __slots__ = ("_failure", "_reader", "_ready", "_take", "sock")

    def __init__(self, reader: "Reader", sock: stdlib_socket.socket) -> None:
        self.sock = sock
        self._take: Take = _nowhere
        self._reader = reader
        self._ready: trio.Event | None = None
        self._failure: Exception | None = None

    async def read(self, take: Take) -> None:
        """See Source."""
        self._take = take
        self._ready = trio.Event()
        self._reader.watch(self)
        try:
            await self._ready.wait()
        finally:
            self._reader.rest(self)
            self._take, self._ready = _nowhere, None
            failure, self._failure = self._failure, None  # it holds frames that hold this
        try:
            if failure is not None:
                raise failure
        finally:
            del failure  # likewise

    @property
    def has_unread(self) -> bool:
        """See Source."""
        try:
            return bool(self.sock.recv(1, stdlib_socket.MSG_PEEK))
        except OSError:  # nothing, for now or for ever
            return False

    def readable(self) -> None:
        """Read what is there; the Reader's call. What fails is raised where the connection's task waits."""
        try:
            if self._take(self.sock.recv(_READ_BYTES)):
                return
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._failure = trio.BrokenResourceError("the connection failed")
            self._failure.__cause__ = error
        except Exception as error:  # a bug behind one connection must not stop the reading of all
            self._failure = error
        self._reader.rest(self)
        assert self._ready is not None
        self._ready.set()


def _nowhere(_: bytes) -> bool:
    """Stand in for a Take while nobody reads."""
    raise AssertionError("read while resting")


@final
class Reader:
    """The task that reads, and the sockets it watches.

    Attributes:
        turn: of those who have read more than is handled at once; see Lane.
    """

    def __init__(self, flusher: Flusher) -> None:
        self.turn = trio.Lock()
        self._flusher = flusher
        self._epoll: select.epoll | None = select.epoll() if sys.platform == "linux" else None
        self._sources: dict[int, SocketSource] = {}  # file descriptor -> whose it is

    @property
    def watched(self) -> int:
        """How many sockets it reads."""
        return len(self._sources)

    def source(self, stream: trio.abc.Stream, sock: stdlib_socket.socket | None) -> Source:
        """Choose how to read a connection."""
        if sock is None or self._epoll is None:
            return StreamSource(stream)
        return SocketSource(self, sock)

    def watch(self, source: SocketSource) -> None:
        """Read a socket from now on."""
        assert self._epoll is not None
        fd = source.sock.fileno()
        self._sources[fd] = source
        self._epoll.register(fd, select.EPOLLIN)

    def rest(self, source: SocketSource) -> None:
        """Read a socket no more, for now. It is taken out, not muted: a muted one would still report hang-ups."""
        assert self._epoll is not None
        fd = source.sock.fileno()
        if self._sources.get(fd) is source:
            del self._sources[fd]
            if not self._epoll.closed:  # a server that is cancelled may have lost its reader first
                self._epoll.unregister(fd)

    async def run(self) -> None:
        """Read until cancelled."""
        if self._epoll is None:
            await trio.sleep_forever()
            return
        with self._epoll:
            while True:
                await trio.lowlevel.wait_readable(self._epoll.fileno())
                await self._read(self._epoll.poll(0, _BATCH))

    async def _read(self, ready: list[tuple[int, int]]) -> None:
        """Read sockets, as (file descriptor, event); all before any of them is read again."""
        self._flusher.hold()
        until = perf_counter() + _TURN_SECONDS
        for start in range(0, len(ready), _LOOK):
            if start and perf_counter() > until:
                self._flusher.flush()
                await trio.lowlevel.checkpoint()
                self._flusher.hold()
                until = perf_counter() + _TURN_SECONDS
            for fd, _ in ready[start : start + _LOOK]:
                source = self._sources.get(fd)
                if source is not None:  # not laid to rest by one that was read before it
                    source.readable()
        self._flusher.flush()
