"""Engine.IO clients: one session, by WebSocket or by polling."""

import binascii
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeAlias, final

import h11
import msgspec
import trio
import wsproto
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.utilities import RemoteProtocolError

from slysock.testing.http_request import Headers, request
from slysock_protocol.engineio import SEPARATOR, BinaryMessage, Message, Outgoing

_CUT_OFF: Final = (h11.RemoteProtocolError, trio.BrokenResourceError)  # a stopping server has left a request unanswered


class Closed(Exception):
    """The server has closed the session, or never opened it.

    Attributes:
        code: of a WebSocket's close frame, or the HTTP status of a refusal; 1006 where there was neither.
        reason: of the close frame, or the body of a refusal.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}".strip())
        self.code = code
        self.reason = reason


@final
class Pace:
    """How a client reads: as it comes, little by little, or not at all."""

    def __init__(self) -> None:
        self._may_read = trio.Event()
        self._may_read.set()
        self._pause_seconds = 0.0
        self.silent = False

    def stall(self) -> None:
        """Stop reading, so that the server's writes get stuck."""
        self._may_read = trio.Event()

    def resume(self) -> None:
        """Read again."""
        self._may_read.set()

    def slow_down(self, seconds: float) -> None:
        """Wait this long between two reads."""
        self._pause_seconds = seconds

    def vanish(self) -> None:
        """Vanish without a word: read, answer and close nothing any more."""
        self.silent = True
        self.stall()

    async def wait(self) -> None:
        """Wait until the next read is due."""
        await self._may_read.wait()
        if self._pause_seconds:
            await trio.sleep(self._pause_seconds)


@final
class Inbox:
    """The messages that a client has received, and how its session ended."""

    def __init__(self) -> None:
        self._in, self._out = trio.open_memory_channel[Message | BinaryMessage](100_000)
        self.closed: Closed | None = None

    def put(self, message: Message | BinaryMessage) -> None:
        """Keep a message."""
        if self.closed is None:
            self._in.send_nowait(message)

    def end(self, closed: Closed) -> None:
        """Note that nothing more will come."""
        if self.closed is None:
            self.closed = closed
            self._in.close()

    async def get(self) -> Message | BinaryMessage:
        """Wait for a message.

        Raises:
            Closed: there will be none.
        """
        try:
            return await self._out.receive()
        except trio.EndOfChannel:
            raise self.closed or Closed(1006, "") from None


@final
class WebSocketClient:
    """A session by WebSocket."""

    def __init__(self, stream: trio.abc.Stream, target: str, headers: Headers, nursery: trio.Nursery) -> None:
        self.handshake: dict[str, object] = {}
        self.pace = Pace()
        self.inbox = Inbox()
        self.stream = stream
        self._target = target
        self._headers = headers
        self._nursery = nursery
        self._machine = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        self._sending = trio.Lock()
        self._pieces = b""  # of a message that has come in part
        self._opened = trio.Event()  # the WebSocket is open, or was refused
        self._greeted = trio.Event()  # the first Engine.IO packet came, or there will be none

    async def connect(self) -> None:
        """Perform the opening handshake of the WebSocket.

        Raises:
            Closed: the server refused.
        """
        extra = [(name.encode(), value.encode()) for name, value in self._headers]
        await self._transmit(Request(host="memory", target=self._target, extra_headers=extra))
        self._nursery.start_soon(self._read)
        await self._opened.wait()
        if self.inbox.closed is not None:
            raise self.inbox.closed

    async def open(self) -> None:
        """Open a session.

        Raises:
            Closed: the server refused.
        """
        await self.connect()
        await self._greeted.wait()
        if self.inbox.closed is not None:
            raise self.inbox.closed

    async def upgrade(self, session_id: str) -> None:
        """Probe this WebSocket as the new transport of a polling session; the caller must send `5` to upgrade.

        Raises:
            Closed: the server refused.
        """
        self._target += f"&sid={session_id}"
        await self.connect()
        await self.send_text(b"2probe")
        await self._greeted.wait()

    async def send(self, outgoing: Outgoing) -> None:
        """Send packets."""
        if outgoing.text is not None:
            await self.send_text(outgoing.text)
        for data in outgoing.binaries:
            await self._transmit(BytesMessage(data=data))

    async def _transmit(self, event: Event) -> None:
        """Send an event; the reading task answers pings beside the test."""
        data = self._machine.send(event)
        async with self._sending:
            await self.stream.send_all(data)

    async def send_text(self, text: bytes) -> None:
        """Send a text message unchanged."""
        await self._transmit(TextMessage(data=text.decode()))

    async def drop(self) -> None:
        """Close the connection without saying goodbye."""
        await trio.aclose_forcefully(self.stream)

    async def close(self) -> None:
        """Say goodbye and close."""
        await self._transmit(CloseConnection(code=1000))

    async def _read(self) -> None:
        try:
            while self.inbox.closed is None:
                await self.pace.wait()
                data = bytes(await self.stream.receive_some())
                self._machine.receive_data(data or None)
                await self._handle_events()
        except (trio.BrokenResourceError, trio.ClosedResourceError, RemoteProtocolError):
            self.inbox.end(Closed(1006, ""))
        finally:
            self._opened.set()
            self._greeted.set()

    async def _handle_events(self) -> None:
        for event in self._machine.events():
            match event:
                case AcceptConnection():
                    self._opened.set()
                case RejectConnection(status_code=status):
                    self.inbox.end(Closed(status, ""))
                case CloseConnection(code=code, reason=reason):
                    self.inbox.end(Closed(code, reason or ""))
                    if self._machine.state is wsproto.connection.ConnectionState.REMOTE_CLOSING:
                        await self._transmit(event.response())
                case TextMessage() | BytesMessage():
                    self._pieces += event.data.encode() if isinstance(event, TextMessage) else event.data
                    if event.message_finished:
                        await self._take_message(is_text=isinstance(event, TextMessage))
                case _:
                    pass

    async def _take_message(self, *, is_text: bool) -> None:
        data, self._pieces = self._pieces, b""
        if is_text:
            await self._take(data)
        else:
            self.inbox.put(BinaryMessage(data))

    async def _take(self, text: bytes) -> None:
        if text.startswith(b"0"):
            self.handshake = read_handshake(text)
        elif text.startswith(b"2") and not self.pace.silent:
            await self.send_text(b"3" + text[1:])
        else:
            interpret(text, self.inbox)
        self._greeted.set()


@final
class PollingClient:
    """A session by long-polling, which may be upgraded."""

    def __init__(
        self, open_stream: Callable[[], trio.abc.Stream], target: str, headers: Headers, nursery: trio.Nursery
    ) -> None:
        self.handshake: dict[str, object] = {}
        self.pace = Pace()
        self.inbox = Inbox()
        self.websocket: WebSocketClient | None = None
        self._open_stream = open_stream
        self._target = target
        self._headers = headers
        self._nursery = nursery
        self._scope = trio.CancelScope()
        self._ended = trio.Event()  # no poll is under way, and none will be
        self._pausing = False
        self._posting = trio.Lock()  # two POSTs at once would end the session

    async def open(self) -> None:
        """Open a session.

        Raises:
            Closed: the server refused.
        """
        response = await request(self._open_stream(), "GET", self._target, headers=self._headers)
        if response.status != 200:
            raise Closed(response.status, response.body.decode())
        first, *rest = response.body.split(SEPARATOR)
        self.handshake = read_handshake(first)
        self._target += f"&sid={self.handshake['sid']}"
        for text in rest:
            interpret(text, self.inbox)
        self._nursery.start_soon(self._poll)

    async def send(self, outgoing: Outgoing) -> None:
        """Send packets, by one POST or by the WebSocket after an upgrade.

        Raises:
            Closed: the server refused.
        """
        if self.websocket is not None:
            await self.websocket.send(outgoing)
        else:
            await self._post(outgoing.payload)

    async def _post(self, body: bytes) -> None:
        async with self._posting:
            response = await request(self._open_stream(), "POST", self._target, headers=self._headers, body=body)
        if response.status != 200:
            self.inbox.end(Closed(response.status, response.body.decode()))
            raise Closed(response.status, response.body.decode())

    async def upgrade(self) -> None:
        """Move to WebSocket, as stock clients do: probe, let the poll end, upgrade.

        Raises:
            Closed: the server refused.
        """
        target = self._target.replace("transport=polling", "transport=websocket").partition("&sid=")[0]
        websocket = WebSocketClient(self._open_stream(), target, self._headers, self._nursery)
        websocket.inbox = self.inbox
        websocket.pace = self.pace
        await websocket.upgrade(str(self.handshake["sid"]))
        self._pausing = True
        await self._ended.wait()
        await websocket.send_text(b"5")
        self.websocket = websocket

    async def drop(self) -> None:
        """Close the connection without saying goodbye."""
        self._scope.cancel()
        if self.websocket is not None:
            await self.websocket.drop()

    async def _poll(self) -> None:
        with self._scope:
            while self.inbox.closed is None and not self._pausing:
                await self.pace.wait()
                try:
                    response = await request(self._open_stream(), "GET", self._target, headers=self._headers)
                except _CUT_OFF:
                    self.inbox.end(Closed(1006, ""))
                    break
                if response.status != 200:
                    self.inbox.end(Closed(response.status, response.body.decode()))
                    break
                for text in response.body.split(SEPARATOR):
                    self._take(text)
        self._ended.set()

    async def _pong(self) -> None:
        """Answer a ping, after a POST that is under way; polling goes on meanwhile."""
        with suppress(Closed, *_CUT_OFF):
            await self._post(b"3")

    def _take(self, text: bytes) -> None:
        if text.startswith(b"2"):
            if not self.pace.silent:
                self._nursery.start_soon(self._pong)
        elif text.startswith(b"b"):
            self.inbox.put(BinaryMessage(binascii.a2b_base64(text[1:])))
        else:
            interpret(text, self.inbox)


EngineClient: TypeAlias = WebSocketClient | PollingClient


def read_handshake(text: bytes) -> dict[str, object]:
    """Read the open packet."""
    return msgspec.json.decode(text[1:], type=dict[str, object])


def interpret(text: bytes, inbox: Inbox) -> None:
    """Put a message into the inbox; end it at a close packet; ignore what does not concern the layer above."""
    if text.startswith(b"4"):
        inbox.put(Message(text[1:]))
    elif text == b"1":
        inbox.end(Closed(1000, "closed by the server"))
