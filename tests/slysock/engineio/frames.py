"""A WebSocket client that is nothing but bytes, with frames of the test's own making."""

import socket as stdlib_socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import trio

from slysock import Config, Router, Socket
from slysock.ids import DisconnectReason
from slysock.testing import Memory
from tests.slysock.serving import serving

HANDSHAKE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: memory\r\nConnection: Upgrade\r\n"
    b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
MASK = b"\x01\x02\x03\x04"


def frame(opcode: int, payload: bytes = b"", *, final: bool = True, masked: bool = True, bits: int = 0) -> bytes:
    """A client's frame."""
    first = bytes([(0x80 if final else 0) | bits | opcode])
    flag = 0x80 if masked else 0
    if len(payload) < 126:
        head = first + bytes([flag | len(payload)])
    elif len(payload) < 65536:
        head = first + bytes([flag | 126]) + struct.pack("!H", len(payload))
    else:
        head = first + bytes([flag | 127]) + struct.pack("!Q", len(payload))
    if not masked:
        return head + payload
    return head + MASK + bytes(byte ^ MASK[index % 4] for index, byte in enumerate(payload))


def fragmented(payload: bytes, pieces: int, opcode: int = TEXT, between: bytes = b"") -> bytes:
    """A message in so many fragments, with control frames between them."""
    size = max(1, -(-len(payload) // pieces))
    parts = [payload[start : start + size] for start in range(0, size * pieces, size)]
    frames = [frame(opcode if index == 0 else 0, part, final=index == pieces - 1) for index, part in enumerate(parts)]
    return between.join(frames)


class Raw:
    """A client that is nothing but bytes; what the server sends is split into (opcode, payload)."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._data = b""

    async def send(self, *frames: bytes) -> None:
        await self.stream.send_all(b"".join(frames))

    async def _need(self, count: int) -> bytes:
        while len(self._data) < count:
            piece = await self.stream.receive_some(65536)
            if not piece:
                raise EOFError
            self._data += piece
        taken, self._data = self._data[:count], self._data[count:]
        return taken

    async def head(self) -> bytes:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await self._need(1)
        return head

    async def next(self) -> tuple[int, bytes]:
        first, second = await self._need(2)
        assert first & 0xF0 == 0x80
        length = second
        if second == 126:
            (length,) = struct.unpack("!H", await self._need(2))
        elif second == 127:
            (length,) = struct.unpack("!Q", await self._need(8))
        return first & 0x0F, await self._need(length)

    async def closing(self) -> int:
        """The code of the close frame, which is answered; whatever comes before it is dropped."""
        while True:
            opcode, payload = await self.next()
            if opcode == CLOSE:
                (code,) = struct.unpack("!H", payload[:2])
                with suppress(trio.BrokenResourceError):
                    await self.send(frame(CLOSE, payload))
                return int(code)

    async def rest(self) -> list[tuple[int, bytes]]:
        """Everything up to the end of the connection."""
        frames = []
        with suppress(EOFError, trio.BrokenResourceError, trio.ClosedResourceError):
            while True:
                frames.append(await self.next())
        return frames


def echoing() -> tuple[Router, list[str], list[DisconnectReason]]:
    """A router that notes texts and echoes them, and why its clients left."""
    root, log, reasons = Router(), list[str](), list[DisconnectReason]()

    @root.on("e")
    def echo(socket: Socket, text: str) -> None:
        log.append(text)
        socket.emit("e", text)

    root.on_disconnect(lambda socket, reason: reasons.append(reason))
    return root, log, reasons


def event(text: str) -> bytes:
    return b'42["e","%s"]' % text.encode()


def open_stream(memory: Memory) -> trio.abc.Stream:
    """A connection in memory, which a task serves to its end."""
    return memory.open()


def open_socket(memory: Memory) -> trio.abc.Stream:
    """A connection by a plain socket, which has a task only while something has to wait."""
    ours, theirs = stdlib_socket.socketpair()
    for sock in (ours, theirs):
        sock.setblocking(False)
    memory.server._front._take(ours, tls=None)
    opened.append(theirs)
    return trio.SocketStream(trio.socket.from_stdlib_socket(theirs))


opened: list[stdlib_socket.socket] = []  # by open_socket; its tests close them
open_wire = open_stream  # by which of them; tests of both lives put the other here


async def raw(memory: Memory, *, behind: bytes = b"", joined: bool = True) -> Raw:
    client = Raw(open_wire(memory))
    await client.send(HANDSHAKE + behind)
    head = await client.head()
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    assert (await client.next())[1].startswith(b'0{"sid"')
    if joined:
        await client.send(frame(TEXT, b"40"))
        assert (await client.next())[1].startswith(b'40{"sid"')
    return client


async def probing(memory: Memory, polling_target: str) -> Raw:
    """A WebSocket for a session that polls, which has said nothing yet."""
    client = Raw(open_wire(memory))
    target = polling_target.replace("polling", "websocket").encode()
    await client.send(HANDSHAKE.replace(b"/socket.io/?EIO=4&transport=websocket", target))
    assert (await client.head()).startswith(b"HTTP/1.1 101 ")
    return client


@asynccontextmanager
async def connected(config: Config | None = None) -> AsyncGenerator[tuple[Raw, list[str], list[DisconnectReason]]]:
    root, log, reasons = echoing()
    async with serving(root, config=config) as memory:
        yield await raw(memory), log, reasons
