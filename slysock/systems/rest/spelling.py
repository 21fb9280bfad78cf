"""One path, one spelling: what a rule of a proxy closes is closed, however it is written.

A router decodes a path, joins its slashes and drops the last one. A proxy in front that is told to keep `/metrics` from
the public may not, and would let `//metrics`, `/%6detrics` and `/metrics/` pass. So they are nowhere here.
"""

from collections.abc import Collection
from typing import cast, final

import msgspec

from slysock.asgi import ASGIApp, PreciseApp, Receive, Scope, Send

from .errors import ErrorAnswers


@final
class OneSpelling:
    """An ASGI application around one that routes leniently.

    Args:
        app: it.
        pages: paths that are taken as they stand.
        areas: paths below which anything may follow but an empty segment; ids are encoded as clients like.
        answers: for all others.
    """

    def __init__(self, app: ASGIApp, *, pages: Collection[str], areas: Collection[str], answers: ErrorAnswers) -> None:
        self._app = cast("PreciseApp", app)
        self._pages = frozenset(page.encode() for page in pages)
        self._areas = frozenset(area.encode() for area in areas)
        self._answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan."""
        if scope["type"] != "http" or self._knows(cast("bytes", scope["raw_path"])):
            await self._app(scope, receive, send)
            return
        body = msgspec.json.encode(self._answers.not_found(cast("str", scope["path"])))
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 404, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _knows(self, path: bytes) -> bool:
        if path in self._pages or path in self._areas:
            return True
        return b"//" not in path and any(path.startswith(area + b"/") for area in self._areas)
