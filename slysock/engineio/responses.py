"""The answers of Engine.IO to HTTP requests: their headers, and CORS on every one of them.

Whatever is refused is refused here, and told to the gate, which passes it on to whoever wants to know.
"""

import math
from typing import Final, final

from slysock.config import Config
from slysock.engineio.compression import Compression
from slysock.engineio.gate import Gate, No
from slysock.engineio.unjoined import Crowd
from slysock.http import Request
from slysock.http.cors import Cors
from slysock_protocol.engineio import HandshakeError

_TEXT: Final = (b"content-type", b"text/plain; charset=UTF-8")
_JSON: Final = (b"content-type", b"application/json")
_NO_STORE: Final = (b"cache-control", b"no-store")

_REASONS: Final[dict[HandshakeError, tuple[str, str]]] = {
    HandshakeError.UNKNOWN_TRANSPORT: ("transport", "none of those that the server offers"),
    HandshakeError.UNKNOWN_SESSION: ("sid", "no session has this id, or not any more"),
    HandshakeError.BAD_METHOD: ("method", "a session is opened by GET"),
    HandshakeError.BAD_REQUEST: ("request", "it does not fit its transport, or its session as it is now"),
    HandshakeError.UNSUPPORTED_VERSION: (
        "EIO",
        "not version 4 of the protocol, which socket.io has since 3.0",
    ),
}
"""Error -> why, in a word and in more."""

_STATUSES: Final[dict[int, tuple[str, str]]] = {
    400: ("request", "the body is malformed or broken off"),
    408: ("request", "the body did not come in time"),
    413: ("request", "the body is too large"),
    429: ("handshake rate", "too many sessions from this address; see address_handshakes_per_second"),
    503: ("capacity", "no room for another session, or the server is stopping"),
}
"""Status that says it all -> the same."""

_CROWDS: Final[dict[Crowd, tuple[str, str]]] = {
    "unjoined": ("Too many connections", "max_unjoined sessions have joined no namespace yet"),
    "address": ("Too many connections", "max_unjoined_per_address sessions from there have joined no namespace yet"),
}
"""Why there is no room -> what the client is told, and why in more words."""


@final
class Responses:
    """Answers requests. Each method answers the request it is given; raises as `Request.respond` does."""

    def __init__(self, config: Config, gate: Gate, compression: Compression) -> None:
        self._gate = gate
        self._compression = compression
        self._cors = Cors(config.cors_origins, check=config.cors_origin_check)

    def allows_origin(self, request: Request) -> bool:
        """Tell whether the page that makes a request may; one without an origin is no page's."""
        return self._cors.allows(request)

    async def payload(self, request: Request, payload: bytes) -> None:
        """Answer a poll."""
        encoded = await self._compression.encode(payload, request.header(b"accept-encoding"))
        headers = [_TEXT, _NO_STORE, *self._cors.headers(request), *encoded.headers, *self._gate.headers_for(request)]
        await request.respond(200, headers, encoded.body)

    async def ok(self, request: Request) -> None:
        """Answer a POST whose packets were taken."""
        headers = [_TEXT, _NO_STORE, *self._cors.headers(request), *self._gate.headers_for(request)]
        await request.respond(200, headers, b"ok")

    async def preflight(self, request: Request) -> None:
        """Answer a browser that asks what a page may send."""
        await request.respond(204, self._cors.preflight(request))

    async def forbid_origin(self, request: Request) -> None:
        """Answer a page that may not."""
        error, origin = HandshakeError.FORBIDDEN, (request.header(b"origin") or b"").decode("latin-1")
        detail = f"{origin[:200]!r} is none of cors_origins"
        self._gate.tell(request, status=403, error=error, message=error.message, reason="origin", detail=detail)
        await request.respond(403, [_JSON, *self._cors.headers(request)], error.body)

    async def refuse(self, request: Request, error: HandshakeError) -> None:
        """Answer with an error of Engine.IO's."""
        reason, detail = _REASONS[error]
        self._gate.tell(request, status=400, error=error, message=error.message, reason=reason, detail=detail)
        await request.respond(400, [_JSON, *self._cors.headers(request)], error.body)

    async def malformed(self, request: Request) -> None:
        """Answer a POST that has ended its session, by which has been told why."""
        await request.respond(400, [_JSON, *self._cors.headers(request)], HandshakeError.BAD_REQUEST.body)

    async def deny(self, request: Request, no: No) -> None:
        """Answer as a hook wants it."""
        self._gate.tell(request, status=no.status, error=no.error, message=no.message, reason="hook", detail=no.detail)
        await request.respond(no.status, [_JSON, *self._cors.headers(request)], no.error.body_saying(no.message))

    async def error(self, request: Request, status: int, *headers: tuple[bytes, bytes]) -> None:
        """Answer with a status that says it all."""
        reason, detail = _STATUSES[status]
        self._gate.tell(request, status=status, error=None, message="", reason=reason, detail=detail)
        await request.respond(status, [*self._cors.headers(request), *headers])

    async def too_many(self, request: Request, seconds: float) -> None:
        """Answer a client whose address has opened too many sessions, and may open another one in so many seconds."""
        await self.error(request, 429, (b"retry-after", b"%d" % math.ceil(seconds)))

    async def crowded(self, request: Request, crowd: Crowd) -> None:
        """Answer a new client that there are too many that have not joined anything."""
        error, (message, detail) = HandshakeError.FORBIDDEN, _CROWDS[crowd]
        self._gate.tell(request, status=503, error=error, message=message, reason=crowd, detail=detail)
        await request.respond(503, [_JSON, *self._cors.headers(request)], error.body_saying(message))

    async def unavailable(self, request: Request) -> None:
        """Answer a new client that there is no room, or not any more."""
        await self.error(request, 503)
