"""A file as the answer to a request: whole, in part, or not modified. An ASGI application for one request.

Who may see the file has been decided. Its type is what its content showed when it came, never what a client claimed,
and browsers are told not to guess another.
"""

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Final, cast, final

import trio

from slysock.asgi import Receive, Scope, Send

from .disk import MediaName, StoredFile, kind_of_name
from .folder import PIECE_BYTES, MediaFolder
from .ranges import Span, Unsatisfiable, matches, maybe_span, range_applies

_SAFE_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"cache-control", b"private, no-cache"),  # kept by the browser, and asked for again: access may have ended
    (b"accept-ranges", b"bytes"),
)


@final
class MediaAnswer:
    """The answer. Closes the file.

    Args:
        folder: the folder that the file is in.
        stored: the file.
        name: the name of the file.
    """

    def __init__(self, folder: MediaFolder, stored: StoredFile, name: MediaName) -> None:
        self._folder = folder
        self._file = stored.file
        self._size = stored.size
        self._kind = kind_of_name(name)
        self._name = name
        self._etag = f'"{name}"'  # names are never used again, and a file never changes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request; stop if the client leaves."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_cancel_when_gone, receive, nursery.cancel_scope)
                await self._answer(_headers_of(scope), send, has_body=scope.get("method") != "HEAD")
                nursery.cancel_scope.cancel()
        finally:
            self._file.close()

    async def _answer(self, asked: Mapping[str, str], send: Send, *, has_body: bool) -> None:
        if matches(asked.get("if-none-match"), self._etag):
            await self._send_head(send, HTTPStatus.NOT_MODIFIED)
            await send({"type": "http.response.body"})
            return
        wanted = asked.get("range") if range_applies(asked.get("if-range"), self._etag) and has_body else None
        try:
            span = maybe_span(wanted, self._size)
        except Unsatisfiable:
            where = f"bytes */{self._size}"
            await self._send_head(send, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, where=where)
            await send({"type": "http.response.body"})
            return
        if span is None:
            await self._send(send, HTTPStatus.OK, Span(0, self._size), has_body=has_body)
        else:
            where = f"bytes {span.start}-{span.end - 1}/{self._size}"
            await self._send(send, HTTPStatus.PARTIAL_CONTENT, span, where=where, has_body=has_body)

    async def _send(self, send: Send, status: HTTPStatus, span: Span, *, where: str = "", has_body: bool) -> None:
        await self._send_head(send, status, length=span.length, where=where)
        if has_body:
            await self._send_pieces(send, span)
        await send({"type": "http.response.body"})

    async def _send_head(self, send: Send, status: HTTPStatus, *, length: int = 0, where: str = "") -> None:
        headers = [*_SAFE_HEADERS, (b"etag", self._etag.encode())]
        if status in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            headers.append((b"content-type", self._kind.mime.encode()))
            headers.append((b"content-disposition", f'inline; filename="{self._name}"'.encode()))
        if status is not HTTPStatus.NOT_MODIFIED:
            headers.append((b"content-length", str(length).encode()))
        if where:
            headers.append((b"content-range", where.encode()))
        await send({"type": "http.response.start", "status": int(status), "headers": headers})

    async def _send_pieces(self, send: Send, span: Span) -> None:
        """Send a part of the file, one piece in memory at a time; `send` waits for a slow client."""
        left = span.length
        await self._folder.block(partial(self._file.seek, span.start))
        while left:
            piece = await self._folder.block(partial(self._file.read, min(PIECE_BYTES, left)))
            if not piece:  # somebody has cut the file: break off rather than pretend
                raise EOFError(f"{left} bytes of a file are missing")
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})


def _headers_of(scope: Scope) -> Mapping[str, str]:
    pairs = cast("list[tuple[bytes, bytes]]", scope["headers"])  # so says ASGI
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in pairs}


async def _cancel_when_gone(receive: Receive, scope: trio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
