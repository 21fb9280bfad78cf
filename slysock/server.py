"""A server: its namespaces, its connections, and how it starts and stops."""

import logging
import socket as stdlib_socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TypeAlias, final

import trio

from slysock.asgi import ASGIApp, HealthCheck
from slysock.config import Config
from slysock.engineio.hooks import EngineHooks
from slysock.engineio.receiver import Receiver
from slysock.engineio.session import Session
from slysock.front import Front
from slysock.handlers.resources import StoppedEarly
from slysock.handlers.router import Router
from slysock.http.listeners import Address, Listening, bound, describe, read_address
from slysock.process import return_memory, run_to_the_end, settle_in, stop_on_signals
from slysock.socketio.allowance import Rates
from slysock.socketio.connection import Connection, Surroundings
from slysock.socketio.loop import Loop
from slysock.socketio.namespace import Namespace
from slysock.socketio.namespaces import Namespaces
from slysock.socketio.observer import Observer, Observers, ServerStatistics
from slysock_protocol.socketio import PARSERS

logger = logging.getLogger("slysock")

Lifespan: TypeAlias = "Callable[[Server], AbstractAsyncContextManager[None]]"


@final
class Server:
    """Serves routers to Socket.IO clients, and an ASGI application to everybody else, on one port.

    Args:
        routers: what handles events; several may share a namespace.
        config: limits and habits.
        app: an ASGI application for requests that are not Engine.IO's; without one they get 404. `/healthz` and
            `/readyz` are its, too, unless it answers 404.
        internal_app: an ASGI application for the internal listener, such as one for `/metrics`.
        lifespan: given the server, returns an asynchronous context manager that is entered before the first client is
            let in and left when the last handler has ended: the place to open and close a database. It runs in a task
            of its own; one that does not end in time when the server stops is cancelled.
        hooks: a say in the HTTP requests of Engine.IO, such as `allow_request`.

    Raises:
        ValueError: two handlers of one event that could be mistaken for each other.
    """

    def __init__(
        self,
        *routers: Router,
        config: Config | None = None,
        app: ASGIApp | None = None,
        internal_app: ASGIApp | None = None,
        lifespan: "Lifespan | None" = None,
        hooks: EngineHooks | None = None,
    ) -> None:
        self.config = config or Config()
        self._observers = Observers()
        self._lifespan = lifespan
        self._parser = PARSERS[self.config.parser](self.config.max_auth_bytes, self.config.max_outbox_hard_bytes)
        self._loop = Loop()
        self._front = Front(
            self.config,
            accept=self._accept,
            app=app,
            internal_app=internal_app,
            hooks=hooks,
            refused=self._observers.refused,
        )
        self._observers.on_block = self._front.engine.timers.lag.blocked
        self._namespaces = Namespaces(
            routers, self._parser, self._observers, loop=self._loop, timers=self._front.engine.timers
        )
        self._surroundings = Surroundings(
            config=self.config,
            namespaces=self._namespaces,
            parser=self._parser,
            timers=self._front.engine.timers,
            tasks=self._front.tasks,
            observers=self._observers,
            rates=Rates(self.config),
            addresses=self._front.addresses,
        )

    def of(self, name: str) -> Namespace:
        """Return a namespace, to speak to its clients from outside of a handler; from any thread.

        Raises:
            ValueError: no router is for this namespace.
        """
        found = self._namespaces.find(name)
        if found is None:
            raise ValueError(f"no router is for the namespace {name!r}")
        return found.namespace

    def observe(self, observer: Observer) -> None:
        """Tell somebody what happens from now on; before the first client is best.

        One that has a method `refused`, as a RefusalObserver has, is told what was refused, too.
        """
        self._observers.add(observer)

    def add_check(self, check: HealthCheck) -> None:
        """Let `/readyz` depend on something that the server needs."""
        self._front.health.add(check)

    def statistics(self) -> ServerStatistics:
        """Count what the server holds at the moment."""
        return self._loop.ask(self._count)

    def _count(self) -> ServerStatistics:
        engine = self._front.engine
        sessions = engine.sessions.all()
        above = [session.statistics() for session in sessions]
        return ServerStatistics(
            connections=len(sessions),
            unjoined=engine.sessions.unjoined,
            transports={
                name: sum(session.transport.name == name for session in sessions) for name in self.config.transports
            },
            lingering=engine.sessions.lingering,
            clients={namespace.name: namespace.client_count for namespace in self._namespaces.named()},
            made_namespaces=self._namespaces.made,
            outbox_bytes=sum(session.transport.waiting_bytes for session in sessions) + engine.consumers.closed_bytes,
            waiting_events=sum(each.waiting_events for each in above),
            waiting_event_bytes=sum(each.waiting_bytes for each in above),
            leaving=self._front.tasks.lingering,
            awaited_acks=sum(each.awaited_acks for each in above),
            left_namespaces=sum(each.left_namespaces for each in above),
            open_sockets=self._front.open_connections,
            http_connections=self._front.http_connections,
            watched_sockets=engine.reader.watched,
            timers=len(engine.timers),
            outbox_budget_bytes=engine.consumers.budget_bytes,
            slow_clients=engine.consumers.clocks,
            loop_lag_seconds=engine.timers.lag.worst_seconds,
        )

    async def serve(  # noqa: ASYNC128 - hands task_status on, to who knows when
        self,
        host: str = "127.0.0.1",
        port: int = 3000,
        *,
        tls: ssl.SSLContext | None = None,
        unix_path: Path | None = None,
        internal: str | None = None,
        task_status: trio.TaskStatus[Listening] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Listen and serve until `stop` is called, then end gracefully; cancelled, end at once.

        Stopped while it starts, it gives that up and returns.

        Args:
            host: a name or address to listen on, on all its addresses; `::` or an empty one for all there are, of both
                families.
            port: 0 takes a free one, which `task_status` is given.
            tls: serve HTTPS and WSS.
            unix_path: listen on a Unix socket, in place of host and port.
            internal: answer `/healthz`, `/readyz` and what is `internal_app`'s at this address and nowhere else:
                `127.0.0.1:9000`, or the path of a Unix socket.
            task_status: for `nursery.start`, which then returns a Listening.

        Raises:
            OSError: an address cannot be had.
            RuntimeError: it has served already.
            ValueError: `internal` is no address.
        """
        address = Address(host=host, port=port, unix_path=unix_path)
        async with bound(address) as listeners, _maybe_bound(internal) as (inside, inside_listening):
            listening = describe(listeners[0], address, secure=tls is not None, internal=inside_listening)
            try:
                async with self._inside():
                    await self._front.serve(listeners, listening, tls=tls, internal=inside, task_status=task_status)
            except StoppedEarly:
                task_status.started(listening)  # where it would have been

    def stop(self) -> None:
        """Begin a graceful stop: take no more connections, finish what handlers have begun, tell the clients, end.

        Takes at most `shutdown_seconds`, whatever hangs or shields itself: also the start of an application, or the end
        of a lifespan. Called again, it changes nothing. May be called from any thread.
        """
        self._loop.run_first(self._front.stop)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Be ready for connections, without listening: `serve_stream` brings them. Leaving it is a graceful stop.

        Raises:
            RuntimeError: it has served already, or was stopped before it had started.
        """
        async with self._inside(), self._front.running():
            yield

    async def serve_stream(self, stream: trio.abc.Stream, *, peer: str = "", secure: bool = False) -> None:
        """Serve one connection on any stream, until it ends. Only inside `running`."""
        await self._front.serve_stream(stream, peer=peer, secure=secure)

    @asynccontextmanager
    async def _inside(self) -> AsyncGenerator[None]:
        """Keep the application's resources, and know the loop that the server runs in."""
        with self._loop.entered():
            async with nullcontext() if self._lifespan is None else self._front.keeping(self._lifespan(self)):
                yield

    def _accept(self, session: Session) -> Receiver:
        return Connection(session, self._surroundings)


@asynccontextmanager
async def _maybe_bound(text: str | None) -> AsyncGenerator[tuple[list[stdlib_socket.socket], Listening | None]]:
    """Listen at an address for the length of the block, if there is one."""
    if text is None:
        yield [], None
        return
    address = read_address(text)
    async with bound(address) as listeners:
        yield listeners, describe(listeners[0], address)


def run(
    *routers: Router,
    host: str = "127.0.0.1",
    port: int = 3000,
    config: Config | None = None,
    app: ASGIApp | None = None,
    internal_app: ASGIApp | None = None,
    lifespan: "Lifespan | None" = None,
    hooks: EngineHooks | None = None,
    tls: ssl.SSLContext | None = None,
    internal: str | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then stop gracefully; a second signal stops at once. Blocks.

    When the server has stopped, the process ends even if a handler shields itself from its end; and when the time for
    the stop is over, even if one blocks the event loop. The exit code is 1 then.

    The arguments are those of Server and Server.serve.

    Raises:
        OSError: the address cannot be had.
    """
    server = Server(*routers, config=config, app=app, internal_app=internal_app, lifespan=lifespan, hooks=hooks)
    settle_in()
    run_to_the_end(serve_until_signal, server, partial(server.serve, host, port, tls=tls, internal=internal))


async def serve_until_signal(server: Server, serve: Callable[[], Awaitable[None]]) -> None:
    """Serve, and stop the server on SIGINT or SIGTERM; a second signal cancels what is left.

    Raises:
        OSError: the address cannot be had.
    """
    trouble: OSError | None = None
    async with trio.open_nursery() as nursery:
        within = server.config.shutdown_seconds
        await nursery.start(partial(stop_on_signals, server.stop, nursery.cancel_scope, within=within))
        nursery.start_soon(return_memory, server.config.memory_release_seconds)
        try:
            await serve()
        except OSError as error:  # kept out of the nursery, which would wrap it in a group
            trouble = error
        nursery.cancel_scope.cancel()
    if trouble is not None:
        raise trouble
