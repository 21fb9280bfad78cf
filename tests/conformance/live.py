"""Raw clients for a server on a port: h11 for polling, wsproto for WebSocket, and nothing of slysock."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias, final

import h11
import trio
import wsproto
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)

Headers: TypeAlias = Sequence[tuple[str, str]]

SEPARATOR: Final = "\x1e"
SOON_SECONDS: Final = 5.0
"""Everything that a test waits for comes at once; this is only how long a busy machine may take."""


class Closed(Exception):
    """The server has closed the WebSocket.

    Attributes:
        code: of the close frame; 1006 without one.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; header names in lower case."""

    status: int
    text: str
    headers: dict[str, str]


@final
@dataclass(slots=True)
class Target:
    """A server under test, and ways to it. Leaving it closes the connections that tests have left open."""

    host: str
    port: int
    path: str
    streams: list[trio.SocketStream] = field(default_factory=list)  # all that were opened

    @property
    def polling(self) -> str:
        """The target of a polling handshake."""
        return f"{self.path}?EIO=4&transport=polling"

    @property
    def websocket(self) -> str:
        """The target of a WebSocket handshake."""
        return f"{self.path}?EIO=4&transport=websocket"

    def __enter__(self) -> "Target":
        return self

    def __exit__(self, *failure: object) -> None:
        for stream in self.streams:
            stream.socket.close()

    async def connect(self) -> trio.SocketStream:
        """Open a connection."""
        stream = await trio.open_tcp_stream(self.host, self.port)
        self.streams.append(stream)
        return stream

    async def ask(self, method: str, target: str, *, body: bytes = b"", headers: Headers = ()) -> Answer:
        """Make one request on a connection of its own."""
        with trio.fail_after(SOON_SECONDS):
            stream = await self.connect()
            async with stream:
                return await exchange(stream, method, target, body=body, headers=headers)

    async def open_polling(self) -> "Polling":
        """Open a session by polling."""
        answer = await self.ask("GET", self.polling)
        assert answer.status == 200, answer
        return Polling(self, str(handshake(answer.text)["sid"]))

    async def open_websocket(self) -> "WebSocket":
        """Open a session by WebSocket; the open packet has been read."""
        websocket = await self.websocket_to(self.websocket)
        handshake(await websocket.text())
        return websocket

    async def websocket_to(self, target: str) -> "WebSocket":
        """Do the opening handshake of a WebSocket.

        Raises:
            Refused: the server answered with another status.
        """
        websocket = WebSocket(await self.connect())
        await websocket.open(target)
        return websocket

    async def join(self, packet: str = "40") -> "WebSocket":
        """Open a session by WebSocket and join the main namespace; the greeting has been read."""
        websocket = await self.open_websocket()
        await websocket.send(packet)
        assert (await websocket.text()).startswith("40{")
        assert (await websocket.text()).startswith('42["auth"')
        return websocket


async def exchange(
    stream: trio.SocketStream, method: str, target: str, *, body: bytes = b"", headers: Headers = ()
) -> Answer:
    """Send a request and read its answer."""
    machine = h11.Connection(h11.CLIENT)
    length = [("content-length", str(len(body)))] if body else []
    head = h11.Request(method=method, target=target, headers=[("host", "conformance"), *headers, *length])
    pieces = [machine.send(head), machine.send(h11.Data(data=body)), machine.send(h11.EndOfMessage())]
    await stream.send_all(b"".join(piece for piece in pieces if piece))
    status, lines, content = 0, dict[str, str](), b""
    while True:
        event = machine.next_event()
        if event is h11.NEED_DATA:
            machine.receive_data(bytes(await stream.receive_some()))
        elif isinstance(event, h11.Response):
            status = event.status_code
            lines = {name.decode(): value.decode("latin-1") for name, value in event.headers}
        elif isinstance(event, h11.Data):
            content += event.data
        elif isinstance(event, h11.EndOfMessage):
            return Answer(status, content.decode(), lines)


def handshake(packet: str) -> dict[str, object]:
    """Read an open packet."""
    assert packet.startswith("0")
    value: dict[str, object] = json.loads(packet[1:])
    return value


@final
class Polling:
    """A session by polling."""

    def __init__(self, target: Target, sid: str) -> None:
        self.sid = sid
        self._target = target

    @property
    def url(self) -> str:
        """The target of its requests."""
        return f"{self._target.polling}&sid={self.sid}"

    async def get(self) -> Answer:
        """Wait for packets."""
        return await self._target.ask("GET", self.url)

    async def post(self, body: str) -> Answer:
        """Send a body."""
        return await self._target.ask("POST", self.url, body=body.encode())

    async def packets(self) -> list[str]:
        """Wait for packets and take them apart."""
        answer = await self.get()
        assert answer.status == 200, answer
        return answer.text.split(SEPARATOR)

    async def probe(self) -> "WebSocket":
        """Begin an upgrade: open its WebSocket."""
        return await self._target.websocket_to(f"{self._target.websocket}&sid={self.sid}")


class Refused(Exception):
    """The server did not open a WebSocket.

    Attributes:
        status: what it answered.
        text: the body of that.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(status, text)
        self.status = status
        self.text = text


@final
class WebSocket:
    """A WebSocket."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._machine = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
        self._received: list[str | bytes] = []
        self._pieces: list[bytes] = []  # of a message that is not complete
        self._closed: Closed | None = None
        self._status = 0
        self._opened = False

    async def open(self, target: str) -> None:
        """Do the opening handshake."""
        await self.stream.send_all(self._machine.send(Request(host="conformance", target=target)))
        body = b""
        with trio.fail_after(SOON_SECONDS):
            while not self._opened:
                data = bytes(await self.stream.receive_some())
                self._machine.receive_data(data or None)
                body += await self._take_opening()
                if self._status and (not data or b"}" in body):
                    raise Refused(self._status, body.decode())

    async def _take_opening(self) -> bytes:
        """Take what answers the opening handshake; messages may be right behind it."""
        body = b""
        for event in self._machine.events():
            if isinstance(event, AcceptConnection):
                self._opened = True
            elif isinstance(event, RejectConnection):
                self._status = event.status_code
            elif isinstance(event, RejectData):
                body += event.data
            else:
                await self._take(event)
        return body

    async def send(self, *messages: str | bytes) -> None:
        """Send messages, each in a frame of its own; what has been closed already does not matter."""
        try:
            for message in messages:
                event = TextMessage(data=message) if isinstance(message, str) else BytesMessage(data=message)
                await self.stream.send_all(self._machine.send(event))
        except trio.BrokenResourceError:
            return

    async def send_fragments(self, pieces: Sequence[str]) -> None:
        """Send one text message, each piece in a frame of its own."""
        last = len(pieces) - 1
        events = [TextMessage(data=piece, message_finished=place == last) for place, piece in enumerate(pieces)]
        await self.stream.send_all(b"".join(self._machine.send(event) for event in events))

    async def receive(self, seconds: float = SOON_SECONDS) -> str | bytes:
        """Wait for a message.

        Raises:
            Closed: the server has closed.
            trio.TooSlowError: there was none in time.
        """
        with trio.fail_after(seconds):
            while not self._received:
                if self._closed is not None:
                    raise self._closed
                await self._read()
        return self._received.pop(0)

    async def text(self, seconds: float = SOON_SECONDS) -> str:
        """Wait for a text message; raises like `receive`."""
        message = await self.receive(seconds)
        assert isinstance(message, str)
        return message

    async def closing(self, seconds: float = SOON_SECONDS) -> int:
        """Wait until the server has closed the connection, close frame and TCP, and return the code."""
        with trio.fail_after(seconds):
            while True:
                try:
                    await self.receive(seconds)
                except Closed as closed:
                    while await self._receive_some():
                        pass
                    return closed.code

    async def _read(self) -> None:
        data = await self._receive_some()
        try:
            self._machine.receive_data(data or None)
        except wsproto.utilities.RemoteProtocolError:
            self._closed = Closed(1006)
            return
        for event in self._machine.events():
            await self._take(event)

    async def _take(self, event: Event) -> None:
        if isinstance(event, TextMessage | BytesMessage):
            self._append(event)
        elif isinstance(event, Ping):
            await self.stream.send_all(self._machine.send(event.response()))
        elif isinstance(event, CloseConnection):
            self._closed = Closed(event.code, event.reason or "")
            if self._machine.state is wsproto.connection.ConnectionState.REMOTE_CLOSING:
                await self.stream.send_all(self._machine.send(event.response()))

    def _append(self, event: TextMessage | BytesMessage) -> None:
        """Keep a message; wsproto gives a long one in pieces, and servers may send it so."""
        self._pieces.append(event.data.encode() if isinstance(event, TextMessage) else bytes(event.data))
        if event.message_finished:
            data = b"".join(self._pieces)
            self._pieces.clear()
            self._received.append(data.decode() if isinstance(event, TextMessage) else data)

    async def _receive_some(self) -> bytes:
        try:
            return bytes(await self.stream.receive_some())
        except trio.BrokenResourceError:
            return b""


def base64_packet(data: bytes) -> str:
    """Write binary data as polling has it."""
    return "b" + base64.b64encode(data).decode()
