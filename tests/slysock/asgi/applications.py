"""Small ASGI applications, and a connection over in-memory streams to ask them something."""

from collections.abc import Awaitable, Callable, Mapping

import trio
from trio.testing import memory_stream_pair

from slysock.asgi import ASGIApp, Event, Receive, Scope, Send, run_asgi
from slysock.config import Config
from slysock.http import HttpConnection
from tests.slysock.http.peer import undated

CONFIG = Config(request_head_seconds=20, request_stall_seconds=30, write_timeout_seconds=10)
GET = b"GET /a%20b?c=d HTTP/1.1\r\nhost: a\r\n\r\n"
START: Event = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]}
BODY: Event = {"type": "http.response.body", "body": b"ok"}
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
FAILED = b"HTTP/1.1 500 Internal Server Error\r\n"
App = Callable[[Scope, Receive, Send], Awaitable[None]]


async def serve(stream: trio.abc.Stream, app: ASGIApp) -> None:
    """Answer every request of one connection by the application."""
    connection = HttpConnection(stream, CONFIG, secure=False, peer="192.0.2.7")
    try:
        while (request := await connection.next_request()) is not None:
            await run_asgi(app, request)
    finally:
        await connection.aclose()


async def ask(app: ASGIApp, data: bytes) -> bytes:
    """Send bytes, leave the connection open, and return all that comes back within the idle time, without dates."""
    client, server = memory_stream_pair()
    received = bytearray()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, server, app)
        await client.send_all(data)
        while piece := await client.receive_some():
            received += piece
        await client.aclose()
    return undated(bytes(received))


def saying(*messages: Mapping[str, object]) -> App:
    """An application that sends these messages whatever it is asked."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return app


async def raising(scope: Scope, receive: Receive, send: Send) -> None:
    raise ZeroDivisionError("a secret")


def post_request(body: bytes, length: int | None = None) -> bytes:
    return b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n%s" % (length or len(body), body)


def lifespan_app(log: list[str], *, start: str = "complete", stop: str = "complete") -> App:
    """An application that tells what happens to it."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "lifespan"
        log.append(str((await receive())["type"]))
        state = scope["state"]
        assert isinstance(state, dict)
        state["made"] = "here"
        await send({"type": f"lifespan.startup.{start}", "message": "no database"})
        log.append(str((await receive())["type"]))
        await send({"type": f"lifespan.shutdown.{stop}", "message": "no database"})
        log.append("returned")

    return app
