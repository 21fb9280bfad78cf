"""A server in memory that must leave nothing behind, and the small things that tests of servers share."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from slysock import Config, EngineHooks, Router, Server
from slysock.asgi import ASGIApp
from slysock.config import TransportName
from slysock.engineio.session import Session
from slysock.server import Lifespan
from slysock.socketio.adapter import Adapter
from slysock.testing import Memory, serve_memory

BOTH: list[TransportName] = ["websocket", "polling"]
both = pytest.mark.parametrize("transport", BOTH)


@asynccontextmanager
async def serving(
    *routers: Router,
    config: Config | None = None,
    app: ASGIApp | None = None,
    lifespan: "Lifespan | None" = None,
    hooks: EngineHooks | None = None,
) -> AsyncGenerator[Memory]:
    """Run a server for the length of the block; afterwards check that nothing of any client remains in it."""
    server = Server(*routers, config=config, app=app, lifespan=lifespan, hooks=hooks)
    async with serve_memory(server) as memory:
        yield memory
    check_nothing_remains(server)


def check_nothing_remains(server: Server) -> None:
    """No session, no client in a namespace, no connection, no deadline but those that forget a session's id."""
    left = server.statistics()
    assert (left.connections, left.open_sockets, left.http_connections, left.watched_sockets) == (0, 0, 0, 0)
    assert not any(left.clients.values())
    assert (left.made_namespaces, left.waiting_events, left.awaited_acks) == (0, 0, 0)
    assert left.timers == left.lingering


def sessions_of(memory: Memory) -> list[Session]:
    """The sessions themselves, for tests of what a session does; those of what a server does ask its statistics."""
    return memory.server._front.engine.sessions.all()


def only_session(memory: Memory) -> Session:
    """The one session that there is."""
    (session,) = sessions_of(memory)
    return session


def adapter_of(memory: Memory, namespace: str = "/") -> Adapter:
    """The server's side of a namespace."""
    found = memory.server._namespaces.find(namespace)
    assert found is not None
    return found.adapter


def logged(caplog: pytest.LogCaptureFixture, level: int = logging.WARNING) -> list[str]:
    """What slysock has logged, as text; each message once."""
    return [record.getMessage() for record in caplog.records if record.levelno >= level and record.name == "slysock"]
