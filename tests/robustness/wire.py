"""Clients made of bytes: they send what they are told to, legal or not, and read what really comes back.

They take any stream, in memory or on a port, and know nothing of the server but its address. The library clients of
`slysock.testing` and of `wsproto` refuse to send most of what is needed here.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, final

import h11
import msgspec
import trio

Headers: TypeAlias = Sequence[tuple[str, str]]
Message: TypeAlias = str | bytes
"""What a WebSocket message is: text or binary. On polling, text is an Engine.IO packet and bytes are a `b` packet."""

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA

SEPARATOR: Final = "\x1e"
_MASK: Final = b"\x01\x02\x03\x04"


@final
@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; header names in lower case."""

    status: int
    body: bytes
    headers: dict[str, str]


@final
@dataclass(frozen=True, slots=True)
class Ending:
    """How a server ended a WebSocket; 1006 when it did so without a close frame."""

    code: int
    reason: str


@final
@dataclass(frozen=True, slots=True)
class Frame:
    """A frame from the server."""

    opcode: int
    payload: bytes


class EndOfStream(Exception):
    """The server closed the connection where something else was waited for."""


# -- HTTP -----------------------------------------------------------------------------------------------------------


def request_bytes(method: str, target: str, *, headers: Headers = (), body: bytes = b"") -> bytes:
    """Write a request."""
    lines = [f"{method} {target} HTTP/1.1", "Host: test", *(f"{name}: {value}" for name, value in headers)]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


async def read_answer(stream: trio.abc.ReceiveStream) -> Answer:
    """Read one answer.

    Raises:
        EndOfStream: there is none.
    """
    machine = h11.Connection(h11.CLIENT)
    machine.send(h11.Request(method="GET", target="/", headers=[("host", "test")]))
    machine.send(h11.EndOfMessage())
    status, headers, body = 0, dict[str, str](), bytearray()
    while True:
        event = machine.next_event()
        if event is h11.NEED_DATA:
            data = await receive(stream)
            if not (data or status):
                raise EndOfStream
            machine.receive_data(data)
        elif isinstance(event, h11.Response):
            status = event.status_code
            headers = {name.decode(): value.decode("latin-1") for name, value in event.headers}
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return Answer(status, bytes(body), headers)


async def receive(stream: trio.abc.ReceiveStream) -> bytes:
    """Receive some bytes, b"" at the end; a reset counts as the end."""
    try:
        return bytes(await stream.receive_some(65_536))
    except trio.BrokenResourceError:
        return b""


async def ask(stream: trio.abc.Stream, method: str, target: str, *, headers: Headers = (), body: bytes = b"") -> Answer:
    """Make one request on a stream."""
    await stream.send_all(request_bytes(method, target, headers=headers, body=body))
    return await read_answer(stream)


# -- WebSocket ------------------------------------------------------------------------------------------------------


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    final: bool = True,
    reserved: int = 0,
    masked: bool = True,
    announced: int | None = None,
) -> bytes:
    """Write a client's frame. `announced` is the length in its header, where that is not the payload's."""
    length = len(payload) if announced is None else announced
    head = bytearray([(0x80 if final else 0) | reserved << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if length < 126:
        head.append(mask_bit | length)
    elif length < 65_536:
        head.append(mask_bit | 126)
        head += length.to_bytes(2, "big")
    else:
        head.append(mask_bit | 127)
        head += length.to_bytes(8, "big")
    return bytes(head) + (_MASK + mask(payload) if masked else payload)


def mask(payload: bytes) -> bytes:
    """Mask a payload, all at once."""
    key = (_MASK * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(len(payload))


def opening_bytes(target: str, headers: Headers = ()) -> bytes:
    """Write the opening handshake of a WebSocket."""
    wanted = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", base64.b64encode(bytes(16)).decode()),
    ]
    return request_bytes("GET", target, headers=[*wanted, *headers])


@final
class WebSocketPeer:
    """A WebSocket client.

    Ownership: the stream is its own; `drop` closes it.
    """

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self.handshake: dict[str, object] = {}  # of the session, when it opened one
        self._buffer = bytearray()

    async def open(self, target: str, *, headers: Headers = ()) -> int:
        """Do the opening handshake and return the status of the answer; 101 is success."""
        await self.stream.send_all(opening_bytes(target, headers))
        while b"\r\n\r\n" not in self._buffer:
            await self._fill()
        head, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        self._buffer[:] = rest
        return int(head.split(b" ", 2)[1])

    async def open_session(self, path: str) -> None:
        """Open a session."""
        assert await self.open(f"{path}?EIO=4&transport=websocket") == 101
        self.handshake = read_handshake(await self.receive_text())

    async def raw(self, data: bytes) -> None:
        """Send bytes; it does not matter whether the server has closed already."""
        try:
            await self.stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return

    async def send(self, *messages: Message) -> None:
        """Send messages, each in a frame of its own and all in one piece."""
        await self.raw(b"".join(map(message_frame, messages)))

    async def next_frame(self) -> Frame:
        """Read a frame.

        Raises:
            EndOfStream: the connection has ended.
        """
        while (read := read_frame(bytes(self._buffer))) is None:
            await self._fill()
        found, size = read
        del self._buffer[:size]
        return found

    async def receive(self) -> Message:
        """Read a message. A close frame in its place is a failure of the test."""
        found = await self.next_frame()
        assert found.opcode in (TEXT, BINARY), f"a frame {found} instead of a message"
        return found.payload.decode() if found.opcode == TEXT else found.payload

    async def receive_text(self) -> str:
        """Read a text message."""
        message = await self.receive()
        assert isinstance(message, str)
        return message

    async def ending(self) -> Ending:
        """Read until the server has closed the connection, whatever comes before; return how it did.

        The close frame is answered, as clients do; the connection must end all the same.
        """
        end = Ending(1006, "")
        try:
            while True:
                found = await self.next_frame()
                if found.opcode == CLOSE:
                    end = Ending(int.from_bytes(found.payload[:2]), found.payload[2:].decode())
                    await self.raw(frame(CLOSE, found.payload))
        except EndOfStream:
            return end

    async def drop(self) -> None:
        """Be gone, without a goodbye."""
        await trio.aclose_forcefully(self.stream)

    async def _fill(self) -> None:
        data = await receive(self.stream)
        if not data:
            raise EndOfStream
        self._buffer += data


def message_frame(message: Message) -> bytes:
    """Write a message as one frame."""
    return frame(TEXT, message.encode()) if isinstance(message, str) else frame(BINARY, message)


def read_frame(data: bytes) -> tuple[Frame, int] | None:
    """Read a server's frame and its size on the wire; None when it is not complete. Servers do not mask."""
    if len(data) < 2:
        return None
    length, start = data[1], 2
    assert length < 128, "a masked frame from a server"
    if length >= 126:
        start = 4 if length == 126 else 10
        length = int.from_bytes(data[2:start])
    if len(data) < start + length:
        return None
    return Frame(data[0] & 0x0F, data[start : start + length]), start + length


def read_handshake(text: str) -> dict[str, object]:
    """Read an open packet."""
    assert text.startswith("0")
    return msgspec.json.decode(text[1:].encode(), type=dict[str, object])


def payload_of(*messages: Message) -> bytes:
    """Join packets for a polling body."""
    return SEPARATOR.join(
        message if isinstance(message, str) else "b" + base64.b64encode(message).decode() for message in messages
    ).encode()
