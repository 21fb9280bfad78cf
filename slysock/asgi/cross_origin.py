"""CORS around an ASGI application: the same rule as for Engine.IO, for everything else on the port."""

from collections.abc import Mapping, Sequence
from typing import Final, cast, final

from slysock.asgi.interface import ASGIApp, PreciseApp, Receive, Scope, Send
from slysock.http.cors import Cors
from slysock.request import OriginCheck

METHODS: Final = b"GET,HEAD,POST,PUT,PATCH,DELETE"
_FORBIDDEN: Final = b'{"message":"Forbidden"}'

Lines = Sequence[tuple[bytes, bytes]]


def with_cors(app: ASGIApp, origins: Sequence[str] | None, *, check: OriginCheck | None = None) -> ASGIApp:
    """Wrap an application so that pages of these origins may use it; None for any origin, without credentials.

    A page of another origin is refused, as on a socket, and preflights are answered here. `origins` and `check` are
    those of Config: `cors_origins` and `cors_origin_check`.
    """
    return _WithCors(app, Cors(origins, check=check, methods=METHODS))


@final
class _Head:
    """The headers of a scope, as `Cors` looks at them."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def header(self, name: bytes, /) -> bytes | None:
        return next((value for line, value in self._lines if line == name), None)


@final
class _WithCors:
    def __init__(self, app: ASGIApp, cors: Cors) -> None:
        self._app = cast("PreciseApp", app)
        self._cors = cors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = _Head(cast("Lines", scope["headers"])) if scope["type"] == "http" else None
        if head is None or head.header(b"origin") is None:
            await self._app(scope, receive, send)
        elif not self._cors.allows(head):
            await _answer(send, 403, [(b"content-type", b"application/json"), *self._cors.headers(head)], _FORBIDDEN)
        elif scope["method"] == "OPTIONS" and head.header(b"access-control-request-method") is not None:
            await _answer(send, 204, self._cors.preflight(head), b"")
        else:
            await self._app(scope, receive, _adding(self._cors.headers(head), send))


def _adding(headers: Lines, send: Send) -> Send:
    async def send_more(message: Mapping[str, object]) -> None:
        if message.get("type") == "http.response.start":
            lines = cast("Lines", message.get("headers", ()))
            message = {**message, "headers": [*lines, *headers]}
        await send(message)

    return send_more


async def _answer(send: Send, status: int, headers: Lines, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})
