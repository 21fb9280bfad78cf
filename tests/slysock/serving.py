"""A server in memory that must leave nothing behind, and the small things that tests of servers share."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from slysock import Config, Router, Server
from slysock.asgi import ASGIApp
from slysock.server import Lifespan
from slysock.testing import Memory, serve_memory


@asynccontextmanager
async def serving(
    *routers: Router, config: Config | None = None, app: ASGIApp | None = None, lifespan: "Lifespan | None" = None
) -> AsyncGenerator[Memory]:
    """Run a server for the length of the block; afterwards check that nothing of any client remains in it."""
    server = Server(*routers, config=config, app=app, lifespan=lifespan)
    async with serve_memory(server) as memory:
        yield memory
    check_nothing_remains(server)


def check_nothing_remains(server: Server) -> None:
    """No session, no member or room of a namespace, no connection, no timer that holds a client."""
    front, engine = server._front, server._front.engine
    assert engine.sessions == []
    assert front._open == 0
    assert front._http == set()
    assert engine._reader._sources == {}
    for namespace in (*server._namespaces._named.values(), *server._namespaces._made.values()):
        rooms = namespace._rooms
        assert (rooms._members, rooms._rooms, rooms._joined) == ({}, {}, {})
    alive = [timer.call for _, _, timer in engine.timers._heap if timer.call is not None]
    assert [call.__qualname__ for call in alive if "_forget" not in call.__qualname__] == []  # those hold an id only


def logged(caplog: pytest.LogCaptureFixture, level: int = logging.WARNING) -> list[str]:
    """What slysock has logged, as text; each message once."""
    return [record.getMessage() for record in caplog.records if record.levelno >= level and record.name == "slysock"]
