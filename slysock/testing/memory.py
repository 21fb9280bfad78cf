"""A server that runs without listening, and the ways to reach it."""

import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import final
from urllib.parse import urlencode

import h11
import msgspec
import trio
import trio.testing

from slysock.config import TransportName
from slysock.server import Server
from slysock.testing.client import MemoryClient, MemoryConnection
from slysock.testing.engine import EngineClient, PollingClient, WebSocketClient
from slysock.testing.pipe import open_pipe
from slysock_protocol.socketio import PARSERS

Headers = Sequence[tuple[str, str]]


@final
class Response(msgspec.Struct, frozen=True):
    """An HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@final
class Memory:
    """A running server, and clients for it. All of them end with it."""

    def __init__(self, server: Server, nursery: trio.Nursery) -> None:
        self.server = server
        self._nursery = nursery

    def open(self, *, peer: str = "192.0.2.1", secure: bool = False) -> trio.abc.Stream:
        """Connect, and return the client's end: for bytes of your own."""
        client, server = open_pipe()

        async def serve() -> None:
            await self.server.serve_stream(server, peer=peer, secure=secure)

        self._nursery.start_soon(serve)
        return client

    async def request(self, method: str, target: str, *, headers: Headers = (), body: bytes = b"") -> Response:
        """Make one HTTP request on a connection of its own."""
        stream = self.open()
        try:
            machine = h11.Connection(h11.CLIENT)
            lines = [("host", "memory"), *headers]
            if body:
                lines.append(("content-length", str(len(body))))
            head = h11.Request(method=method, target=target, headers=lines)
            pieces = [machine.send(head), machine.send(h11.Data(data=body)), machine.send(h11.EndOfMessage())]
            await stream.send_all(b"".join(piece for piece in pieces if piece))
            return await _read_response(machine, stream)
        finally:
            await trio.aclose_forcefully(stream)

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
            else PollingClient(self, target, headers, self._nursery)
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
        return MemoryConnection(engine, self._nursery, PARSERS[self.server.config.parser])

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
            ConnectionRefused: the server did not let the client in; with its message and data.
            Closed: the server refused the connection.
        """
        connection = await self.open_connection(transport, headers=headers, query=query)
        return await connection.join(namespace, auth)


async def _read_response(machine: h11.Connection, stream: trio.abc.Stream) -> Response:
    """Read one answer to its end.

    Raises:
        h11.RemoteProtocolError: the server closed without an answer.
    """
    status, headers, body = 0, dict[str, str](), b""
    while True:
        event = machine.next_event()
        if event is h11.NEED_DATA:
            machine.receive_data(bytes(await stream.receive_some()))
        elif isinstance(event, h11.Response):
            status = event.status_code
            headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return Response(status, headers, body)


@asynccontextmanager
async def serve_memory(server: Server) -> AsyncGenerator[Memory]:
    """Run a server for the length of the block, then stop it gracefully; clients that are left are dropped."""
    async with trio.open_nursery() as nursery:
        async with server.running():
            yield Memory(server, nursery)
            # A graceful stop waits for clients; those of a test that has ended will not answer.
            nursery.cancel_scope.deadline = trio.current_time() + server.config.shutdown_seconds + 1
        nursery.cancel_scope.deadline = math.inf
        await trio.testing.wait_all_tasks_blocked()  # until the clients have read the server's last words
        nursery.cancel_scope.cancel()
