"""The answers of Engine.IO to HTTP requests: their headers, and CORS on every one of them."""

from typing import Final, final

from slysock.config import Config
from slysock.http import Request
from slysock.http.content_coding import encode_body
from slysock.http.cors import Cors
from slysock_protocol.engineio import HandshakeError

_TEXT: Final = (b"content-type", b"text/plain; charset=UTF-8")
_JSON: Final = (b"content-type", b"application/json")
_NO_STORE: Final = (b"cache-control", b"no-store")


@final
class Responses:
    """Answers requests. Each method answers the request it is given; raises as `Request.respond` does."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._cors = Cors(config.cors_origins, check=config.cors_origin_check)

    def allows_origin(self, request: Request) -> bool:
        """Tell whether the page that makes a request may; one without an origin is no page's."""
        return self._cors.allows(request)

    async def payload(self, request: Request, payload: bytes) -> None:
        """Answer a poll."""
        threshold = self._config.compression_threshold_bytes
        encoded = encode_body(payload, request.header(b"accept-encoding"), threshold)
        headers = [_TEXT, _NO_STORE, *self._cors.headers(request), *encoded.headers]
        await request.respond(200, headers, encoded.body)

    async def ok(self, request: Request) -> None:
        """Answer a POST whose packets were taken."""
        await request.respond(200, [_TEXT, _NO_STORE, *self._cors.headers(request)], b"ok")

    async def preflight(self, request: Request) -> None:
        """Answer a browser that asks what a page may send."""
        await request.respond(204, self._cors.preflight(request))

    async def refuse(self, request: Request, error: HandshakeError, *, status: int = 400) -> None:
        """Answer with an error of Engine.IO's."""
        await request.respond(status, [_JSON, *self._cors.headers(request)], error.body)

    async def error(self, request: Request, status: int) -> None:
        """Answer with a status that says it all."""
        await request.respond(status, self._cors.headers(request))

    async def unavailable(self, request: Request) -> None:
        """Answer a new client that there is no room, or not any more."""
        await self.error(request, 503)
