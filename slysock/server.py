"""A server: its namespaces, its connections, and how it starts and stops."""

import logging
import signal
import socket as stdlib_socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias, final

import msgspec
import trio

from slysock.asgi import ASGIApp, State, asgi_lifespan, not_found, run_asgi
from slysock.config import Config
from slysock.connection import Connection, Surroundings
from slysock.engine import Engine, Wire
from slysock.http import HttpConnection, Request, RequestBroken
from slysock.listeners import accept_forever, bind_tcp, bind_unix
from slysock.namespace import Namespace, Namespaces
from slysock.router import Router
from slysock.session import Ending, Receiver, Session
from slysock_protocol.errors import CloseCode
from slysock_protocol.socketio import JsonParser, MsgpackParser

logger = logging.getLogger("slysock")

Lifespan: TypeAlias = "Callable[[Server], AbstractAsyncContextManager[None]]"
_JSON: Final = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]


@final
class Listening(msgspec.Struct, frozen=True):
    """Where a server can be reached.

    Attributes:
        url: for a client; of a Unix socket, its path.
        port: 0 for a Unix socket.
    """

    url: str
    port: int


@final
class Server:
    """Serves routers to Socket.IO clients, and an ASGI application to everybody else, on one port.

    Args:
        routers: what handles events; several may share a namespace.
        config: limits and habits.
        app: an ASGI application for requests that are not Engine.IO's; without one they get 404.
        lifespan: given the server, returns an asynchronous context manager that is entered before the first client is
            let in and left when the last handler has ended: the place to open and close a database.

    Raises:
        ValueError: two handlers of one event that could be mistaken for each other.
    """

    def __init__(
        self,
        *routers: Router,
        config: Config | None = None,
        app: ASGIApp | None = None,
        lifespan: "Lifespan | None" = None,
    ) -> None:
        self.config = config or Config()
        self._app = app or not_found
        self._lifespan = lifespan
        self._parser = MsgpackParser() if self.config.parser == "msgpack" else JsonParser()
        self._namespaces = Namespaces(routers, self._parser)
        self._engine = Engine(self.config, accept=self._accept)
        self._state: State = {}
        self._http: set[HttpConnection] = set()
        self._connections: trio.Nursery | None = None
        self._farewells: trio.Nursery | None = None
        self._stop = trio.Event()

    def of(self, name: str) -> Namespace:
        """Return a namespace, to speak to its clients from outside of a handler.

        Raises:
            ValueError: no router is for this namespace.
        """
        namespace = self._namespaces.find(name)
        if namespace is None:
            raise ValueError(f"no router is for the namespace {name!r}")
        return namespace

    # -- running -----------------------------------------------------------------------------------------------------

    async def serve(
        self,
        host: str = "127.0.0.1",
        port: int = 3000,
        *,
        tls: ssl.SSLContext | None = None,
        unix_path: Path | None = None,
        task_status: trio.TaskStatus[Listening] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Listen and serve until `stop` is called, then end gracefully; cancelled, end at once.

        Args:
            host: a name or address to listen on; all its addresses are.
            port: 0 takes a free one, which `task_status` is given.
            tls: serve HTTPS and WSS.
            unix_path: listen on a Unix socket, in place of host and port.
            task_status: for `nursery.start`, which then returns a Listening.

        Raises:
            OSError: the address cannot be had.
        """
        listeners = [bind_unix(unix_path)] if unix_path is not None else await bind_tcp(host, port)
        try:
            async with self.running(), trio.open_nursery() as accepting:
                for listener in listeners:
                    accepting.start_soon(accept_forever, listener, partial(self._take, tls=tls))
                task_status.started(_listening(listeners[0], host, tls, unix_path))
                await self._stop.wait()
                accepting.cancel_scope.cancel()
        finally:
            for listener in listeners:
                listener.close()
            if unix_path is not None:
                unix_path.unlink(missing_ok=True)

    def stop(self) -> None:
        """Begin a graceful stop: take no more connections, finish what handlers have begun, tell the clients, end.

        Takes at most `shutdown_seconds`. Called again, it changes nothing.
        """
        self._engine.accepting = False
        self._stop.set()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Be ready for connections, without listening: `serve_stream` brings them. Leaving it is a graceful stop."""
        lifespan = nullcontext() if self._lifespan is None else self._lifespan(self)
        async with (
            lifespan,
            asgi_lifespan(self._app) as self._state,
            trio.open_nursery() as self._farewells,
            trio.open_nursery() as engine,
        ):
            await engine.start(self._engine.run)
            async with trio.open_nursery() as self._connections:
                try:
                    yield
                    self._connections.cancel_scope.deadline = trio.current_time() + self.config.shutdown_seconds
                    await self._drain()
                finally:
                    self._close_sessions()
            engine.cancel_scope.cancel()

    async def _drain(self) -> None:
        """Let what has begun come to its end; the connections' nursery has the deadline."""
        self.stop()
        async with trio.open_nursery() as nursery:
            for session in self._engine.sessions:
                nursery.start_soon(session.finish)
        self._close_sessions()
        for http in self._http:
            http.finish()

    def _close_sessions(self) -> None:
        for session in self._engine.sessions:
            session.close("server shutting down", Ending.GRACEFUL, CloseCode.GOING_AWAY)

    # -- connections -------------------------------------------------------------------------------------------------

    def _take(self, sock: stdlib_socket.socket, *, tls: ssl.SSLContext | None) -> None:
        """Start the task of one connection."""
        if self._connections is None or len(self._http) >= self.config.max_connections:
            sock.close()
            return
        self._connections.start_soon(self._serve_socket, sock, tls)

    async def _serve_socket(self, sock: stdlib_socket.socket, tls: ssl.SSLContext | None) -> None:
        peer = _peer(sock)
        stream = trio.SocketStream(trio.socket.from_stdlib_socket(sock))
        if tls is None:
            await self._serve(Wire(stream, sock), peer=peer, secure=False)
        else:
            encrypted = trio.SSLStream(stream, tls, server_side=True, https_compatible=True)
            await self._serve(Wire(encrypted, None), peer=peer, secure=True)

    async def serve_stream(self, stream: trio.abc.Stream, *, peer: str = "", secure: bool = False) -> None:
        """Serve one connection on any stream, until it ends. Only inside `running`."""
        await self._serve(Wire(stream, None), peer=peer, secure=secure)

    async def _serve(self, wire: Wire, *, peer: str, secure: bool) -> None:
        http = HttpConnection(wire.stream, self.config, secure=secure, peer=peer)
        self._http.add(http)
        try:
            while (request := await http.next_request()) is not None:
                await self._answer(request, wire)
        except* RequestBroken:
            pass  # the client left in the middle
        except* Exception:  # the boundary of one connection
            logger.exception("a connection failed")
        finally:
            self._http.discard(http)
            await http.aclose()

    async def _answer(self, request: Request, wire: Wire) -> None:
        if self._engine.owns(request.path):
            await self._engine.handle(request, wire)
        elif request.path == "/healthz":
            await request.respond(200, _JSON, b'{"status":"ok"}')
        elif request.path == "/readyz":
            ready = self._engine.accepting
            await request.respond(200 if ready else 503, _JSON, b'{"ready":true}' if ready else b'{"ready":false}')
        else:
            await run_asgi(self._app, request, state=self._state)

    def _accept(self, session: Session) -> Receiver:
        surroundings = Surroundings(
            config=self.config,
            namespaces=self._namespaces,
            parser=self._parser,
            timers=self._engine.timers,
            later=self._later,
        )
        return Connection(session, surroundings)

    def _later(self, routine: Callable[[], Awaitable[None]]) -> None:
        assert self._farewells is not None
        self._farewells.start_soon(self._say_farewell, routine)

    async def _say_farewell(self, routine: Callable[[], Awaitable[None]]) -> None:
        """Run what a client leaves behind; shielded, because a stopping server owes it too, and bounded."""
        with trio.move_on_after(self.config.handler_cleanup_seconds, shield=True) as scope:
            await routine()
        if scope.cancelled_caught:
            logger.warning("what a client left behind did not end in %s s", self.config.handler_cleanup_seconds)


def _peer(sock: stdlib_socket.socket) -> str:
    try:
        address: tuple[str, int] | str = sock.getpeername()
    except OSError:  # it has gone already
        return ""
    return address[0] if isinstance(address, tuple) else ""


def _listening(sock: stdlib_socket.socket, host: str, tls: ssl.SSLContext | None, unix_path: Path | None) -> Listening:
    if unix_path is not None:
        return Listening(str(unix_path), 0)
    port: int = sock.getsockname()[1]
    return Listening(f"{'http' if tls is None else 'https'}://{f'[{host}]' if ':' in host else host}:{port}", port)


def run(
    *routers: Router,
    host: str = "127.0.0.1",
    port: int = 3000,
    config: Config | None = None,
    app: ASGIApp | None = None,
    lifespan: "Lifespan | None" = None,
    tls: ssl.SSLContext | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then stop gracefully; a second signal stops at once. Blocks.

    The arguments are those of Server and Server.serve.

    Raises:
        OSError: the address cannot be had.
    """
    server = Server(*routers, config=config, app=app, lifespan=lifespan)
    trio.run(serve_until_signal, server, partial(server.serve, host, port, tls=tls))


async def serve_until_signal(server: Server, serve: Callable[[], Awaitable[None]]) -> None:
    """Serve, and stop the server on SIGINT or SIGTERM; a second signal cancels what is left."""
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with trio.open_nursery() as nursery:

            async def watch() -> None:
                await anext(signals)
                server.stop()
                await anext(signals)
                nursery.cancel_scope.cancel()

            nursery.start_soon(watch)
            await serve()
            nursery.cancel_scope.cancel()
