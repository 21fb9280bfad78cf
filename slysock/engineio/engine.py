"""Engine.IO on HTTP: which session a request belongs to, and what it may do.

Source: Engine.IO protocol v4, "Handshake" and "Transports"; where that is silent, Node's engine.io 6 (lib/server.ts).
"""

import secrets
import socket as stdlib_socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeAlias, final

import msgspec
import trio

from slysock.config import Config, TransportName
from slysock.engineio.outbox import Flusher
from slysock.engineio.polling import LINGER_SECONDS, PollingTransport
from slysock.engineio.reading import Reader
from slysock.engineio.session import Ending, Receiver, Session, Transport
from slysock.engineio.timers import Timers
from slysock.engineio.upgrade import Probe
from slysock.engineio.websocket import WebSocketTransport
from slysock.http import BodyTooLarge, Request, RequestBroken
from slysock.http.content_coding import encode_body
from slysock.http.cors import Cors
from slysock.request import OpeningRequest, SessionId, read_headers, read_query
from slysock_protocol import RemoteProtocolError
from slysock_protocol.engineio import (
    PROTOCOL_VERSION,
    Close,
    HandshakeError,
    Outgoing,
    decode_payload,
    open_packet,
)
from slysock_protocol.errors import CloseCode
from slysock_protocol.websocket import first_subprotocol, is_key, switching_protocols

_TURNS_OF_A_NEW_POLL: Final = 8  # from its connection's being taken to its waiting
_PACKETS_PER_TURN: Final = 1024  # of one POST, which may hold hundreds of thousands, before others get a turn
_SESSION_ID_BYTES: Final = 15  # 120 random bits, 20 characters, as Node's server has

_TEXT: Final = (b"content-type", b"text/plain; charset=UTF-8")
_JSON: Final = (b"content-type", b"application/json")
_NO_STORE: Final = (b"cache-control", b"no-store")


@final
class Wire(msgspec.Struct, frozen=True):
    """What lies under a request: the stream, and the plain socket below it where there is one."""

    stream: trio.abc.Stream
    sock: stdlib_socket.socket | None


Takeover: TypeAlias = Callable[[], Awaitable[None]]


class _Query(msgspec.Struct, frozen=True):
    """The parameters that Engine.IO looks at."""

    parameters: dict[str, str]
    transport: TransportName
    sid: str | None


@final
class Engine:
    """The sessions of a server.

    `accept` is given each new session and returns the layer above it.
    """

    def __init__(self, config: Config, *, accept: Callable[[Session], Receiver]) -> None:
        self.config = config
        self.timers = Timers()
        self._accept = accept
        self._flusher = Flusher()
        self._reader = Reader(self._flusher)
        self._cors = Cors(config.cors_origins)
        self._sessions: dict[str, Session] = {}
        self._last_words: dict[str, PollingTransport] = {}  # of closed sessions: what one more poll may still get
        self._nursery: trio.Nursery | None = None
        self.accepting = True

    @property
    def sessions(self) -> list[Session]:
        """The open sessions, oldest first."""
        return list(self._sessions.values())

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Host the polling sessions, the reader, the flusher and the timers, until cancelled."""
        async with trio.open_nursery() as self._nursery:
            self._nursery.start_soon(self._flusher.run)
            self._nursery.start_soon(self._reader.run)
            self._nursery.start_soon(self.timers.run)
            task_status.started()

    def owns(self, path: str) -> bool:
        """Tell whether a request path is Engine.IO's."""
        return path.removesuffix("/") == self.config.path.removesuffix("/")

    # -- requests ----------------------------------------------------------------------------------------------------

    async def handle(self, request: Request, wire: Wire) -> "Takeover | None":
        """Answer one request; or return what is to be called when HTTP is done with, if it opens a WebSocket."""
        if not self._cors.allows(request):
            await self._refuse(request, HandshakeError.FORBIDDEN, status=403)
        elif request.method == "OPTIONS":
            await request.respond(204, self._cors.preflight(request))
        else:
            query = self._read_query(request)
            if isinstance(query, HandshakeError):
                await self._refuse(request, query)
            elif query.transport == "websocket":
                return await self._websocket(request, query, wire)
            elif query.sid is None:
                await self._open_polling(request, query)
            else:
                await self._polling(request, query.sid)
        return None

    def _read_query(self, request: Request) -> "_Query | HandshakeError":
        """Check what a request says of itself, in the order in which Node's server checks it."""
        try:
            parameters = read_query(request.query_string)
        except ValueError:
            return HandshakeError.BAD_REQUEST
        name = parameters.get("transport")
        transport: TransportName
        if name == "polling" and "polling" in self.config.transports:
            transport = "polling"
        elif name == "websocket" and "websocket" in self.config.transports:
            transport = "websocket"
        else:
            return HandshakeError.UNKNOWN_TRANSPORT
        query = _Query(parameters, transport, parameters.get("sid"))
        return self._objection(request, query) or query

    def _objection(self, request: Request, query: _Query) -> HandshakeError | None:
        wants_websocket = query.transport == "websocket"
        if query.sid is not None and query.sid not in self._sessions and query.sid not in self._last_words:
            return HandshakeError.UNKNOWN_SESSION
        if query.sid is None and request.method != "GET":
            return HandshakeError.BAD_METHOD
        if wants_websocket != (request.upgrade == "websocket") or (wants_websocket and not _can_upgrade(request)):
            return HandshakeError.BAD_REQUEST
        if query.parameters.get("EIO") != PROTOCOL_VERSION:
            return HandshakeError.UNSUPPORTED_VERSION
        return None

    async def _refuse(self, request: Request, error: HandshakeError, *, status: int = 400) -> None:
        await request.respond(status, [_JSON, *self._cors.headers(request)], error.body)

    # -- sessions ----------------------------------------------------------------------------------------------------

    def _opening_request(self, request: Request, query: _Query) -> OpeningRequest:
        return OpeningRequest(
            headers=read_headers(request.headers),
            query=query.parameters,
            address=request.peer,
            secure=request.secure,
            url=request.target.decode("latin-1"),
        )

    def _open(
        self,
        request: OpeningRequest,
        transport: Transport,
        nursery: trio.Nursery,
        on_closed: Callable[[Session], None],
    ) -> Session:
        """Make a session, announce it to its client and to the layer above."""
        session = Session(
            SessionId(secrets.token_urlsafe(_SESSION_ID_BYTES)),
            request,
            transport,
            nursery=nursery,
            config=self.config,
            timers=self.timers,
            on_closed=on_closed,
        )
        self._sessions[session.id] = session
        transport.send(self._open_packet(session))
        session.attach(self._accept(session))
        return session

    def _open_packet(self, session: Session) -> Outgoing:
        config = self.config
        may_upgrade = session.transport.name == "polling" and config.allow_upgrades and "websocket" in config.transports
        return open_packet(
            session.id,
            upgrades=["websocket"] if may_upgrade else [],
            ping_interval_seconds=config.ping_interval_seconds,
            ping_timeout_seconds=config.ping_timeout_seconds,
            max_payload_bytes=config.max_payload_bytes,
        )

    def _forget(self, session: Session) -> None:
        """Take a closed session out of the table; what it still has to say waits a while for a poll."""
        del self._sessions[session.id]
        transport = session.transport
        if isinstance(transport, PollingTransport) and transport.lingering and not transport.polled:
            sid = session.id  # the timer keeps this, not the session
            self._last_words[sid] = transport
            self.timers.call_later(LINGER_SECONDS, lambda: self._last_words.pop(sid, None))

    # -- long-polling ------------------------------------------------------------------------------------------------

    async def _open_polling(self, request: Request, query: _Query) -> None:
        """Open a session whose nursery is hosted here, because no connection of the client lasts as long as it does.

        Sessions are bounded here and not by their sockets: one connection can open any number of them.
        """
        if not self.accepting or len(self._sessions) >= self.config.max_connections:
            await request.respond(503, self._cors.headers(request))
            return
        assert self._nursery is not None
        session: Session = await self._nursery.start(self._host, request, query)
        await self._poll(request, session)

    async def _host(self, request: Request, query: _Query, *, task_status: trio.TaskStatus[Session]) -> None:
        """Keep the nursery of a polling session until it has closed and its handlers have ended."""
        closed = trio.Event()
        async with trio.open_nursery() as nursery:

            def ended(session: Session) -> None:
                self._forget(session)
                closed.set()

            def overflow() -> None:
                # Later, because whoever sent the message may be in the middle of a broadcast.
                self.timers.call_later(0, lambda: session.close("slow consumer", Ending.ERROR))

            transport = PollingTransport(max_bytes=self.config.max_outbox_bytes, on_full=overflow)
            session = self._open(self._opening_request(request, query), transport, nursery, ended)
            task_status.started(session)
            await closed.wait()
            nursery.cancel_scope.cancel()

    async def _polling(self, request: Request, sid: str) -> None:
        session = self._sessions.get(sid)
        if session is not None and session.upgrading is not None:
            # The client may have sent `5` before this request, on the other connection; what came first counts first.
            await _let_others_read()
        if session is not None and session.expired:
            session.expire()
        if session is None or session.closed:
            await self._give_last_words(request, sid)
        elif not isinstance(session.transport, PollingTransport):
            await self._refuse(request, HandshakeError.BAD_REQUEST)
        elif request.method == "GET":
            await self._poll(request, session)
        elif request.method == "POST":
            await self._post(request, session)
        else:
            await self._refuse(request, HandshakeError.BAD_REQUEST)

    async def _give_last_words(self, request: Request, sid: str) -> None:
        transport = self._last_words.pop(sid, None) if request.method == "GET" else None
        if transport is None:
            await self._refuse(request, HandshakeError.UNKNOWN_SESSION)
        else:
            await self._answer_poll(request, await transport.poll(request.wait_gone) or b"")

    async def _poll(self, request: Request, session: Session) -> None:
        transport = session.transport
        assert isinstance(transport, PollingTransport)
        if transport.polled:
            # Two polls at once: the packets of one would overtake those of the other.
            session.close("transport error", Ending.ERROR)
            await self._refuse(request, HandshakeError.BAD_REQUEST)
            return
        answered = False
        try:
            payload = await transport.poll(request.wait_gone)
            if payload is not None:
                await self._answer_poll(request, payload)
                answered = True
        finally:
            if not answered:  # given up, broken or cancelled: what the poll was to carry is lost
                session.lose(transport, "transport error")

    async def _answer_poll(self, request: Request, payload: bytes) -> None:
        encoded = encode_body(payload, request.header(b"accept-encoding"), self.config.compression_threshold_bytes)
        headers = [_TEXT, _NO_STORE, *self._cors.headers(request), *encoded.headers]
        await request.respond(200, headers, encoded.body)

    async def _post(self, request: Request, session: Session) -> None:
        transport = session.transport
        assert isinstance(transport, PollingTransport)
        if not transport.begin_post():
            # Two at once: their packets would overtake each other.
            session.close("transport error", Ending.ERROR)
            await self._refuse(request, HandshakeError.BAD_REQUEST)
            return
        try:
            body = await request.read_body(self.config.max_payload_bytes)
            understood = await self._take_payload(session, body)
        except BodyTooLarge:
            session.close("transport error", Ending.ERROR)
            await request.respond(413, self._cors.headers(request))
            return
        except RequestBroken as fault:
            session.lose(transport, "transport error")
            if fault.status is None:
                raise
            await request.respond(fault.status, self._cors.headers(request))
            return
        finally:
            transport.end_post()
        if understood:
            await request.respond(200, [_TEXT, _NO_STORE, *self._cors.headers(request)], b"ok")
        else:
            await self._refuse(request, HandshakeError.BAD_REQUEST)

    async def _take_payload(self, session: Session, body: bytes) -> bool:
        """Hand the packets of a POST to the session, no faster than it handles them; False when they are malformed."""
        try:
            for number, packet in enumerate(decode_payload(body), 1):
                if isinstance(packet, Close):
                    # A poll that came at the same time, on another connection, ends with a noop and not with an error.
                    await _let_others_read(_TURNS_OF_A_NEW_POLL)
                session.receive_packet(packet)
                if session.closed:
                    break
                if session.backlogged:
                    await session.wait_ready()
                elif number % _PACKETS_PER_TURN == 0:
                    await trio.lowlevel.checkpoint()
        except RemoteProtocolError as error:
            session.fail(error)
            return False
        return not session.failed

    # -- WebSocket ---------------------------------------------------------------------------------------------------

    async def _websocket(self, request: Request, query: _Query, wire: Wire) -> Takeover | None:
        """Prepare a WebSocket: a new session's, or one that a polling session would go over to."""
        if not self.accepting:
            await request.respond(503, self._cors.headers(request))
            return None
        if query.sid in self._last_words:
            await self._refuse(request, HandshakeError.UNKNOWN_SESSION)
            return None
        key, opening = request.header(b"sec-websocket-key") or b"", self._opening_request(request, query)
        answer = switching_protocols(key, first_subprotocol(request.header(b"sec-websocket-protocol")))
        return partial(self._serve_websocket, wire, answer, request.hand_over(), query.sid, opening)

    async def _serve_websocket(
        self, wire: Wire, answer: bytes, behind: bytes, sid: str | None, request: OpeningRequest
    ) -> None:
        async with trio.open_nursery() as nursery:
            transport = WebSocketTransport(
                wire.stream,
                wire.sock,
                answer=answer,
                behind=behind,
                nursery=nursery,
                flusher=self._flusher,
                reader=self._reader,
                config=self.config,
            )
            if sid is None:
                transport.open(self._open(request, transport, nursery, self._forget))
            else:
                self._probe(sid, transport)
            await transport.run()
            nursery.cancel_scope.cancel()

    def _probe(self, sid: str, websocket: WebSocketTransport) -> None:
        """Begin an upgrade. A WebSocket that comes too late, or is one too many, was accepted and is closed.

        Clients expect it so; answering the request with an error would end the session for some of them.
        """
        session = self._sessions.get(sid)
        if (
            session is None
            or session.upgrading is not None
            or not isinstance(session.transport, PollingTransport)
            or not self.config.allow_upgrades
        ):
            websocket.close(Ending.ERROR, CloseCode.NORMAL, "")
            return
        timeout = self.config.upgrade_timeout_seconds
        websocket.open(Probe(session, session.transport, websocket, timers=self.timers, timeout_seconds=timeout))


def _can_upgrade(request: Request) -> bool:
    """Tell whether a request is an opening handshake (RFC 6455, section 4.2.1)."""
    return (
        request.method == "GET"
        and request.header(b"sec-websocket-version") == b"13"
        and is_key(request.header(b"sec-websocket-key") or b"")
    )


async def _let_others_read(turns: int = 2) -> None:
    """Give turns to whoever has something to read already: one until it is scheduled, one until it has run."""
    for _ in range(turns):
        await trio.lowlevel.checkpoint()
