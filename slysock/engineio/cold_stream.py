"""What trio-websocket takes for a connection, on which it only ever sees the frames that are not fast."""

from typing import Final, final

import trio

from slysock.engineio.lane import Lane
from slysock.engineio.outbox import Outbox

_CLOSE_BYTE: Final = b"\x88"  # the first of a close frame
_REQUEST: Final = (  # trio-websocket insists on one; the client's own is not kept for the day it is needed
    b"GET / HTTP/1.1\r\nHost: client\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


@final
class ColdStream(trio.abc.Stream):
    """What trio-websocket takes for the connection: a request, then cold bytes only.

    Its answer to the request goes nowhere: the client has made one of its own and has had its answer.
    """

    def __init__(self, lane: Lane, outbox: Outbox, cold: bytes) -> None:
        self._lane = lane
        self._outbox = outbox
        self._request = _REQUEST
        self._cold = cold
        self._answered = trio.Event()
        self._closed = False
        self.said_goodbye = False  # a close frame has been sent

    async def receive_some(self, max_bytes: int | None = None) -> bytes:  # noqa: ARG002 - gives what there is
        """Return the request, and once it has been answered the next cold bytes."""
        await trio.lowlevel.checkpoint()
        if self._request:
            request, self._request = self._request, b""
            return request
        await self._answered.wait()
        if self._closed:
            raise trio.ClosedResourceError
        if self._cold:
            cold, self._cold = self._cold, b""
            return cold
        return await self._lane.next_cold()

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send what trio-websocket has to say, behind what is already waiting."""
        if not self._answered.is_set():
            self._answered.set()
        elif self._outbox.shut:
            raise trio.BrokenResourceError("nothing can be written any more")
        else:
            self.said_goodbye = self.said_goodbye or data[:1] == _CLOSE_BYTE
            self._outbox.push(bytes(data))
        await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        """Return at once: send_all only queues."""
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        """Wait until what was said has been written; the connection itself is closed by its task.

        Nothing is read for trio-websocket from here on: that task may have to, for the rest of the goodbye.
        """
        self._closed = True
        await self._outbox.wait_empty()
