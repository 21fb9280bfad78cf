"""Which web pages may talk to the server: CORS for polling and REST, and for WebSockets, which browsers exempt.

Source: Fetch standard, "CORS protocol". By default any origin may, but without credentials, so that no page rides on a
visitor's cookie; listed origins may with them, but for `null`, which any page can be. Private Network Access (a draft
of WICG): a page on the Internet may talk to a server in a private network if its origin is listed.
"""

from collections.abc import Sequence
from typing import Final, Protocol, final

from slysock.request import NULL, OriginCheck, Origins, is_same_host

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
    """The rule.

    Args:
        origins: those that may; None for any, without credentials, unless there is a `check`.
        check: asked of an origin that is not listed.
        methods: what a preflight says is allowed.
    """

    def __init__(
        self, origins: Sequence[str] | None, *, check: OriginCheck | None = None, methods: bytes = POLLING_METHODS
    ) -> None:
        self._methods = methods
        self._origins = None if origins is None and check is None else Origins(origins or (), check)

    def allows(self, request: Request) -> bool:
        """Tell whether the page that makes the request, if it is one, may."""
        origin = request.header(b"origin")
        return self._origins is None or origin is None or _is_same(request, origin) or self._lists(origin)

    def _lists(self, origin: bytes) -> bool:
        return self._origins is not None and origin.decode("latin-1") in self._origins

    def headers(self, request: Request) -> Headers:
        """Build the headers that every answer to the request needs."""
        origin = request.header(b"origin")
        if self._origins is None:
            return [(b"access-control-allow-origin", b"*")] if origin is not None else []
        headers = [(b"vary", b"Origin")]
        if origin is not None and self.allows(request):
            headers.append((b"access-control-allow-origin", origin))
            if origin != NULL.encode():
                headers.append((b"access-control-allow-credentials", b"true"))
        return headers

    def preflight(self, request: Request) -> Headers:
        """Build the answer to an OPTIONS request."""
        headers = self.headers(request)
        headers.append((b"access-control-allow-methods", self._methods))
        wanted = request.header(b"access-control-request-headers")
        if wanted is not None:
            headers.append((b"access-control-allow-headers", wanted))
        origin, is_private = request.header(b"origin"), request.header(b"access-control-request-private-network")
        if is_private == b"true" and origin is not None and self._lists(origin):
            headers.append((b"access-control-allow-private-network", b"true"))
        headers.append((b"access-control-max-age", _MAX_AGE))
        return headers


def _is_same(request: Request, origin: bytes) -> bool:
    return is_same_host(origin.decode("latin-1"), (request.header(b"host") or b"").decode("latin-1"))
