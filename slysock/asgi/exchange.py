"""One request and one call of an ASGI application: who has said what, and what may come next."""

import logging
from collections.abc import Iterable, Mapping
from typing import Literal, cast, final

import trio

from slysock.asgi.interface import (
    VERSIONS,
    ASGIApp,
    Event,
    InvalidMessage,
    PreciseApp,
    Receive,
    Scope,
    Send,
    ServerAddress,
    State,
)
from slysock.http import InvalidResponse, Request, RequestBroken

logger = logging.getLogger("slysock.asgi")


async def run_asgi(
    app: ASGIApp,
    request: Request,
    *,
    root_path: str = "",
    server: ServerAddress | None = None,
    state: State | None = None,
) -> None:
    """Let the application answer one request.

    Afterwards the request has its answer, or its connection is given up: if the application fails before the first
    piece of the body, the client gets a 500; after that, the connection is broken off. Failures are logged, none is
    raised. If cancelled, the application is cancelled too, and the answer is not completed.

    Args:
        app: the application.
        request: not answered yet.
        root_path: where the application is mounted, without a trailing slash.
        server: host and port, or path and None, that the server listens on.
        state: what `asgi_lifespan` yielded; each request gets a shallow copy.
    """
    exchange = Exchange(request)
    scope = http_scope(request, root_path=root_path, server=server, state=state)
    try:
        await cast("PreciseApp", app)(scope, exchange.receive, exchange.send)
    except Exception as exc:
        exchange.failed(exc)
    await exchange.conclude()


async def not_found(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer every request with 404: the application of a server that was given none."""
    if scope["type"] != "http":
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", b"23")]
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"message":"Not Found"}'})


def http_scope(request: Request, *, root_path: str, server: ServerAddress | None, state: State | None) -> Scope:
    """Build the ASGI scope of a request. The client's port is not known here and given as 0."""
    scope: Scope = {
        "type": "http",
        "asgi": VERSIONS,
        "http_version": request.http_version,
        "method": request.method.upper(),
        "scheme": "https" if request.secure else "http",
        "path": request.path,
        "raw_path": request.raw_path,
        "query_string": request.query_string,
        "root_path": root_path,
        "headers": request.headers,
        "client": (request.peer, 0) if request.peer else None,
        "server": server,
    }
    return scope if state is None else {**scope, "state": state.copy()}


@final
class Exchange:
    """What an application and one client say to each other.

    The phases: `waiting` for the start message, `started` (held back until there is a body to go with it),
    `streaming`, `ended`.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._phase: Literal["waiting", "started", "streaming", "ended"] = "waiting"
        self._start: tuple[int, list[tuple[bytes, bytes]]] = (500, [])
        self._asked = False  # the application has been given the first piece of the body
        self._gone = False  # nothing more comes from the client
        self._fault: int | None = None  # how to answer one that spoilt its own body, and may still listen
        self._ended = trio.Event()

    async def receive(self) -> Event:
        """Return the next piece of the body; after the last, wait until the client leaves or has its answer."""
        if not self._over and not (self._asked and self._request.body_complete):
            piece = await self._receive_piece()
            if piece is not None:
                return {"type": "http.request", "body": piece, "more_body": not self._request.body_complete}
        if not self._over:
            await self._wait_over()
        await trio.lowlevel.checkpoint()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, object]) -> None:
        """Take a message of the application.

        Raises:
            InvalidMessage: it is malformed, or not allowed at this point.
            InvalidResponse: it does not make a valid HTTP response.
        """
        match message.get("type"):
            case "http.response.start":
                self._take_start(message)
            case "http.response.body":
                await self._take_body(message)
            case other:
                raise InvalidMessage(f"unexpected message type {other!r}")

    def failed(self, exc: Exception) -> None:
        """Log what the application raised; in a line at INFO if the client had left, which is the likely reason."""
        what = (self._request.method, self._request.path)
        if self._gone:
            logger.info("application failed on %s %r, whose client had left: %r", *what, exc)
        else:
            logger.error("application failed on %s %r", *what, exc_info=exc)

    async def conclude(self) -> None:
        """Bring the answer to an end in place of the application, which has returned or failed."""
        if self._phase == "streaming":
            self._request.abandon()
        elif self._phase != "ended":
            await self._answer_instead()

    @property
    def _over(self) -> bool:
        return self._gone or self._phase == "ended"

    async def _receive_piece(self) -> bytes | None:
        self._asked = True
        try:
            return await self._request.receive_chunk()
        except RequestBroken as exc:
            self._gone = True
            self._fault = exc.status
            return None

    async def _wait_over(self) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._watch, nursery.cancel_scope)
            await self._ended.wait()
            nursery.cancel_scope.cancel()

    async def _watch(self, scope: trio.CancelScope) -> None:
        await self._request.wait_gone()
        self._gone = True
        scope.cancel()

    def _take_start(self, message: Mapping[str, object]) -> None:
        if self._phase != "waiting":
            raise InvalidMessage("the response has been started already")
        status = message.get("status")
        if not isinstance(status, int):
            raise InvalidMessage(f"status must be an integer, not {status!r}")
        self._start = (status, checked_headers(message.get("headers", ())))
        self._phase = "started"

    async def _take_body(self, message: Mapping[str, object]) -> None:
        if self._phase in ("waiting", "ended"):
            raise InvalidMessage("http.response.body must come after http.response.start, and not after the last piece")
        body = message.get("body", b"")
        if isinstance(body, memoryview):
            body = body.tobytes()
        if not isinstance(body, bytes | bytearray):
            raise InvalidMessage(f"body must be bytes, not {type(body).__name__}")
        more = bool(message.get("more_body", False))
        if self._gone and self._fault is None:
            await trio.lowlevel.checkpoint()
        else:
            await self._write(bytes(body), more=more)
        if not more:
            self._phase = "ended"
            self._ended.set()

    async def _write(self, body: bytes, *, more: bool) -> None:
        if self._phase == "started":
            self._request.start(*self._start)
            self._phase = "streaming"
        try:
            await (self._request.send(body) if more else self._request.end(body))
        except RequestBroken:
            self._gone, self._fault = True, None

    async def _answer_instead(self) -> None:
        """Answer in place of an application that did not: 500, or the status of a broken body; none to whoever left."""
        if not self._gone:
            logger.error("application did not answer %s %r", self._request.method, self._request.path)
        status = 500 if not self._gone else self._fault
        if status is None:
            self._request.abandon()
            return
        text = {500: b"Internal Server Error", 408: b"Request Timeout"}.get(status, b"Bad Request")
        try:
            await self._request.respond(status, [(b"content-type", b"text/plain; charset=utf-8")], text)
        except (RequestBroken, InvalidResponse):
            self._request.abandon()


def checked_headers(headers: object) -> list[tuple[bytes, bytes]]:
    """Return the headers of a start message.

    Transfer-Encoding is left out: it is the server's business, though the protocol lets applications send it.

    Raises:
        InvalidMessage: they are not pairs of bytes.
    """
    if not isinstance(headers, Iterable):
        raise InvalidMessage("headers must be pairs of bytes")
    pairs = [checked_header(pair) for pair in cast("Iterable[object]", headers)]
    return [(name, value) for name, value in pairs if name.lower() != b"transfer-encoding"]


def checked_header(pair: object) -> tuple[bytes, bytes]:
    """Return one header.

    Raises:
        InvalidMessage: it is not a pair of bytes.
    """
    match pair:
        case [bytes() as name, bytes() as value]:
            return name, value
        case _:
            raise InvalidMessage(f"a header must be a pair of bytes, not {pair!r}")
