"""One request: its head, its body as far as somebody wants it, and the one answer it gets."""

from functools import lru_cache
from http import HTTPStatus
from typing import Final, final

import h11
import trio

from slysock.http import head as heads
from slysock.http.date import date_field
from slysock.http.errors import BodyTooLarge, InvalidResponse, RequestBroken
from slysock.http.head import Headers
from slysock.http.machine import BODILESS, END, is_usual
from slysock.http.pace import Pace
from slysock.http.stream import HttpStream

DRAIN_BYTES: Final = 65_536
"""An unread body of at most this size is read and dropped to keep the connection; a longer one costs it."""

REASONS: Final = {status.value: status.phrase.encode("ascii") for status in HTTPStatus}
PIECES_PER_TURN: Final = 16
"""So many pieces of a body are taken before others get a turn: in chunks of a byte there are thousands in one segment,
20 µs each."""

FULL_CHUNK_BYTES: Final = 64
"""A chunk of a body that carries so much is worth the time that its framing takes."""

MAX_WASTE_BYTES: Final = 1024 * FULL_CHUNK_BYTES
"""What the chunks of a body that is read as a whole may lack, together, to be of a decent size: 1024 tiny ones."""


@final
class Request:
    """A request that has arrived, with its body still on the way.

    Made by `HttpConnection.next_request`. Exactly one answer is due: `respond`, or `start`, `send` and `end`. The
    object is dead once the connection is asked for its next request.

    Attributes:
        head: what has arrived of it.
        connection: tells the connections apart that are open at the same time.
        came_ns: when its head arrived; what arrived later has a larger one, on whichever connection.

    And all that its head has; see Head.
    """

    def __init__(self, stream: HttpStream, head: heads.Head) -> None:
        self.head = head
        self.method = head.method
        self.target = head.target
        self.path = head.path
        self.raw_path = head.raw_path
        self.query_string = head.query_string
        self.headers = head.headers
        self.http_version = head.http_version
        self.peer = head.peer
        self.secure = head.secure
        self.upgrade = head.upgrade
        self.body_complete = False
        """Whether the whole body has been read; True from the start when there is none."""
        self.connection = id(stream)
        self.came_ns = stream.received_ns
        self.extra_headers: Headers = ()
        """What `respond` adds to the headers that it is given, whoever calls it."""
        self._stream = stream
        self._pace: Pace | None = None  # of the body, once it had to be waited for
        self._unread = heads.body_length(head.fields)  # bytes of the body that h11 has not given yet; None: chunked
        self._head = b""  # an encoded response head that waits for the first piece of its body
        self._sends_body = True
        self._pieces = 0  # of the body, so far
        self._settle()

    def header(self, name: bytes, /) -> bytes | None:
        """Return the first value of a header, whose name is in lower case, or None."""
        return self.head.fields.get(name)

    # ---- the request's body -------------------------------------------------------------------------------------

    async def read_body(self, limit: int) -> bytes:
        """Read the whole body, or what is left of it.

        Args:
            limit: most bytes taken; a longer body is not read on.

        Raises:
            BodyTooLarge: the declared or the received length is over the limit.
            RequestBroken: the peer left, stalled, or sent nonsense, or thousands of tiny chunks.
        """
        if self._unread is not None and self._unread > limit:
            raise BodyTooLarge(limit)
        body, waste_bytes = bytearray(), 0
        while chunk := await self.receive_chunk():
            body += chunk
            if len(body) > limit:
                raise BodyTooLarge(limit)
            if self._unread is None and len(chunk) < FULL_CHUNK_BYTES:
                waste_bytes += FULL_CHUNK_BYTES - len(chunk)
                if waste_bytes > MAX_WASTE_BYTES:
                    raise RequestBroken("the request body came in too many chunks", status=400)
        return bytes(body)

    async def receive_chunk(self) -> bytes:
        """Return the next piece of the body, at most 16 KiB; `b""` at its end. Cancelled: nothing is lost.

        Raises:
            RequestBroken: the peer left, stalled for `request_stall_seconds`, took too long in all (see
                `request_body_seconds`), or sent nonsense.
        """
        while not self.body_complete:
            event = self._next_event()
            if isinstance(event, h11.Data):
                self._pieces += 1
                if self._pieces % PIECES_PER_TURN == 0:
                    await trio.lowlevel.cancel_shielded_checkpoint()  # cancelled, it would lose the piece
                return self._taken(bytes(event.data))
            if isinstance(event, h11.EndOfMessage):
                self.body_complete = True
            else:
                await self._fetch()
        return b""

    def _next_event(self) -> object:
        try:
            return self._stream.machine.next_event()
        except h11.RemoteProtocolError as exc:
            status = None if self._stream.at_eof else 400
            cause = exc.with_traceback(None)  # h11 raises it again in a frame that it holds
            raise RequestBroken("the request body is broken off or malformed", status=status) from cause

    def _taken(self, data: bytes) -> bytes:
        if self._pace is not None:
            self._pace.moved(len(data))
        if self._unread is not None:
            self._unread -= len(data)
            self._settle()
        return data

    def _settle(self) -> None:
        """Let h11 see the end of a body as soon as its length is used up; it needs no further byte for that."""
        if self._unread == 0:
            self._next_event()
            self.body_complete = True

    async def _fetch(self) -> None:
        machine = self._stream.machine
        if machine.they_are_waiting_for_100_continue:
            go_on = h11.InformationalResponse(status_code=100, headers=[], reason=REASONS[100])
            await self._stream.write(self._stream.encode(go_on))
        config = self._stream.config
        if self._pace is None:
            self._pace = self._stream.pace(config.request_body_seconds)
        try:
            with self._pace.waiting(config.request_stall_seconds):
                await self._stream.read_more()
        except trio.TooSlowError:
            self._stream.draining = True
            raise RequestBroken("the request body did not arrive in time", status=408) from None

    # ---- the answer ---------------------------------------------------------------------------------------------

    async def respond(self, status: int, headers: Headers = (), body: bytes = b"") -> None:
        """Answer in one piece. Content-Length and Date are added; HEAD, 204 and 304 send no body.

        Cancelled: the connection is broken and serves no further request.

        Raises:
            InvalidResponse: status or headers are no HTTP, or there was an answer already.
            RequestBroken: the peer left, or took nothing for `write_timeout_seconds`.
        """
        length = () if status in BODILESS else ((b"content-length", b"%d" % len(body)),)
        extra = (*self.extra_headers, date_field())
        self._begin(*_familiar_response(status, (*headers, *extra, *length, *self._closing())))
        await self.end(body)

    def start(self, status: int, headers: Headers = ()) -> None:
        """Begin an answer. Nothing is written before `send` or `end`, so that head and body share a segment.

        Without a Content-Length among the headers the body is sent in chunks, or to an HTTP/1.0 peer up to the end of
        the connection. A Date is added where there is none.

        Raises:
            InvalidResponse: status or headers are no HTTP; another answer may be given if none was begun before.
        """
        dated = any(name.lower() == b"date" for name, _ in headers)
        self._begin(*_response(status, (*headers, *(() if dated else (date_field(),)), *self._closing())))

    async def send(self, chunk: bytes) -> None:
        """Write a piece of the body; where the answer has no body, drop it.

        Raises:
            InvalidResponse: not started, already ended, or more than the Content-Length says.
            RequestBroken: as for `respond`.
        """
        await self._write(self._encode_chunk(chunk))
        await trio.lowlevel.checkpoint()  # a long body for a fast client keeps nobody else waiting

    async def end(self, chunk: bytes = b"") -> None:
        """Write the last piece and end the answer.

        Raises:
            InvalidResponse: not started, already ended, or not as long as the Content-Length says.
            RequestBroken: as for `respond`.
        """
        last = self._encode_chunk(chunk) if chunk else b""
        await self._write(last + self._stream.encode(END))

    @property
    def waits_to_be_asked(self) -> bool:
        """Whether the client has announced to send no body before it gets `100 Continue`."""
        return (self.header(b"expect") or b"").lower() == b"100-continue"

    @property
    def line(self) -> HttpStream:
        """What counts the bytes of this connection, for as long as that is; only differences say something."""
        return self._stream

    def abandon(self) -> None:
        """Abandon the connection with the answer unfinished; the peer sees it broken off."""
        self._stream.give_up()

    def _begin(self, response: h11.Response, encoded: bytes) -> None:
        self._head = self._stream.encode_head(response, encoded)
        self._sends_body = self.method != "HEAD" and response.status_code not in BODILESS

    def _closing(self) -> Headers:
        return ((b"connection", b"close"),) if self._must_close() else ()

    def _encode_chunk(self, chunk: bytes) -> bytes:
        return self._stream.encode(h11.Data(data=chunk if self._sends_body else b""))

    async def _write(self, data: bytes) -> None:
        data, self._head = self._head + data, b""
        await self._stream.write(data)

    def _must_close(self) -> bool:
        """Whether this answer is the connection's last, which its head has to say."""
        if self._stream.draining or self._stream.at_eof:
            return True
        if self.body_complete:
            return False
        machine = self._stream.machine
        # A client still waiting for 100 may now send its body or not; nobody can tell what comes next.
        unsure = self._unread is None or machine.they_are_waiting_for_100_continue
        return unsure or machine.their_state is h11.ERROR or (self._unread or 0) > DRAIN_BYTES

    # ---- the connection below -----------------------------------------------------------------------------------

    async def wait_gone(self) -> None:
        """Wait until the peer has closed the connection, while its answer is held back.

        What a pipelining client sends meanwhile is kept for its turn, up to `max_request_head_bytes`; past that
        nothing is read, so its leaving goes unnoticed. A peer that closes only its sending side counts as gone.
        Cancelled: nothing is lost.
        """
        while await self._read_ahead():
            pass
        await trio.lowlevel.checkpoint()

    async def wait_next(self) -> bool:
        """Wait until the peer has sent something behind this request, or has gone; False when it has gone.

        Cancelled: nothing is lost.
        """
        while not self._stream.has_next:
            if not await self._read_ahead():
                return False
        await trio.lowlevel.checkpoint()
        return True

    async def _read_ahead(self) -> bool:
        """Read what comes behind this request; False when the peer has gone."""
        if self._stream.at_eof:
            return False
        room = self._stream.config.max_request_head_bytes - self._stream.buffered
        if room <= 0:
            await trio.sleep_forever()
        try:
            await self._stream.read_more(room)
        except RequestBroken:
            return False
        return True

    def hand_over(self) -> bytes:
        """Leave HTTP: return what the client has sent behind this request already.

        The stream is the caller's from here on. Call it before anything of the body was read, and neither answer nor
        ask for another request; `HttpConnection.aclose` then only closes the stream.
        """
        rest, _ = self._stream.machine.trailing_data
        self._stream.draining = True
        return bytes(rest)


def _response(status: int, headers: tuple[tuple[bytes, bytes], ...]) -> tuple[h11.Response, bytes]:
    """Let h11 check an answer's head; return that, and how it is written if it is usual.

    Raises:
        InvalidResponse: it is no HTTP.
    """
    try:
        response = h11.Response(status_code=status, headers=list(headers), reason=REASONS.get(status, b""))
    except h11.LocalProtocolError as exc:
        raise InvalidResponse(str(exc)) from exc
    if not is_usual(response):
        return response, b""
    lines = b"".join(b"%b: %b\r\n" % header for header in response.headers.raw_items())
    return response, b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, response.reason, lines)


# Heads of whole answers come again and again, for as long as their date is the same, and a checked one is a value: 4 µs
# less for each of them. What a client sends and gets back in a head is bounded by its request's, so that they take
# 2 MB at worst.
_familiar_response: Final = lru_cache(maxsize=128)(_response)
