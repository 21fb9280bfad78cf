"""A server that runs without listening, and the ways to reach it."""

import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import cast, final
from urllib.parse import urlencode

import trio
import trio.testing

from slysock.config import TransportName
from slysock.server import Server
from slysock.testing.client import MemoryClient, MemoryConnection
from slysock.testing.engine import EngineClient, PollingClient, WebSocketClient
from slysock.testing.http_request import Headers, Response, request
from slysock.testing.pipe import open_pipe
from slysock_protocol.socketio import PARSERS


@final
class Memory:
    """A running server, and the clients opened for it, which end with it."""

    def __init__(self, server: Server, nursery: trio.Nursery) -> None:
        self.server = server
        self._nursery = nursery

    def open(self, *, peer: str = "192.0.2.1", secure: bool = False) -> trio.abc.Stream:
        """Connect, and return the client's end of the stream, for bytes of your own."""
        client, server = open_pipe()

        async def serve() -> None:
            await self.server.serve_stream(server, peer=peer, secure=secure)

        self._nursery.start_soon(serve)
        return client

    async def request(self, method: str, target: str, *, headers: Headers = (), body: bytes = b"") -> Response:
        """Make one HTTP request on a connection of its own."""
        return await request(self.open(), method, target, headers=headers, body=body)

    async def open_engine(
        self,
        transport: TransportName = "websocket",
        *,
        headers: Headers = (),
        query: Mapping[str, str] | None = None,
        path: str | None = None,
    ) -> EngineClient:
        """Open an Engine.IO session.

        Raises:
            Closed: the server refused.
        """
        target = f"{path or self.server.config.path}?{urlencode({'EIO': '4', 'transport': transport, **(query or {})})}"
        client = (
            WebSocketClient(self.open(), target, headers, self._nursery)
            if transport == "websocket"
            else PollingClient(self.open, target, headers, self._nursery)
        )
        await client.open()
        return client

    async def open_connection(
        self, transport: TransportName = "websocket", *, headers: Headers = (), query: Mapping[str, str] | None = None
    ) -> MemoryConnection:
        """Open a connection that is in no namespace yet.

        Raises:
            Closed: the server refused.
        """
        engine = await self.open_engine(transport, headers=headers, query=query)
        return MemoryConnection(engine, self._nursery, PARSERS[self.server.config.parser]())

    async def connect(
        self,
        namespace: str = "/",
        *,
        auth: Mapping[str, object] | None = None,
        transport: TransportName = "websocket",
        headers: Headers = (),
        query: Mapping[str, str] | None = None,
    ) -> MemoryClient:
        """Open a connection and join a namespace.

        Raises:
            ConnectionRefused: the server did not let the client in; has the server's message and data.
            Closed: the server refused the connection.
        """
        connection = await self.open_connection(transport, headers=headers, query=query)
        return await connection.join(namespace, auth)


@asynccontextmanager
async def serve_memory(server: Server) -> AsyncGenerator[Memory]:
    """Run a server while the block runs, then stop it gracefully; remaining clients are dropped.

    What the block raises is raised as it is, not in the exception groups of the nurseries inside, unless the server has
    failed, too.
    """
    failure: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            async with server.running():
                try:
                    yield Memory(server, nursery)
                except BaseException as error:
                    failure = error
                    raise
                # A graceful stop waits for clients; those of a test that has ended will not answer.
                nursery.cancel_scope.deadline = trio.current_time() + server.config.shutdown_seconds + 1
            nursery.cancel_scope.deadline = math.inf
            await trio.testing.wait_all_tasks_blocked()  # until the clients have read the server's last words
            nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        if failure is None or not _is_all(failure, group):
            raise
    if failure is not None:
        raise failure


def _is_all(failure: BaseException, group: BaseExceptionGroup[BaseException]) -> bool:
    """Tell whether a group holds a failure and nothing else; `Cancelled` does not count."""
    errors = _errors_in(failure)
    return bool(errors) and _errors_in(group) == errors


def _errors_in(error: BaseException) -> set[int]:
    """Return the `id` of every exception in a group of groups, except `Cancelled`."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return set[int]().union(*map(_errors_in, group.exceptions))
    return set() if isinstance(error, trio.Cancelled) else {id(error)}
