"""One connection: request after request, until one side has had enough."""

import math
import socket as stdlib_socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final, final

import h11
import trio

from slysock.config import Config
from slysock.errors import RefusalRecord, log_refusal
from slysock.http import head as heads
from slysock.http.date import date_field
from slysock.http.errors import RequestBroken
from slysock.http.idle import IdleConnections
from slysock.http.machine import END
from slysock.http.pace import TRIOS, Deadlines, Pace
from slysock.http.proxies import TrustedProxies
from slysock.http.request import REASONS, Request
from slysock.http.stream import HttpStream
from slysock.http.usual import UsualHead

LINGER_SECONDS: Final = 2.0
"""How long a refused client may take to read why, before the connection is cut (nginx: 5 s between reads)."""

LINGER_BYTES: Final = 8_388_608
"""How much is dropped meanwhile of what it still sends, whatever that is."""

LINGER_BYTES_PER_SECOND: Final = 10_000
"""Many clients read an answer only when they have sent their body: who goes on with it like that may take longer. Of a
body, `max_payload_bytes` are dropped."""


@final
class HttpConnection:
    """The server's side of one HTTP/1.1 connection.

    One task asks for requests and answers each before the next. Whoever makes the connection calls `aclose`, which
    closes the stream.

    Args:
        stream: a socket, TLS or in-memory stream; nobody else may use it.
        sock: the non-blocking socket that the stream is, where it is nothing but that; it makes requests cheaper.
        config: deadlines and bounds.
        secure: whether the stream is under TLS.
        peer: the client's address, empty for Unix sockets.
        proxies: whose word about the client behind them counts.
        idle: bounds how many wait for a request; by default there is no other connection.
        refused: told of each head that is refused.
        deadlines: of the peer.
        first: what has been read already, and when it came, in nanoseconds.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        config: Config,
        *,
        secure: bool,
        peer: str,
        sock: stdlib_socket.socket | None = None,
        proxies: TrustedProxies | None = None,
        idle: IdleConnections | None = None,
        refused: Callable[[RefusalRecord], None] = log_refusal,
        deadlines: Deadlines = TRIOS,
        first: tuple[bytes, int] | None = None,
    ) -> None:
        self._stream = HttpStream(stream, sock, config, deadlines)
        if first is not None:
            self._stream.take(*first)
        self._secure = secure
        self._peer = peer
        self._proxies = proxies if proxies is not None and proxies.trusts(peer) else None
        self._refused = refused
        self._request: Request | None = None
        self._others = IdleConnections(config.max_idle_connections) if idle is None else idle
        self._idle: trio.CancelScope | None = None  # around a wait for the first byte of a request

    async def next_request(self) -> Request | None:
        """Return the next request, or None when there will be none: call `aclose` then.

        A head that is malformed, too long or too slow is answered here (400, 408, 431, 501 or 505). An idle
        connection ends quietly after `request_head_seconds`, or when too many are idle. What an answered request left
        unread of its body is dropped first.
        """
        try:
            if not await self._previous_is_over():
                return None
            head = await self._read_head()
        except RequestBroken:
            return None
        except h11.RemoteProtocolError as exc:
            exc.__traceback__ = None  # h11 raises it again in a frame that it holds
            await self._refuse(exc.error_status_hint)
            return None
        return None if head is None else await self._make_request(head)

    def finish(self) -> None:
        """Take no more requests: one under way is still answered, with `Connection: close`; an idle wait ends now."""
        self._stream.draining = True
        if self._idle is not None:
            self._idle.cancel()

    async def aclose(self) -> None:
        """Close the stream. When the peer may still be sending, let it see the answer first, for a bounded time.

        Takes a few seconds, or as long as the peer goes on with its body; cancelled, it closes at once.
        """
        try:
            if self._owes_lingering():
                await self._linger()
        finally:
            with trio.move_on_after(LINGER_SECONDS):
                await self._stream.aclose()

    async def _linger(self) -> None:
        """Drop what the peer still sends: a body for which it did not wait to be asked, or anything."""
        max_bytes, bytes_per_second = LINGER_BYTES, math.inf
        if self._stream.machine.their_state is h11.SEND_BODY and not (
            self._request and self._request.waits_to_be_asked
        ):
            max_bytes, bytes_per_second = self._stream.config.max_payload_bytes, LINGER_BYTES_PER_SECOND
        pace = Pace(LINGER_SECONDS, bytes_per_second, self._stream.deadlines)
        await self._stream.linger(max_bytes, pace, stall_seconds=LINGER_SECONDS)

    async def _previous_is_over(self) -> bool:
        """Bring h11 to where the next head may come, dropping an unread body; False when that cannot be."""
        machine = self._stream.machine
        if self._stream.broken or self._stream.draining:
            return False
        if self._request is None or machine.our_state is not h11.DONE:
            return machine.our_state is h11.IDLE
        if not self._request.body_complete:
            with self._stream.deadlines.limit(self._stream.config.request_head_seconds):
                while await self._request.receive_chunk():
                    pass
        if machine.their_state is not h11.DONE:
            return False
        self._stream.next_cycle()
        self._request = None  # an idle connection does not carry its last one along
        return True

    async def _read_head(self) -> h11.Request | UsualHead | None:
        """Wait for a head, under two deadlines: one for its first byte, one from there on.

        Raises:
            h11.RemoteProtocolError: it will never be one.
            RequestBroken: the connection is lost.
        """
        if self._stream.machine.skip_empty_lines():
            await trio.lowlevel.checkpoint()  # between requests that came all at once, others get a turn
        elif not await self._first_byte():
            return None
        if self._stream.has_too_many_lines():
            await self._refuse(431)
            return None
        event = self._stream.machine.next_event()
        if isinstance(event, (h11.Request, UsualHead)):  # nearly always: it fits into a segment
            return event
        with self._stream.deadlines.limit(self._stream.config.request_head_seconds) as wait:
            self._others.add(wait)
            try:
                return await self._rest_of_head()
            finally:
                self._others.discard(wait)
        await self._refuse(408)
        return None

    async def _first_byte(self) -> bool:
        """Wait for anything to arrive; False when nothing did in time, or `finish` was called meanwhile.

        Under load the next request is there as soon as others have had their turn, and no deadline is needed.
        """
        limit = self._stream.config.max_request_head_bytes + 1
        await trio.lowlevel.checkpoint()
        if self._stream.read_now(limit) and self._stream.machine.skip_empty_lines():
            return True
        if not (self._stream.at_eof or self._stream.draining):
            with self._stream.deadlines.limit(self._stream.config.request_head_seconds) as wait:
                self._others.add(wait)
                self._idle = wait
                try:
                    await self._read_beginning(limit)
                finally:
                    self._others.discard(wait)
            self._idle = None
        return self._stream.buffered > 0

    async def _read_beginning(self, max_bytes: int) -> None:
        """Read until there is more than empty lines, or the end. Raises like `_read_head`."""
        while not (self._stream.buffered or self._stream.at_eof):
            await self._stream.read_more(max_bytes)
            self._stream.machine.skip_empty_lines()

    async def _rest_of_head(self) -> h11.Request | UsualHead | None:
        """Read until h11 has a head; None when the peer sends no more. Raises like `_read_head`."""
        while True:
            # One byte more than allowed is enough for h11 to see that the head is too long.
            await self._stream.read_more(self._stream.config.max_request_head_bytes + 1 - self._stream.buffered)
            if self._stream.at_eof:
                return None
            if self._stream.has_too_many_lines():
                await self._refuse(431)
                return None
            event = self._stream.machine.next_event()
            if isinstance(event, (h11.Request, UsualHead)):
                return event

    async def _make_request(self, head: h11.Request | UsualHead) -> Request | None:
        read = heads.read_head(
            head.method,
            head.target,
            head.http_version,
            list(head.headers),  # h11's own sequence is slow to walk
            peer=self._peer,
            secure=self._secure,
            proxies=self._proxies,
        )
        if isinstance(read, heads.BadHead):
            await self._refuse(read.status, read.reason, with_body=head.method != b"HEAD")
            return None
        self._request = Request(self._stream, read)
        return self._request

    async def _refuse(self, status: int, reason: str = "", *, with_body: bool = True) -> None:
        """Answer a head that became no request; whether that arrives is the peer's concern."""
        text = reason.encode() or REASONS[status]
        self._refused(RefusalRecord(reason="request", detail=f"{status} {text.decode()}", address=self._peer))
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"%d" % len(text)),
            date_field(),
            (b"connection", b"close"),
        ]
        response = h11.Response(status_code=status, headers=headers, reason=REASONS[status])
        with suppress(RequestBroken):
            begin = self._stream.encode_head(response, b"")
            body = self._stream.encode(h11.Data(data=text if with_body else b""))
            await self._stream.write(begin + body + self._stream.encode(END))

    def _owes_lingering(self) -> bool:
        """Whether an answer was given while the peer may still be sending what nobody will read."""
        machine = self._stream.machine
        answered = machine.our_state in (h11.DONE, h11.MUST_CLOSE)
        sending = machine.their_state in (h11.IDLE, h11.SEND_BODY, h11.ERROR)
        return answered and sending and not self._stream.at_eof and not self._stream.broken
