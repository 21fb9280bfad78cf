"""HTTP/1.1 on a stream, the server's side: one connection, its requests one after the other.

h11 knows the protocol; this package gives it a `trio.abc.Stream`, deadlines and bounds. It must not know what the
requests are about: Engine.IO, ASGI and health checks are its callers.

A connection is used so:

    connection = HttpConnection(stream, config, secure=False, peer="192.0.2.7")
    try:
        while (request := await connection.next_request()) is not None:
            body = await request.read_body(limit=1_000_000)
            await request.respond(200, [(b"content-type", b"text/plain")], body)
    finally:
        await connection.aclose()

Modules: `stream` moves bytes between h11 and the stream, `arrival` knows when they came, `head` judges request heads,
`request` is one request with its answer, `date` dates it, `idle` bounds who waits for one, `connection` is the loop
around them.
"""

from slysock.http.connection import HttpConnection
from slysock.http.errors import BodyTooLarge, InvalidResponse, RequestBroken
from slysock.http.request import Request

__all__ = ["BodyTooLarge", "HttpConnection", "InvalidResponse", "Request", "RequestBroken"]
