"""h11's state machine joined to a stream: bytes in, bytes out, deadlines, and whether the connection is still sound.

It owns neither requests nor the decision what to answer. One task may read while another writes; two of a kind may
not.
"""

from typing import Final, final

import h11
import trio

from slysock.config import Config
from slysock.http.errors import InvalidResponse, RequestBroken

PIECE_BYTES: Final = 16_384
"""Most bytes read at once. A piece full of one-byte chunks keeps h11 busy for tens of milliseconds; no more than so."""

WRITE_PIECE_BYTES: Final = 65_536
"""Most bytes written under one deadline, so that a slow peer that makes progress is not taken for a stuck one."""


@final
class Wire:
    """One h11 machine on one stream.

    Attributes:
        machine: h11's state, for reading. Only this class feeds it; see `encode`.
        at_eof: the peer has said that it sends no more.
        draining: answers from now on end the connection.
    """

    def __init__(self, stream: trio.abc.Stream, config: Config) -> None:
        self.machine = h11.Connection(h11.SERVER, max_incomplete_event_size=config.max_request_head_bytes)
        self.config = config
        self.at_eof = False
        self.draining = False
        self._stream = stream
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

    def give_up(self) -> None:
        """Make sure that the connection is not used again, and is closed without courtesy."""
        self._lost = True

    async def read_more(self, max_bytes: int = PIECE_BYTES) -> None:
        """Receive one piece, or the end of what the peer sends, and hand it to h11. Cancelled: nothing is lost.

        Raises:
            RequestBroken: the connection is lost.
        """
        try:
            data = await self._stream.receive_some(min(max_bytes, PIECE_BYTES))
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            self._lost = True
            raise RequestBroken("the connection was lost while reading") from exc
        self.at_eof = not data
        self.machine.receive_data(bytes(data))

    def encode(self, event: h11.Event) -> bytes:
        """Give h11 something to send; the bytes go to `write`.

        Raises:
            InvalidResponse: h11 does not allow it here. The connection cannot be used for answers any more.
            RequestBroken: nothing may be written any more.
        """
        if self.broken:
            raise RequestBroken("the connection is not usable any more")
        try:
            return self.machine.send(event) or b""
        except h11.LocalProtocolError as exc:
            raise InvalidResponse(str(exc)) from exc

    async def write(self, data: bytes) -> None:
        """Send all of what `encode` gave. Cancelled: the connection is broken, as nobody knows how much has left.

        Raises:
            RequestBroken: the peer left, or took nothing for `write_timeout_seconds`.
        """
        if not data:
            await trio.lowlevel.checkpoint()
            return
        self._writing = True
        view = memoryview(data)
        try:
            for start in range(0, len(view), WRITE_PIECE_BYTES):
                with trio.fail_after(self.config.write_timeout_seconds):
                    await self._stream.send_all(view[start : start + WRITE_PIECE_BYTES])
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError) as exc:
            raise RequestBroken("the connection was lost while writing") from exc
        self._writing = False

    async def linger(self, max_bytes: int) -> None:
        """Say that no more will be sent, then drop what the peer still sends, at most `max_bytes`.

        RFC 9112, section 9.6: "If a server performs an immediate close of a TCP connection, there is a significant
        risk that the client will not be able to read the last HTTP response." TLS has no half-close; there the peer
        learns of the end from `Connection: close`.
        """
        try:
            if isinstance(self._stream, trio.abc.HalfCloseableStream):
                await self._stream.send_eof()
            while max_bytes > 0 and (data := await self._stream.receive_some(PIECE_BYTES)):
                max_bytes -= len(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def aclose(self) -> None:
        """Close the stream: at once if it is broken, else as the stream does it (TLS says goodbye)."""
        if self.broken:
            await trio.aclose_forcefully(self._stream)
        else:
            await self._stream.aclose()
