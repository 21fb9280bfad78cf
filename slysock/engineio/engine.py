"""Engine.IO on HTTP: what becomes of each request, and the tasks that all sessions share."""

import socket as stdlib_socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias, final

import msgspec
import trio

from slysock.config import Config
from slysock.engineio.address_rates import AddressRates
from slysock.engineio.checks import Query, check_request
from slysock.engineio.compression import Compression
from slysock.engineio.gate import Gate, describe
from slysock.engineio.hooks import EngineHooks
from slysock.engineio.long_polling import LongPolling
from slysock.engineio.outbox import Flusher
from slysock.engineio.polling import PollingTransport
from slysock.engineio.reading import Reader
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
from slysock.request import EngineRequest
from slysock_protocol.engineio import HandshakeError
from slysock_protocol.errors import CloseCode
from slysock_protocol.websocket import first_subprotocol, switching_protocols


@final
class Wire(msgspec.Struct, frozen=True):
    """What lies under a request: the stream, and the plain socket below it where there is one."""

    stream: trio.abc.Stream
    sock: stdlib_socket.socket | None


Takeover: TypeAlias = Callable[[], Awaitable[None]]
"""Goes on with a connection when HTTP is done with it."""


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

    async def handle(self, request: Request, wire: Wire) -> Takeover | None:
        """Answer one request; or return what is to be called when HTTP is done with, if it opens a WebSocket."""
        if not self._responses.allows_origin(request):
            await self._responses.forbid_origin(request)
        elif request.method == "OPTIONS":
            await self._responses.preflight(request)
        elif (no := await self._gate.ask_middleware(request)) is not None:
            await self._responses.deny(request, no)
        else:
            return await self._answer(request, wire)
        return None

    async def _answer(self, request: Request, wire: Wire) -> Takeover | None:
        """Answer a request that nothing speaks against but itself."""
        query = check_request(request, self._config, self.sessions.is_known)
        if isinstance(query, HandshakeError):
            await self._responses.refuse(request, query)
        elif query.transport == "polling" and query.sid is not None:
            await self._long_polling.handle(request, query.sid)
        elif query.sid is not None:
            return await self._websocket(request, query.sid, describe(request, query.parameters), wire)
        else:
            return await self._open(request, query, wire)
        return None

    async def _open(self, request: Request, query: Query, wire: Wire) -> Takeover | None:
        """Open a session, if its client is allowed in."""
        early_seconds = self._addresses.handshake(request.peer)
        if early_seconds:
            await self._responses.too_many(request, early_seconds)
            return None
        opening = describe(request, query.parameters)
        crowd, no = self.sessions.crowd(opening), None
        if crowd is None:
            no = await self._gate.ask_allowed(opening)
            crowd = self.sessions.crowd(opening)  # others may have come meanwhile
        if no is not None:
            await self._responses.deny(request, no)
        elif crowd is not None:
            await self._responses.crowded(request, crowd)
        elif query.transport == "websocket":
            return await self._websocket(request, None, opening, wire)
        else:
            await self._long_polling.open(request, opening)
        return None

    async def _websocket(
        self, request: Request, sid: str | None, opening: EngineRequest, wire: Wire
    ) -> Takeover | None:
        """Prepare a WebSocket: a new session's, or one that a polling session would go over to."""
        if not self.sessions.accepting:
            await self._responses.unavailable(request)
            return None
        answer = switching_protocols(
            request.header(b"sec-websocket-key") or b"",
            first_subprotocol(request.header(b"sec-websocket-protocol")),
            (*request.extra_headers, *self._gate.headers_for(request)),
        )
        return partial(self._serve_websocket, wire, answer, request.hand_over(), sid, opening)

    async def _serve_websocket(
        self, wire: Wire, answer: bytes, behind: bytes, sid: str | None, opening: EngineRequest
    ) -> None:
        async with trio.open_nursery() as nursery:
            transport = WebSocketTransport(
                wire.stream,
                wire.sock,
                answer=answer,
                behind=behind,
                nursery=nursery,
                flusher=self._flusher,
                reader=self.reader,
                consumers=self.consumers,
                config=self._config,
            )
            if sid is None:
                transport.open(self.sessions.open(opening, transport))
            else:
                self._probe(sid, transport, opening.address)
            del answer, behind, opening  # up to 100 kB, which nobody needs while the connection lasts
            await transport.run()
            nursery.cancel_scope.cancel()

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
