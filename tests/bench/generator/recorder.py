"""What clients write, recorded between them and a server."""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Final, final

import trio

SWITCHED: Final = b"upgrade: websocket"
VARIES: Final = (
    (rb"&t=[0-9a-z]{8}", b"&t=T"),
    (rb"&sid=[\w-]+", b"&sid=SID"),
    (rb"127\.0\.0\.1:\d+", b"HOST"),
    (rb"(Sec-WebSocket-Key: )\S{24}", rb"\1KEY"),
)
"""What no two visits have in common."""


@final
class Recorder:
    """A proxy that keeps what its clients write."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._connections: list[bytearray] = []

    @property
    def written(self) -> set[bytes | tuple[int, bytes]]:
        """Whole requests with their bodies, and the frames of WebSockets as (first byte, content), each once.

        How often a client polls, and in which order what it writes on several connections arrives, is a matter of time.
        """
        return {part for connection in self._connections for part in parts_of(bytes(connection))}

    async def serve(self, task_status: trio.TaskStatus[int]) -> None:
        """Serve until cancelled. `nursery.start` returns the port."""
        async with trio.open_nursery() as nursery:
            (listener,) = await nursery.start(partial(trio.serve_tcp, self._pass_on, 0, host="127.0.0.1"))
            assert isinstance(listener, trio.SocketListener)
            task_status.started(listener.socket.getsockname()[1])

    async def _pass_on(self, client: trio.SocketStream) -> None:
        server = await trio.open_tcp_stream("127.0.0.1", self._server_port)
        async with server, trio.open_nursery() as nursery:
            self._connections.append(bytearray())
            nursery.start_soon(self._copy, server, client, bytearray())
            await self._copy(client, server, self._connections[-1])

    async def _copy(self, source: trio.SocketStream, target: trio.SocketStream, copied: bytearray) -> None:
        """Copy until the source ends or breaks; either end may be gone by then."""
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async for data in source:
                copied += data
                await target.send_all(data)
            await target.send_eof()


def parts_of(data: bytes) -> Iterator[bytes | tuple[int, bytes]]:
    """Cut what was written on one connection."""
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        length = re.search(rb"Content-Length: (\d+)", head)
        size = int(length[1]) if length else 0
        request, data = head + b"\r\n\r\n" + data[:size], data[size:]
        for pattern, replacement in VARIES:
            request = re.sub(pattern, replacement, request)
        yield request
        if SWITCHED in head.lower():
            yield from frames_of(data)
            return


def frames_of(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut and unmask frames of less than 126 bytes."""
    while data:
        size, mask = data[1] & 127, data[2:6]
        yield data[0], bytes(byte ^ mask[index % 4] for index, byte in enumerate(data[6 : 6 + size]))
        data = data[6 + size :]
