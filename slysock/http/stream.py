"""A machine of HTTP joined to a stream: bytes in, bytes out, deadlines, and whether the connection is still sound.

It owns neither requests nor the decision what to answer. One task may read while another writes; two of a kind may
not.
"""

import re
import socket as stdlib_socket
import time
from contextlib import suppress
from typing import Final, final

import h11
import trio

from slysock.config import Config
from slysock.http.arrival import receive_now
from slysock.http.errors import InvalidResponse, RequestBroken
from slysock.http.head import MAX_HEADER_LINES
from slysock.http.machine import Machine
from slysock.http.pace import TRIOS, Deadlines, Pace
from slysock.http.unsent import kept_by_kernel

PIECE_BYTES: Final = 16_384
"""Most bytes read at once. A piece full of one-byte chunks keeps h11 busy for tens of milliseconds; no more than so."""

_BLANK_LINE: Final = re.compile(rb"\n\r?\n")

WRITE_PIECE_BYTES: Final = 65_536
"""Most bytes that a stream of any kind is given under one deadline, so that a slow peer that makes progress is not
taken for a stuck one."""


@final
class HttpStream:
    """One HTTP machine on one stream.

    Args:
        stream: what is read and written.
        sock: the plain socket that the stream is, where it is one: what needs no waiting is then done without Trio's
            layers around it, 10 µs for each piece. Deadlines are for waits; what is done at once has none.
        config: deadlines and bounds.
        deadlines: of the peer.

    Attributes:
        deadlines: likewise.
        machine: the state of HTTP, for reading. Only this class feeds it; see `encode`.
        at_eof: the peer has said that it sends no more.
        received_ns: when the last piece arrived: at the kernel where that can be known, else here.
        draining: answers from now on end the connection.
        written_bytes: what has been written, in all.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        sock: stdlib_socket.socket | None,
        config: Config,
        deadlines: Deadlines = TRIOS,
    ) -> None:
        self.config = config
        self.deadlines = deadlines
        self.machine = Machine(config.max_request_head_bytes)
        self.at_eof = False
        self.received_ns = 0
        self.draining = False
        self.written_bytes = 0
        self._stream = stream
        self._sock = sock
        self._pace: Pace | None = None  # of the answer, once it had to wait
        self._lost = False  # reading or writing has failed, or somebody gave the connection up
        self._writing = False  # stays True when a write was cut: half a message is on the wire

    @property
    def broken(self) -> bool:
        """Whether nothing more may be written: a write failed, was cancelled, or is under way."""
        return self._lost or self._writing

    @property
    def buffered(self) -> int:
        """Bytes received that h11 has not consumed."""
        return len(self.machine.trailing_data[0])

    def has_too_many_lines(self) -> bool:
        """Whether the head that is coming has more header lines than any client sends.

        Looked at before h11 does: it takes 2 µs for each, and a header is kept at five times its size if it is short.
        """
        ahead, _ = self.machine.trailing_data
        if ahead.count(b"\n") <= MAX_HEADER_LINES + 1:  # the request line; as a rule it has one or two dozen
            return False
        end = _BLANK_LINE.search(ahead)
        return ahead.count(b"\n", 0, len(ahead) if end is None else end.start()) > MAX_HEADER_LINES

    @property
    def has_next(self) -> bool:
        """Whether the peer has sent more than line ends behind a request that is not answered yet."""
        return bool(self.machine.trailing_data[0].strip(b"\r\n"))

    @property
    def taken_bytes(self) -> int:
        """What the peer has of what has been written, as far as is known."""
        return self.written_bytes - (0 if self._sock is None else kept_by_kernel(self._sock))

    def next_cycle(self) -> None:
        """Make way for the next request: this one's answer is done."""
        self.machine.start_next_cycle()
        self._pace = None

    def pace(self, seconds: float) -> Pace:
        """Give the peer time for one body or answer: so much, or longer if it keeps the average of the server."""
        return Pace(seconds, self.config.min_bytes_per_second, self.deadlines)

    def give_up(self) -> None:
        """Make sure that the connection is not used again, and is closed without courtesy."""
        self._lost = True

    async def read_more(self, max_bytes: int = PIECE_BYTES) -> None:
        """Receive one piece, or the end of what the peer sends, and hand it to h11. Cancelled: nothing is lost.

        Raises:
            RequestBroken: the connection is lost.
        """
        size = min(max_bytes, PIECE_BYTES)
        try:
            if self._sock is None:
                self.take(await self._stream.receive_some(size), time.time_ns())
            else:
                self.take(*await _receive(self._sock, size))
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            raise self._lost_reading() from exc

    def read_now(self, max_bytes: int) -> bool:
        """Take a piece that is there already, or the end; False when there is none, or one can only tell by waiting.

        Nobody else gets a turn: a peer that never stops sending is to be read by `read_more`, too.

        Raises:
            RequestBroken: the connection is lost.
        """
        if self._sock is None:
            return False
        try:
            self.take(*receive_now(self._sock, min(max_bytes, PIECE_BYTES)))
        except BlockingIOError:
            return False
        except OSError as exc:
            raise self._lost_reading() from exc
        return True

    def take(self, data: bytes | bytearray, received_ns: int) -> None:
        """Hand h11 what has been read; b"" at the end."""
        self.at_eof = not data
        self.received_ns = received_ns
        self.machine.receive_data(bytes(data))

    def _lost_reading(self) -> RequestBroken:
        self._lost = True
        return RequestBroken("the connection was lost while reading")

    def encode_head(self, response: h11.Response, encoded: bytes) -> bytes:
        """Encode how an answer begins; the bytes go to `write`. The arguments are those of Machine.

        Raises:
            InvalidResponse: HTTP does not allow it here. The connection cannot be used for answers any more.
            RequestBroken: nothing may be written any more.
        """
        self._check_writable()
        try:
            return self.machine.send_head(response, encoded)
        except h11.LocalProtocolError as exc:
            raise InvalidResponse(str(exc)) from exc

    def encode(self, event: h11.Data | h11.EndOfMessage | h11.InformationalResponse) -> bytes:
        """Encode something else to send. Raises likewise."""
        self._check_writable()
        try:
            return self.machine.send(event)
        except h11.LocalProtocolError as exc:
            raise InvalidResponse(str(exc)) from exc

    def _check_writable(self) -> None:
        if self.broken:
            raise RequestBroken("the connection is not usable any more")

    async def write(self, data: bytes) -> None:
        """Send all of what `encode` gave. Cancelled: the connection is broken, as nobody knows how much has left.

        It gives others a turn only if it has to wait.

        Raises:
            RequestBroken: the peer left, took nothing for `write_timeout_seconds`, or took too long for this answer in
                all (see `response_seconds`).
        """
        self._writing = True
        try:
            sent = self._write_now(data)
            self.written_bytes += sent
            if sent < len(data):
                await self._write_slowly(memoryview(data)[sent:])
        except (OSError, trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError) as exc:
            raise RequestBroken("the connection was lost while writing") from exc
        self._writing = False

    def _write_now(self, data: bytes | memoryview) -> int:
        """Write what the kernel takes at once, and return how much that was."""
        if self._sock is None or not data:
            return 0
        try:
            return self._sock.send(data)
        except BlockingIOError:
            return 0

    async def _write_slowly(self, view: memoryview) -> None:
        """Write what has to wait for the peer.

        Raises:
            TooSlowError: it takes nothing, or too little in all.
        """
        if self._pace is None:
            self._pace = self.pace(self.config.response_seconds)
        while view:
            sent = await self._write_in_time(view, self._pace)
            self.written_bytes += sent
            view = view[sent:]

    async def _write_in_time(self, view: memoryview, pace: Pace) -> int:
        """Wait until some of it has been written; return how much.

        A slow line empties the kernel's buffer for a long while before that takes more: it is progress all the same.
        """
        while True:
            taken_before = self.taken_bytes
            try:
                with pace.waiting(self.config.write_timeout_seconds):
                    sent = await self._send_some(view)
                    pace.moved(sent)
                    return sent
            except trio.TooSlowError:
                if pace.left_seconds <= 0 or self.taken_bytes <= taken_before:
                    raise

    async def _send_some(self, view: memoryview) -> int:
        """Wait until some of it has been written; return how much."""
        if self._sock is None:
            piece = view[:WRITE_PIECE_BYTES]
            await self._stream.send_all(piece)
            return len(piece)
        await trio.lowlevel.wait_writable(self._sock)
        return self._write_now(view)

    async def linger(self, max_bytes: int, pace: Pace, *, stall_seconds: float) -> None:
        """Say that no more will be sent, then drop what the peer still sends, so many bytes and so long at most.

        RFC 9112, section 9.6: "If a server performs an immediate close of a TCP connection, there is a significant
        risk that the client will not be able to read the last HTTP response." TLS has no half-close; there the peer
        learns of the end from `Connection: close`.
        """
        try:
            if isinstance(self._stream, trio.abc.HalfCloseableStream):
                await self._stream.send_eof()
            while max_bytes > 0 and (size := await self._drop_some(pace, stall_seconds)):
                max_bytes -= size
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError):
            return

    async def _drop_some(self, pace: Pace, stall_seconds: float) -> int:
        """Read a piece and forget it; return how long it was."""
        with pace.waiting(stall_seconds):
            size = len(await self._stream.receive_some(PIECE_BYTES))
        pace.moved(size)
        return size

    async def aclose(self) -> None:
        """Close the stream: at once if it is broken, else as the stream does it (TLS says goodbye)."""
        if self.broken:
            await trio.aclose_forcefully(self._stream)
        else:
            await self._stream.aclose()


async def _receive(sock: stdlib_socket.socket, max_bytes: int) -> tuple[bytes, int]:
    if sock.fileno() < 0:  # no file descriptor to wait for: an application may ask after its connection is closed
        raise trio.ClosedResourceError
    while True:
        await trio.lowlevel.wait_readable(sock)
        with suppress(BlockingIOError):  # somebody woke us for nothing
            return receive_now(sock, max_bytes)
