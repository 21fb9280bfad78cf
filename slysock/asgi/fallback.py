"""Two applications for one path: the second one answers where the first has nothing."""

from collections.abc import Mapping
from typing import Final, cast, final

from slysock.asgi.interface import ASGIApp, PreciseApp, Receive, Scope, Send

NOT_FOUND: Final = 404


def with_fallback(app: ASGIApp, other: ASGIApp) -> ASGIApp:
    """Make an application that gives `app`'s answer, or `other`'s where that is 404. `other` does not read bodies."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        attempt = _Attempt(send)
        await cast("PreciseApp", app)(scope, receive, attempt.send)
        if attempt.found_nothing:
            await cast("PreciseApp", other)(scope, receive, send)

    return serve


@final
class AppWithoutHealth:
    """An application that has no `/healthz` and `/readyz`, so that the server need not ask it before it answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = cast("PreciseApp", app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        await self._app(scope, receive, send)


@final
class _Attempt:
    """Passes an answer on, but for a 404, which is dropped."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.found_nothing = False

    async def send(self, message: Mapping[str, object]) -> None:
        if message.get("type") == "http.response.start":
            self.found_nothing = message.get("status") == NOT_FOUND
        if not self.found_nothing:
            await self._send(message)
