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


class Readable(Protocol):
    """Whoever has the Reader watch a socket."""

    @property
    def sock(self) -> stdlib_socket.socket:
        """Which; non-blocking."""
        ...

    def readable(self) -> None:
        """Read what is there; the Reader's call. It must not raise, nor wait."""


@final
class SocketSource:
    """A plain socket, read by the Reader."""

    __slots__ = ("_failure", "_reader", "_ready", "_take", "sock")

    def __init__(self, reader: "Reader", sock: stdlib_socket.socket) -> None:
        self.sock = sock
        self._take: Take | None = None  # while it is watched
        self._reader = reader
        self._ready: Callable[[], object] = _nothing
        self._failure: Exception | None = None

    def start(self, take: Take, ready: Callable[[], object]) -> None:
        """Hand everything that comes to `take`; call `ready` when that has enough, or the connection has failed.

        Raises:
            trio.BrokenResourceError: it has failed before.
        """
        self._raise_failure()
        self._take, self._ready = take, ready
        self._reader.watch(self)

    def stop(self) -> None:
        """Hand over no more. Idempotent."""
        if self._take is not None:
            self._take, self._ready = None, _nothing
            self._reader.rest(self)

    async def read(self, take: Take) -> None:
        """See Source."""
        ready = trio.Event()
        self.start(take, ready.set)
        try:
            await ready.wait()
        finally:
            self.stop()
        self._raise_failure()

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        try:
            if failure is not None:
                raise failure
        finally:
            del failure  # it holds frames, which would hold it

    @property
    def has_unread(self) -> bool:
        """See Source."""
        try:
            return bool(self.sock.recv(1, stdlib_socket.MSG_PEEK))
        except OSError:  # nothing, for now or for ever
            return False

    @property
    def failed(self) -> bool:
        """Whether the connection has failed, which nobody has been told yet."""
        return isinstance(self._failure, trio.BrokenResourceError)

    def readable(self) -> None:
        """See Readable. What fails is raised where the connection's task waits, or will."""
        try:
            self.feed(self.sock.recv(_READ_BYTES))
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._failure = trio.BrokenResourceError("the connection failed")
            self._failure.__cause__ = error.with_traceback(None)  # whose frames would hold this
            self._pause()

    def feed(self, data: bytes) -> None:
        """Hand over what has been read, here or by somebody else."""
        take = self._take
        assert take is not None
        try:
            if take(data):
                return
        except Exception as error:  # a bug behind one connection must not stop the reading of all
            self._failure = error
        self._pause()

    def _pause(self) -> None:
        ready = self._ready
        self.stop()
        ready()


def _nothing() -> None:
    """Stand in for whoever waits for the end of reading."""


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
        self._sources: dict[int, Readable] = {}  # file descriptor -> whose it is

    @property
    def watched(self) -> int:
        """How many sockets it reads."""
        return len(self._sources)

    @property
    def reads_sockets(self) -> bool:
        """Whether there is an epoll; without one each connection reads for itself."""
        return self._epoll is not None

    def watch(self, source: Readable) -> None:
        """Read a socket from now on."""
        assert self._epoll is not None
        fd = source.sock.fileno()
        self._sources[fd] = source
        self._epoll.register(fd, select.EPOLLIN)

    def rest(self, source: Readable) -> None:
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
        try:
            with self._epoll:
                while True:
                    await trio.lowlevel.wait_readable(self._epoll.fileno())
                    await self._read(self._epoll.poll(0, _BATCH))
        finally:
            self._sources.clear()

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
