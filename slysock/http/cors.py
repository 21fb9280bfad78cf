"""Which web pages may talk to the server: CORS for polling and REST, and for WebSockets, which browsers exempt.

Source: Fetch standard, "CORS protocol". By default any origin may, but without credentials, so that no page rides on a
visitor's cookie; listed origins may with them.
"""

from collections.abc import Sequence
from typing import Final, Protocol, final

POLLING_METHODS: Final = b"GET,POST"
_MAX_AGE: Final = b"7200"  # seconds a preflight is remembered: the most that Chromium honours

Headers = list[tuple[bytes, bytes]]


class Request(Protocol):
    """What the rule looks at of a request."""

    def header(self, name: bytes, /) -> bytes | None:
        """Return the first value of a header, whose name is in lower case."""
        ...


@final
class Cors:
    """The rule; None for any origin, otherwise those listed. `methods` are what a preflight says is allowed."""

    def __init__(self, origins: Sequence[str] | None, *, methods: bytes = POLLING_METHODS) -> None:
        self._methods = methods
        self._origins = None if origins is None else frozenset(origin.rstrip("/").encode() for origin in origins)

    def allows(self, request: Request) -> bool:
        """Tell whether the page that makes the request, if it is one, may."""
        origin = request.header(b"origin")
        return self._origins is None or origin is None or origin in self._origins or _is_same(request, origin)

    def headers(self, request: Request) -> Headers:
        """Build the headers that every answer to the request needs."""
        origin = request.header(b"origin")
        if self._origins is None:
            return [(b"access-control-allow-origin", b"*")] if origin is not None else []
        headers = [(b"vary", b"Origin")]
        if origin is not None and self.allows(request):
            headers += [
                (b"access-control-allow-origin", origin),
                (b"access-control-allow-credentials", b"true"),
            ]
        return headers

    def preflight(self, request: Request) -> Headers:
        """Build the answer to an OPTIONS request."""
        headers = self.headers(request)
        headers.append((b"access-control-allow-methods", self._methods))
        wanted = request.header(b"access-control-request-headers")
        if wanted is not None:
            headers.append((b"access-control-allow-headers", wanted))
        headers.append((b"access-control-max-age", _MAX_AGE))
        return headers


def _is_same(request: Request, origin: bytes) -> bool:
    """Compare hosts only: a proxy may have taken TLS off."""
    host = origin.partition(b"://")[2]  # none in the origin `null`, which is nobody's
    return bool(host) and host == request.header(b"host")
