"""The front of a server: listeners, connections, and where each request goes.

Engine.IO requests go to the engine, everything else is the ASGI application's; health is answered where that has no
answer of its own. Where there is an internal listener, health is answered there and nowhere else. Paths are compared as
they were sent: one that is spelt otherwise is another path, as it is to a proxy's rules. The front knows nothing of
Socket.IO: what stands above a session is given to it.
"""

import logging
import math
import socket as stdlib_socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Final, TypeAlias, TypeVar, final

import msgspec
import trio

from slysock.asgi import AppWithoutHealth, ASGIApp, Health, State, asgi_lifespan, not_found, run_asgi, with_fallback
from slysock.asgi.health import LIVE, READY
from slysock.config import Config
from slysock.engineio.address_rates import AddressRates
from slysock.engineio.doorstep import Doorstep
from slysock.engineio.engine import Engine, Opening
from slysock.engineio.home import OnDemand
from slysock.engineio.hooks import EngineHooks
from slysock.engineio.receiver import Receiver
from slysock.engineio.session import Session
from slysock.engineio.transport import Ending
from slysock.errors import RefusalRecord, log_refusal
from slysock.handlers.resources import Stop
from slysock.handlers.tasks import Tasks
from slysock.http import HttpConnection, Request, RequestBroken
from slysock.http.addresses import AddressGroups
from slysock.http.hosts import AllowedHosts, host_name
from slysock.http.idle import IdleConnections
from slysock.http.listeners import Listening, accept_forever
from slysock.http.proxies import TrustedProxies
from slysock.http.usual import read_upgrade
from slysock_protocol.errors import CloseCode

logger = logging.getLogger("slysock")

MAX_INTERNAL_CONNECTIONS: Final = 100
"""On the internal listener, which answers when the others are full, too."""

FULL_WARNING_SECONDS: Final = 10.0
"""A server that is full is warned of at most so often."""

_LIMITS: Final = {
    "capacity": "max_connections",
    "unjoined": "max_unjoined",
    "address": "max_unjoined_per_address",
}
"""Why a client was refused for want of room -> the setting."""

_PROXY_HINT: Final = " by {} (if that is a proxy, trusted_proxies is to name it)"

_LIFESPANS_SHARE: Final = 0.1
"""Of `shutdown_seconds`: what is left to close an application's resources with, whatever its handlers do."""

_TEXT: Final = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]

T = TypeVar("T")

Answer: TypeAlias = Callable[[Request], Awaitable[Opening | None]]
"""What becomes of a request, by the listener that it came through."""


@final
class Wire(msgspec.Struct, frozen=True):
    """What lies under HTTP: the stream, and the plain socket below it where there is one."""

    stream: trio.abc.Stream
    sock: stdlib_socket.socket | None


@final
class Front:
    """Takes connections and hands their requests on.

    Args:
        config: limits and habits.
        accept: given each new session, returns the layer above it.
        app: for requests that are not Engine.IO's; without one they get 404.
        internal_app: for requests of monitoring, other than for health.
        hooks: an application's say in Engine.IO's requests.
        refused: told of every connection and request that is refused.

    Attributes:
        engine: Engine.IO.
        health: what `/healthz` and `/readyz` say.
        tasks: what runs for clients, and may outlive their connections.
        addresses: how often the clients of one may come, and be refused.
    """

    def __init__(
        self,
        config: Config,
        *,
        accept: Callable[[Session], Receiver],
        app: ASGIApp | None = None,
        internal_app: ASGIApp | None = None,
        hooks: EngineHooks | None = None,
        refused: Callable[[RefusalRecord], None] = log_refusal,
    ) -> None:
        self.config = config
        self.tasks = Tasks("handlers", config.handler_cleanup_seconds)
        self._proxies = TrustedProxies(config.trusted_proxies)
        groups = AddressGroups(self._proxies)
        self.addresses = AddressRates(config, groups)
        self.engine = Engine(
            config,
            accept=accept,
            leaving=lambda: self.tasks.lingering,
            hooks=hooks or EngineHooks(),
            refused=self._refused,
            groups=groups,
            addresses=self.addresses,
        )
        self._tell_refusal = refused
        self._warned_at: dict[str, float] = {}  # reason -> when, in Trio's time
        self.health = Health(lambda: self.engine.sessions.accepting)
        self._app = app or not_found
        has_health = app is not None and not isinstance(app, AppWithoutHealth)
        self._health_app: ASGIApp = with_fallback(self._app, self.health) if has_health else self.health
        self._internal_app = internal_app or not_found
        self._state: State = {}
        self._internal_state: State = {}
        self._hosts = AllowedHosts(config.allowed_hosts)
        self._internal_open = 0
        self._doorsteps: set[Doorstep] = set()
        self._light: set[OnDemand] = set()  # connections that have a task only while something has to wait
        self._all_ended = trio.Event()  # that there are none of them; for the end of a stop
        self._http: set[HttpConnection] = set()
        self._idle = IdleConnections(config.max_idle_connections)
        self._open = 0  # connections of every kind
        self._connections = Tasks("requests", config.handler_cleanup_seconds)
        self._over = False
        self._stop = Stop(config.shutdown_seconds)

    async def serve(
        self,
        listeners: Sequence[stdlib_socket.socket],
        listening: Listening,
        *,
        tls: ssl.SSLContext | None = None,
        internal: Sequence[stdlib_socket.socket] = (),
        task_status: trio.TaskStatus[Listening] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Take connections until `stop` is called, then end gracefully; `task_status` is given `listening`.

        Args:
            listeners: for everybody.
            listening: what is known of them.
            tls: for those.
            internal: for monitoring; without one everybody is told of health.
            task_status: for `nursery.start`.
        """
        if internal:
            self._health_app = self._app
        async with self.running():
            async with trio.open_nursery() as accepting:
                for listener in listeners:
                    accepting.start_soon(accept_forever, listener, partial(self._take, tls=tls))
                for listener in internal:
                    accepting.start_soon(accept_forever, listener, self._take_internal)
                task_status.started(listening)
                await self._stop.asked.wait()
                accepting.cancel_scope.cancel()
            for listener in (*listeners, *internal):
                listener.close()  # who comes now is refused at once, while those who are here are dealt with

    @property
    def open_connections(self) -> int:
        """How many connections there are, of every kind."""
        return self._open

    @property
    def http_connections(self) -> int:
        """How many of them speak HTTP: they open a session, poll, or are nothing to do with Engine.IO."""
        return len(self._http)

    def stop(self) -> None:
        """Begin a graceful stop, which ends within `shutdown_seconds`. Called again, it changes nothing."""
        self.engine.sessions.accepting = False
        self._stop.ask()

    def keeping(self, resource: AbstractAsyncContextManager[T]) -> AbstractAsyncContextManager[T]:
        """Keep a resource open that is closed when the server stops; see Stop.keeping."""
        return self._stop.keeping(resource)

    def _lifespan_of(self, app: ASGIApp) -> AbstractAsyncContextManager[State]:
        seconds, stop_by = self.config.shutdown_seconds, self._stop.close_by
        return self.keeping(asgi_lifespan(app, shutdown_seconds=seconds, stop_by=stop_by))

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Be ready for connections, without listening: `serve_stream` brings them. Leaving it is a graceful stop.

        Raises:
            StoppedEarly: it was stopped before.
        """
        async with (
            self._lifespan_of(self._app) as self._state,
            self._lifespan_of(self._internal_app) as self._internal_state,
            self.tasks.running(),
            trio.open_nursery() as engine,
        ):
            await engine.start(self.engine.run)
            try:
                async with self._connections.running():
                    yield
                    await self._drain()
            finally:
                self._over = True
                self._clear_doorsteps()
                self._close_sessions()
                for home in list(self._light):  # of WebSockets that are no session's
                    home.end()
            engine.cancel_scope.cancel()

    async def _drain(self) -> None:
        """Let handlers come to their end, as long as there is time for that; then take leave of everybody.

        Of `shutdown_seconds`, two clean-ups' time is kept back: for handlers that were cancelled and for disconnect
        hooks behind them, meanwhile for goodbyes, and the last of it for lifespans.
        """
        self.stop()
        self._clear_doorsteps()
        config = self.config
        cleanup_seconds = min(config.handler_cleanup_seconds, config.shutdown_seconds / 4)
        for tasks in (self.tasks, self._connections):
            tasks.begin_stop(self._stop.by - _LIFESPANS_SHARE * config.shutdown_seconds, cleanup_seconds)
        with trio.move_on_at(self._stop.by - 2 * cleanup_seconds):
            async with trio.open_nursery() as nursery:
                for session in self.engine.sessions.all():
                    nursery.start_soon(session.finish)
                nursery.start_soon(self.tasks.wait_lingering)
        self.tasks.cut()
        self._close_sessions()
        for http in self._http:
            http.finish()
        with trio.move_on_at(self._stop.by - _LIFESPANS_SHARE * config.shutdown_seconds):
            while self._light:  # an upgrade that is under way may be the only way to say goodbye
                self._all_ended = trio.Event()
                await self._all_ended.wait()

    def _clear_doorsteps(self) -> None:
        for doorstep in list(self._doorsteps):
            doorstep.cancel()

    def _close_sessions(self) -> None:
        for session in self.engine.sessions.all():
            session.close("server shutting down", Ending.GRACEFUL, CloseCode.GOING_AWAY)

    def _refused(self, record: RefusalRecord) -> None:
        """Tell of a refusal; of one for want of room the operator is warned, now and then."""
        self._tell_refusal(record)
        limit, now = _LIMITS.get(record.reason), trio.current_time()
        if limit is None or not self.engine.sessions.accepting:
            return
        if now - self._warned_at.get(record.reason, -math.inf) >= FULL_WARNING_SECONDS:
            self._warned_at[record.reason] = now
            hint = _PROXY_HINT.format(record.address) if record.reason == "address" else ""
            logger.warning("%s (%d) is reached%s: new clients are refused", limit, getattr(self.config, limit), hint)

    # -- connections -------------------------------------------------------------------------------------------------

    def _take(self, sock: stdlib_socket.socket, *, tls: ssl.SSLContext | None) -> None:
        """Start the task of one connection."""
        peer = _peer(sock)
        if peer is None:  # it has gone already
            sock.close()
            return
        if self._open + self.tasks.lingering >= self.config.max_connections:
            self._refused(RefusalRecord(reason="capacity", detail="max_connections are open", address=peer))
            sock.close()
            return
        self._open += 1
        if tls is not None:
            stream = trio.SSLStream(_plain(sock).stream, tls, server_side=True, https_compatible=True)
            self._start(Wire(stream, None), peer, secure=True)
        elif not self.engine.reader.reads_sockets:
            self._start(_plain(sock), peer)
        else:
            doorstep = Doorstep(
                sock,
                peer,
                self._arrived,
                reader=self.engine.reader,
                timers=self.engine.timers,
                seconds=self.config.request_head_seconds,
                max_bytes=self.config.max_request_head_bytes + 1,
            )
            self._doorsteps.add(doorstep)
            self._idle.add(doorstep)

    def _arrived(self, doorstep: Doorstep, data: bytes, came_ns: int) -> None:
        """Go on with a connection that has begun to speak: with a WebSocket's handshake at once, else in a task."""
        self._doorsteps.discard(doorstep)
        self._idle.discard(doorstep)
        sock, peer = doorstep.sock, doorstep.peer
        if not data:
            self._open -= 1
            sock.close()
            return
        try:
            opening = self._recognize(data, peer)
            if opening is not None:
                self._start_websocket(opening, sock)
                return
        except Exception:  # the boundary of one connection
            logger.exception("a connection failed")
            self._open -= 1
            sock.close()
            return
        self._start(_plain(sock), peer, first=(data, came_ns))

    def _recognize(self, data: bytes, peer: str) -> Opening | None:
        proxies = self._proxies if self._proxies.trusts(peer) else None
        max_bytes = self.config.max_request_head_bytes
        usual = read_upgrade(data, max_bytes=max_bytes, peer=peer, secure=False, proxies=proxies)
        if usual is None:
            return None
        head, behind = usual
        if not (self.engine.owns(head.raw_path.decode("latin-1")) and self._hosts.allows(head)):
            return None
        return self.engine.recognize(head, behind)

    def _start_websocket(self, opening: Opening, sock: stdlib_socket.socket) -> None:
        home = OnDemand(sock, self._nursery, self._ended)
        self._light.add(home)
        self.engine.start_websocket(opening, sock, home)

    def _nursery(self) -> trio.Nursery | None:
        return None if self._over else self._connections.nursery

    def _ended(self, home: OnDemand) -> None:
        self._light.discard(home)
        self._open -= 1
        if not self._light:
            self._all_ended.set()

    def _start(self, wire: Wire, peer: str, *, secure: bool = False, first: tuple[bytes, int] | None = None) -> None:
        """Start the task of a connection, which begins with HTTP."""
        http = self._http_on(wire, peer, secure=secure, first=first)
        self._connections.nursery.start_soon(self._serve, http, wire, self._answer)

    def _http_on(
        self, wire: Wire, peer: str, *, secure: bool = False, first: tuple[bytes, int] | None = None
    ) -> HttpConnection:
        return HttpConnection(
            wire.stream,
            self.config,
            secure=secure,
            peer=peer,
            sock=wire.sock,
            proxies=self._proxies,
            idle=self._idle,
            refused=self._refused,
            first=first,
            deadlines=self.engine.timers,
        )

    def _take_internal(self, sock: stdlib_socket.socket) -> None:
        """Start the task of one connection of monitoring."""
        if self._internal_open >= MAX_INTERNAL_CONNECTIONS:
            sock.close()
            return
        self._open += 1
        self._internal_open += 1
        self._connections.nursery.start_soon(self._serve_internal, _plain(sock), _peer(sock) or "")

    async def _serve_internal(self, wire: Wire, peer: str) -> None:
        try:
            await self._serve(self._http_on(wire, peer), wire, self._answer_internally)
        finally:
            self._internal_open -= 1

    async def serve_stream(self, stream: trio.abc.Stream, *, peer: str = "", secure: bool = False) -> None:
        """Serve one connection on any stream, until it ends. Only inside `running`, which waits for it when it stops.

        Cancelled, it ends the connection at once.
        """
        wire, scope, ended = Wire(stream, None), trio.CancelScope(), trio.Event()

        async def serve() -> None:
            try:
                with scope:
                    await self._serve(self._http_on(wire, peer, secure=secure), wire, self._answer)
            finally:
                ended.set()

        self._open += 1
        self._connections.nursery.start_soon(serve)
        try:
            await ended.wait()
        finally:
            scope.cancel()

    async def _serve(self, http: HttpConnection, wire: Wire, answer: Answer) -> None:
        """Serve one connection: HTTP, and what HTTP may have made of it. Closes the stream, unless that goes on."""
        goes_on = False
        try:
            opening = await self._serve_http(http, answer)
            if opening is not None:  # HTTP's state is gone by now: an open WebSocket does not carry it along
                if wire.sock is not None and self.engine.reader.reads_sockets:
                    self._start_websocket(opening, wire.sock)
                    goes_on = True
                else:
                    serving = self.engine.serve_websocket(opening, wire.stream, wire.sock)
                    del opening  # nor the request that it was made of
                    await serving
        except* RequestBroken:
            pass  # the client left in the middle
        except* Exception:  # the boundary of one connection
            logger.exception("a connection failed")
        finally:
            if not goes_on:
                self._open -= 1
                await trio.aclose_forcefully(wire.stream)

    async def _serve_http(self, http: HttpConnection, answer: Answer) -> Opening | None:
        self._http.add(http)
        opening: Opening | None = None
        try:
            while opening is None and (request := await http.next_request()) is not None:
                opening = await answer(request)
                del request  # while the next one is awaited, nothing of it is kept
        finally:
            self._http.discard(http)
            if opening is None:
                await http.aclose()
        return opening

    async def _answer(self, request: Request) -> Opening | None:
        path = request.raw_path.decode("latin-1")
        if path in (LIVE, READY):  # by whatever name: probes use addresses
            await run_asgi(self._health_app, request, state=self._state)
        elif not self._hosts.allows(request):
            detail = f"{host_name(request.header(b'host') or b'')[:200]!r} is not in allowed_hosts"
            self._refused(RefusalRecord(reason="host", detail=detail, address=request.peer))
            await request.respond(421, _TEXT, b"Misdirected Request")
        elif self.engine.owns(path):
            return await self.engine.handle(request)
        else:
            if self._app is not_found or _is_meant_for_engineio(request):
                detail = f"{request.path[:200]!r} is not {self.config.path!r}"
                self._refused(RefusalRecord(reason="path", detail=detail, address=request.peer))
            await run_asgi(self._app, request, state=self._state)
        return None

    async def _answer_internally(self, request: Request) -> None:
        path = request.raw_path.decode("latin-1")
        app = self.health if path in (LIVE, READY) else self._internal_app
        await run_asgi(app, request, state=self._internal_state)


def _is_meant_for_engineio(request: Request) -> bool:
    """Tell whether a client of Engine.IO makes a request, which is then at the wrong address."""
    return b"EIO=" in request.query_string and b"transport=" in request.query_string


def _plain(sock: stdlib_socket.socket) -> Wire:
    return Wire(trio.SocketStream(trio.socket.from_stdlib_socket(sock)), sock)


def _peer(sock: stdlib_socket.socket) -> str | None:
    """Return the address of who is connected: empty on a Unix socket, None of one that has gone already."""
    try:
        address: tuple[str, int] | str = sock.getpeername()
    except OSError:
        return None
    return address[0] if isinstance(address, tuple) else ""
