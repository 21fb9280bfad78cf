"""What waits for one connection, and the one writer that it has.

`push` is a plain call that never waits. Boxes with something new stand in one list; the flusher task wakes after the
current batch of tasks and gives each box one non-blocking `send`, joined when several messages wait: joining is worth
four to six times the throughput of a send per message, and awaiting each socket would cost a task switch per recipient.
What the kernel does not take waits for writability in a task of the connection's, under a deadline.

Streams that are not plain sockets (TLS, memory) take the same road with `send_all` in place of `send`.
"""

import socket as stdlib_socket
from collections.abc import Callable
from typing import Protocol, final

import msgspec
import trio

from slysock.engineio.home import Home
from slysock.engineio.slow_consumers import PACKET_BYTES, SlowConsumers, overhead
from slysock.http.unsent import kept_by_kernel

_PIECE_BYTES = 65_536  # what a generic stream gets at once: progress is seen, and the deadline restarts, per piece


class Framed(Protocol):
    """A message in the form that it has on the wire: an Outgoing."""

    @property
    def frames(self) -> bytes:
        """All of it."""
        ...


@final
class _Bytes(msgspec.Struct, frozen=True, gc=False):
    """What is nobody else's: an answer, a close frame."""

    frames: bytes


@final
class OutboxStatistics(msgspec.Struct, frozen=True):
    """A snapshot of one outbox."""

    waiting_bytes: int
    blocked: bool


@final
class Flusher:
    """The list of boxes with something new, and the task that empties them."""

    def __init__(self) -> None:
        self._dirty: list[Outbox] = []
        self._parked: trio.lowlevel.Task | None = None
        self._held = False

    def add(self, box: "Outbox") -> None:
        """Have the box flushed after the current batch of tasks."""
        self._dirty.append(box)
        if self._parked is not None and not self._held:
            trio.lowlevel.reschedule(self._parked)  # raises outside of Trio's loop: then it is still to be woken
            self._parked = None

    def hold(self) -> None:
        """Leave the boxes for `flush`, which must come before the caller waits for anything."""
        self._held = True

    def flush(self) -> None:
        """Flush all boxes now. Who handles a batch of messages ends it so, and saves a task switch: 10 to 15 µs."""
        self._held = False
        while self._dirty:
            batch, self._dirty = self._dirty, []
            for box in batch:
                box.flush()

    async def run(self) -> None:
        """Flush until cancelled."""
        while True:
            if not self._dirty:
                await self._park()
            self.flush()
            await trio.lowlevel.checkpoint()

    async def _park(self) -> None:
        self._parked = trio.lowlevel.current_task()

        def abort(_: object) -> trio.lowlevel.Abort:
            self._parked = None
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)


@final
class Outbox:
    """Bytes on their way to one connection, in order.

    Bounds: those of `SlowConsumers`, or one message that is larger. A message that would exceed the hard one shuts the
    box, and so does being cut: nothing more is taken or sent, and `on_full` is called.

    `on_full` and `on_broken` are never called from inside a push, but by the flusher or the box's own task, so that a
    slow or lost consumer does not interrupt the broadcast in which it was found out.

    Ownership: writes to the stream, does not close it. A write that fails, is cancelled, or makes no progress for
    `write_timeout_seconds` shuts the box and calls `on_broken`: half a message may be on the wire.

    Attributes:
        closed: its session has ended: what waits are last words. For whoever counts.
        shut: nothing more is taken or sent.
    """

    __slots__ = (
        "_blocked",
        "_box",
        "_consumers",
        "_flusher",
        "_home",
        "_on_broken",
        "_on_full",
        "_progress",
        "_report",
        "_rest",
        "_scheduled",
        "_sock",
        "_soft_bytes",
        "_stream",
        "_taken_bytes",
        "_waiting_bytes",
        "_write_timeout_seconds",
        "closed",
        "shut",
    )

    def __init__(
        self,
        stream: trio.abc.SendStream | None,
        *,
        sock: stdlib_socket.socket | None,
        flusher: Flusher,
        home: Home,
        consumers: SlowConsumers,
        write_timeout_seconds: float,
        on_full: Callable[[], None],
        on_broken: Callable[[], None],
    ) -> None:
        self._stream = stream
        self._sock = sock  # the plain, non-blocking socket under the stream, if that is what it is
        self._flusher = flusher
        self._home = home
        self._consumers = consumers
        self._soft_bytes = consumers.soft_bytes
        self._write_timeout_seconds = write_timeout_seconds
        self._on_full = on_full
        self._on_broken = on_broken
        self._box: list[bytes] = []
        self._rest: memoryview | None = None  # what the kernel did not take of a piece; goes before the box
        self._waiting_bytes = 0  # of both
        self._taken_bytes = 0  # by the stream, of what it did not take at once
        self._scheduled = False  # in the flusher's list, or a drain task is at work
        self._blocked = False  # the kernel took less than it was given
        self._report: Callable[[], None] | None = None  # what the flusher shall call
        self._progress: trio.Event | None = None  # set when something has been taken
        self.closed = False
        self.shut = False

    def takes(self, size: int) -> bool:
        """Tell whether a message of so many bytes, pushed now, would leave at once."""
        if self._waiting_bytes + size > self._soft_bytes:
            self._flush_early()
        fits = not self._waiting_bytes or self._waiting_bytes + size <= self._soft_bytes
        return fits and not (self._blocked or self.shut)

    @property
    def taken_bytes(self) -> int:
        """How much the client has taken since it fell behind; only differences count.

        What lies in the kernel's buffer has not been taken yet, where the kernel tells.
        """
        return self._taken_bytes - (0 if self._sock is None else kept_by_kernel(self._sock))

    def statistics(self) -> OutboxStatistics:
        """Say what is waiting."""
        return OutboxStatistics(self._waiting_bytes, self._blocked)

    def push(self, data: bytes) -> None:
        """Add bytes. They enter whole; a box that is shut forgets them."""
        self.send(_Bytes(data))

    def send(self, message: "Framed") -> None:
        """Add a message. It enters whole; a box that is shut forgets it.

        One call for each receiver of a broadcast: nothing stands between the session and this.
        """
        if self.shut:
            return
        data = message.frames
        size = len(data)
        waiting = self._waiting_bytes + size
        if waiting > self._soft_bytes:
            if not self._may_take(size):
                self.cut()
                return
            waiting = self._waiting_bytes + size  # some of it may have left
        self._box.append(data)
        self._waiting_bytes = waiting
        if not self._scheduled:
            self._scheduled = True
            self._flusher.add(self)
        elif self._blocked:
            self._note_cost()

    def _note_cost(self) -> None:
        """Count what waits by what it takes: the bytes, and something for each message."""
        cost = self._waiting_bytes + overhead(len(self._box), PACKET_BYTES)
        if len(self._box) > 1 and cost > self._consumers.hard_bytes:
            self.cut()
        else:
            self._consumers.note(self, cost)

    def _may_take(self, size: int) -> bool:
        """Tell whether a message fits after all: in an empty box, below the hard limit, or when the kernel helps."""
        self._flush_early()
        fits = not self._waiting_bytes or self._waiting_bytes + size <= self._consumers.hard_bytes
        return fits and not self.shut

    def _flush_early(self) -> None:
        """Send what is there, before the flusher's turn."""
        if self._sock is not None and not self._blocked:
            try:
                if not self._send_now(self._sock):
                    self._start_draining()
            except OSError:
                self._shut_later(self._on_broken)

    def cut(self) -> None:
        """Forget what waits and take no more: a slow consumer's. `on_full` follows."""
        self._shut_later(self._on_full)

    def _shut_later(self, report: Callable[[], None]) -> None:
        """Take no more from now on; the flusher says why."""
        if not self.shut:
            self.shut = True
            self._discard()
            self._report = report
            self._flusher.add(self)

    def flush(self) -> None:
        """Send what is waiting; the flusher's call."""
        if self.shut or self._blocked:
            self._say_why()
        elif self._sock is None:
            self._start_draining()
        else:
            try:
                if self._send_now(self._sock):
                    self._scheduled = False
                else:
                    self._start_draining()
            except OSError:
                self.give_up()

    def _say_why(self) -> None:
        if self._report is not None:
            report, self._report = self._report, None
            report()

    def _send_now(self, sock: stdlib_socket.socket) -> bool:
        """Send once without waiting; False when something is left over. Not while a rest waits.

        Raises:
            OSError: the connection is lost.
        """
        box = self._box
        data = box.pop() if len(box) == 1 else self._take()  # as a rule it is one: worth a call less
        if not data:
            return True
        try:
            sent = sock.send(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        if sent == self._waiting_bytes and self._progress is None:  # as a rule
            self._waiting_bytes = 0
            return True
        return self._taken(data, sent)

    def _take(self) -> bytes | memoryview:
        """Take everything that waits as one piece; each byte is joined at most once."""
        if self._rest is not None:
            return self._rest
        box = self._box
        data = box[0] if len(box) == 1 else b"".join(box)
        box.clear()
        return data

    def _taken(self, data: bytes | memoryview, sent: int) -> bool:
        """Keep the rest of a piece; False when there is any."""
        self._waiting_bytes -= sent
        self._report_progress()
        if self._waiting_bytes:
            self._taken_bytes += sent
        if sent < len(data):
            self._rest = memoryview(data)[sent:]
            return False
        self._rest = None
        return True

    def _report_progress(self) -> None:
        if self._progress is not None:
            self._progress.set()
            self._progress = None

    def _start_draining(self) -> None:
        self._blocked = self._scheduled = True
        self._home.start_soon(self._drain)
        self._note_cost()

    async def _drain(self) -> None:
        try:
            while self._waiting_bytes and not self.shut:
                data = self._take()
                self._rest = memoryview(data)
                sent = await self._send_in_time(data)
                if not self.shut:
                    self._taken(data, sent)
                    self._note_cost()
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError):
            self.give_up()
        except trio.Cancelled:
            self.give_up()
            raise
        self._blocked = self._scheduled = False
        self._consumers.forget(self)

    async def _send_in_time(self, data: bytes | memoryview) -> int:
        """Wait until some of it has been written; return how much.

        A slow line empties the kernel's buffer for a long while before that takes more: it is progress all the same.

        Raises:
            TooSlowError: the client took nothing for so long.
        """
        while True:
            taken_before = self.taken_bytes
            with self._consumers.limit(self._write_timeout_seconds):
                return await self._send(data)
            if self.taken_bytes <= taken_before:
                raise trio.TooSlowError

    async def _send(self, data: bytes | memoryview) -> int:
        """Wait until some of it has been written; return how much."""
        if self._sock is None:
            assert self._stream is not None
            piece = data[:_PIECE_BYTES]
            await self._stream.send_all(piece)
            return len(piece)
        await trio.lowlevel.wait_writable(self._sock)
        try:
            return self._sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0

    async def wait_empty(self) -> None:
        """Wait until everything has been written, or the box is shut."""
        while self._waiting_bytes and not self.shut:
            await self.wait_progress()

    async def wait_progress(self) -> None:
        """Wait until the network has taken something of what waits, or the box is shut."""
        if self._progress is None:  # one for all who wait
            self._progress = trio.Event()
        await self._progress.wait()

    def give_up(self) -> None:
        """Write no more and forget what waits: the connection is broken, or at its end. Idempotent.

        Lets go of its owner, too: the two hold each other, and a closed connection should not wait to be collected.
        """
        if not self.shut:
            self.shut = True
            self._discard()
            self._on_broken()
        self._on_full = self._on_broken = _nothing
        self._report = None

    def _discard(self) -> None:
        self._box.clear()
        self._rest = None
        self._waiting_bytes = 0
        self._consumers.forget(self)
        self._report_progress()


def _nothing() -> None:
    """Do nothing: there is nobody to tell."""
