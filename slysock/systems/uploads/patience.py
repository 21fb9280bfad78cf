"""Patience with clients that keep sending although they have been refused, so that they get to read why.

A refusal goes out at once, whole. But many clients, browsers and phones among them, only look for an answer when they
have sent everything, and lose it when the connection is cut under them. So the rest of the body is read and dropped,
for a while. It is never kept, and only clients with a valid token are waited for; not those that announced to send
nothing before they are asked to (`Expect: 100-continue`).
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, cast, final

import trio

from slysock.asgi import Event, PreciseApp, Receive, Scope, Send

DROP_SECONDS: Final = 30.0
DROP_BYTES: Final = 536_870_912
"""A long video from a phone; beyond that the connection is cut."""


@final
class Patience:
    """An ASGI application around one that takes uploads."""

    def __init__(self, app: PreciseApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        exchange = _Exchange(receive, send, has_begun=not _waits_to_be_asked(scope))
        await self._app(scope, exchange.receive, exchange.send)


@final
class _Exchange:
    def __init__(self, receive: Receive, send: Send, *, has_begun: bool) -> None:
        self._receive = receive
        self._send = send
        self._is_refused = False
        self._may_come_more = has_begun

    async def receive(self) -> Event:
        event = await self._receive()
        self._may_come_more = event["type"] == "http.request" and bool(event.get("more_body"))
        return event

    async def send(self, message: Mapping[str, object]) -> None:
        if message["type"] == "http.response.start":
            status = message["status"]
            assert isinstance(status, int)
            self._is_refused = status >= HTTPStatus.BAD_REQUEST and status != HTTPStatus.UNAUTHORIZED
        is_last = message["type"] == "http.response.body" and not message.get("more_body")
        if not (is_last and self._is_refused and self._may_come_more):
            await self._send(message)
            return
        await self._send({**message, "more_body": True})
        await self._drop_the_rest()
        await self._send({"type": "http.response.body"})

    async def _drop_the_rest(self) -> None:
        dropped = 0
        with trio.move_on_after(DROP_SECONDS):
            while self._may_come_more and dropped < DROP_BYTES:
                body = (await self.receive()).get("body", b"")
                dropped += len(body) if isinstance(body, bytes) else 0


def _waits_to_be_asked(scope: Scope) -> bool:
    headers = cast("list[tuple[bytes, bytes]]", scope["headers"])  # so says ASGI
    return any(name == b"expect" and value.lower() == b"100-continue" for name, value in headers)
