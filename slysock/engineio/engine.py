"""Engine.IO on HTTP: what becomes of each request, and the tasks that all sessions share."""

import socket as stdlib_socket
from collections.abc import Callable
from typing import final

import msgspec
import trio

from slysock.config import Config
from slysock.engineio.address_rates import AddressRates
from slysock.engineio.checks import Query, check_request
from slysock.engineio.compression import Compression
from slysock.engineio.gate import Gate, describe
from slysock.engineio.home import Home, InNursery
from slysock.engineio.hooks import EngineHooks
from slysock.engineio.long_polling import LongPolling
from slysock.engineio.outbox import Flusher
from slysock.engineio.polling import PollingTransport
from slysock.engineio.reading import Reader, SocketSource, Source, StreamSource
from slysock.engineio.receiver import Receiver
from slysock.engineio.responses import Responses
from slysock.engineio.session import Session
from slysock.engineio.sessions import Sessions
from slysock.engineio.slow_consumers import SlowConsumers
from slysock.engineio.timers import Timers
from slysock.engineio.transport import Ending
from slysock.engineio.upgrade import Probe
from slysock.engineio.websocket import WebSocketTransport
from slysock.errors import RefusalRecord
from slysock.http import Request
from slysock.http.addresses import AddressGroups
from slysock.http.head import Head, Headers
from slysock.request import EngineRequest
from slysock_protocol.engineio import HandshakeError
from slysock_protocol.errors import CloseCode
from slysock_protocol.websocket import first_subprotocol, switching_protocols


@final
class Opening(msgspec.Struct, frozen=True):
    """The opening handshake of a WebSocket that is let in.

    Attributes:
        request: what is known of it.
        sid: the session that is to go over to the WebSocket; None for a new one.
        answer: to the client.
        behind: what the client has sent behind it already.
    """

    request: EngineRequest
    sid: str | None
    answer: bytes
    behind: bytes


@final
class Engine:
    """Engine.IO of one server.

    Args:
        config: limits.
        accept: given each new session, returns the layer above it.
        leaving: counts clients that have left while something of theirs is still being handled.
        hooks: an application's say in requests.
        refused: told of every request that is refused.
        groups: what addresses are counted under.
        addresses: how often the clients of one may come.

    Attributes:
        sessions: the table of them.
        timers: all deadlines.
        reader: who reads plain sockets.
        consumers: who is judged for reading too slowly.
    """

    def __init__(
        self,
        config: Config,
        *,
        accept: Callable[[Session], Receiver],
        leaving: Callable[[], int],
        hooks: EngineHooks,
        refused: Callable[[RefusalRecord], None],
        groups: AddressGroups,
        addresses: AddressRates,
    ) -> None:
        self.timers = Timers()
        self.consumers = SlowConsumers(config, self.timers)
        self.sessions = Sessions(config, self.timers, accept, leaving, groups)
        self._flusher = Flusher()
        self.reader = Reader(self._flusher)
        self._config = config
        self._refused = refused
        self._addresses = addresses
        self._gate = Gate(hooks, refused, config.connect_timeout_seconds, self.timers.lag.blocked)
        self._responses = Responses(config, self._gate, Compression(config, self.timers))
        self._long_polling = LongPolling(
            config, self.sessions, self.timers, self.consumers, self._responses, self.reader.turn
        )

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run the reader, the flusher and the timers, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._flusher.run)
            nursery.start_soon(self.reader.run)
            nursery.start_soon(self.timers.run)
            await nursery.start(self._long_polling.run)
            task_status.started()

    def owns(self, path: str) -> bool:
        """Tell whether a request path is Engine.IO's."""
        return path.removesuffix("/") == self._config.path.removesuffix("/")

    async def handle(self, request: Request) -> Opening | None:
        """Answer one request; or return what is to become of the connection when HTTP is done with it."""
        if not self._responses.allows_origin(request):
            await self._responses.forbid_origin(request)
        elif request.method == "OPTIONS":
            await self._responses.preflight(request)
        elif (no := await self._gate.ask_middleware(request)) is not None:
            await self._responses.deny(request, no)
        else:
            return await self._answer(request)
        return None

    def recognize(self, head: Head, behind: bytes) -> Opening | None:
        """Do the same with a head that opens a WebSocket, at once; None where it is to be handled as a request.

        That is where anything speaks against it, or an application's hook wants to be asked.
        """
        if self._gate.asks or not self.sessions.accepting or not self._responses.allows_origin(head):
            return None
        query = check_request(head, self._config, self.sessions.is_known)
        if isinstance(query, HandshakeError) or query.transport != "websocket":
            return None
        opening = describe(head, query.parameters)
        opens = query.sid is None
        if opens and (self.sessions.crowd(opening) is not None or self._addresses.handshake(head.peer)):
            return None  # a handshake that is refused costs its address nothing
        return self._opening(head, query.sid, opening, behind)

    async def _answer(self, request: Request) -> Opening | None:
        """Answer a request that nothing speaks against but itself."""
        query = check_request(request.head, self._config, self.sessions.is_known)
        if isinstance(query, HandshakeError):
            await self._responses.refuse(request, query)
        elif query.transport == "polling" and query.sid is not None:
            await self._long_polling.handle(request, query.sid)
        elif query.sid is not None:
            return await self._websocket(request, query.sid, describe(request.head, query.parameters))
        else:
            return await self._open(request, query)
        return None

    async def _open(self, request: Request, query: Query) -> Opening | None:
        """Open a session, if its client is allowed in."""
        early_seconds = self._addresses.handshake(request.peer)
        if early_seconds:
            await self._responses.too_many(request, early_seconds)
            return None
        opening = describe(request.head, query.parameters)
        crowd, no = self.sessions.crowd(opening), None
        if crowd is None:
            no = await self._gate.ask_allowed(opening)
            crowd = self.sessions.crowd(opening)  # others may have come meanwhile
        if no is not None:
            await self._responses.deny(request, no)
        elif crowd is not None:
            await self._responses.crowded(request, crowd)
        elif query.transport == "websocket":
            return await self._websocket(request, None, opening)
        else:
            await self._long_polling.open(request, opening)
        return None

    async def _websocket(self, request: Request, sid: str | None, opening: EngineRequest) -> Opening | None:
        """Prepare a WebSocket: a new session's, or one that a polling session would go over to."""
        if not self.sessions.accepting:
            await self._responses.unavailable(request)
            return None
        return self._opening(request.head, sid, opening, request.hand_over(), request.extra_headers)

    def _opening(
        self, head: Head, sid: str | None, request: EngineRequest, behind: bytes, extra_headers: Headers = ()
    ) -> Opening:
        answer = switching_protocols(
            head.header(b"sec-websocket-key") or b"",
            first_subprotocol(head.header(b"sec-websocket-protocol")),
            (*extra_headers, *self._gate.headers_for(head)),
        )
        return Opening(request, sid, answer, behind)

    # -- WebSockets ----------------------------------------------------------------------------------------------------

    async def serve_websocket(
        self, opening: Opening, stream: trio.abc.Stream, sock: stdlib_socket.socket | None
    ) -> None:
        """Serve one on any stream, until it ends; the caller closes that."""
        async with trio.open_nursery() as nursery:
            home = InNursery(nursery)
            transport = self._transport(opening, StreamSource(stream), home, opening.behind, stream=stream, sock=sock)
            del opening  # up to 100 kB, which nobody needs while the connection lasts
            await transport.run()
            nursery.cancel_scope.cancel()

    def start_websocket(self, opening: Opening, sock: stdlib_socket.socket, home: Home) -> None:
        """Serve one on a plain socket, without a task while nothing has to wait. Only if the Reader reads sockets."""
        source = SocketSource(self.reader, sock)
        self._transport(opening, source, home, b"", stream=None, sock=sock).start(opening.behind)

    def _transport(
        self,
        opening: Opening,
        source: Source,
        home: Home,
        behind: bytes,
        *,
        stream: trio.abc.Stream | None,
        sock: stdlib_socket.socket | None,
    ) -> WebSocketTransport:
        transport = WebSocketTransport(
            source,
            stream=stream,
            sock=sock,
            answer=opening.answer,
            behind=behind,
            home=home,
            turn=self.reader.turn,
            flusher=self._flusher,
            consumers=self.consumers,
            config=self._config,
        )
        if opening.sid is None:
            transport.open(self.sessions.open(opening.request, transport))
        else:
            self._probe(opening.sid, transport, opening.request.address)
        return transport

    def _probe(self, sid: str, websocket: WebSocketTransport, address: str) -> None:
        """Begin an upgrade. A WebSocket that comes too late, or is one too many, was accepted and is closed.

        Clients expect it so; answering the request with an error would end the session for some of them.
        """
        session = self.sessions.find(sid)
        if (
            session is None
            or session.state != "open"
            or not isinstance(session.transport, PollingTransport)
            or not self._config.allow_upgrades
        ):
            detail = "its session cannot go over to this WebSocket, or not any more"
            self._refused(RefusalRecord(reason="sid", detail=detail, address=address))
            websocket.close(Ending.ERROR, CloseCode.NORMAL, "")
            return
        timeout = self._config.upgrade_timeout_seconds
        websocket.open(Probe(session, session.transport, websocket, timers=self.timers, timeout_seconds=timeout))
