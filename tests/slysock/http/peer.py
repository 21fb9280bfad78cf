"""A client's end of an HTTP connection in memory, and the requests that it sends."""

import re
import socket as stdlib_socket

import trio
from trio.testing import lockstep_stream_pair, memory_stream_pair

from slysock.config import Config
from slysock.http import HttpConnection, Request
from slysock.http.proxies import TrustedProxies

CONFIG = Config(
    request_head_seconds=20, request_stall_seconds=30, write_timeout_seconds=10, max_request_head_bytes=2000
)
GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
Stream = trio.StapledStream[trio.testing.MemorySendStream, trio.testing.MemoryReceiveStream]


def connect(
    config: Config = CONFIG, *, peer: str = "192.0.2.7", proxies: TrustedProxies | None = None
) -> tuple[Stream, HttpConnection]:
    """A client's end, and a connection on the server's."""
    client, server = memory_stream_pair()
    return client, HttpConnection(server, config, secure=False, peer=peer, proxies=proxies)


async def arrived(data: bytes, config: Config = CONFIG) -> tuple[Stream, HttpConnection, Request]:
    """What `connect` gives, and the request that the bytes make."""
    client, connection = connect(config)
    await client.send_all(data)
    request = await connection.next_request()
    assert request is not None
    return client, connection, request


async def lockstep_request() -> tuple[trio.abc.Stream, HttpConnection, Request]:
    """A request whose answer waits until the client reads."""
    client, server = lockstep_stream_pair()
    connection = HttpConnection(server, CONFIG, secure=False, peer="")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.send_all, GET)
        request = await connection.next_request()
    assert request is not None
    return client, connection, request


def undated(answers: bytes) -> bytes:
    """Answers without their dates, to compare with what is expected; each must have one."""
    dates = re.findall(rb"\r\ndate: [A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT(?=\r\n)", answers)
    assert len(dates) == len(re.findall(rb"HTTP/1.1 [2-5]", answers))
    for date in set(dates):
        answers = answers.replace(date, b"")
    return answers


async def piece_of(client: trio.abc.ReceiveStream) -> bytes:
    """What the server sends at once, without dates."""
    return undated(bytes(await client.receive_some(1000)))


async def everything(client: trio.abc.ReceiveStream) -> bytes:
    """All that the server sends, until it ends or pauses for a second, without dates. Needs a clock that jumps."""
    data = b""
    with trio.move_on_after(1):
        while piece := await client.receive_some(65536):
            data += piece
    return undated(data)


async def expect_none(connection: HttpConnection) -> None:
    assert await connection.next_request() is None


def post(length: int, body: bytes = b"", extra: bytes = b"") -> bytes:
    return b"POST /up HTTP/1.1\r\nhost: a\r\n%scontent-length: %d\r\n\r\n%s" % (extra, length, body)


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


class Pair:
    """What `connect` gives, on a pair of plain sockets."""

    def __init__(self) -> None:
        self.client, self.server = stdlib_socket.socketpair()
        self.client.setblocking(False)
        self.server.setblocking(False)
        self.far = trio.SocketStream(trio.socket.from_stdlib_socket(self.client))
        self.stream = trio.SocketStream(trio.socket.from_stdlib_socket(self.server))
        self.connection = HttpConnection(self.stream, CONFIG, secure=False, peer="", sock=self.server)

    async def arrived(self, data: bytes = GET) -> Request:
        """The request that the bytes make."""
        await self.far.send_all(data)
        request = await self.connection.next_request()
        assert request is not None
        return request

    async def answer(self, size: int = len(OK)) -> bytes:
        """So many bytes of what the server sends, not counting dates; less where it ends."""
        data = b""
        while len(undated(data)) < size and (piece := await self.far.receive_some(65536)):
            data += piece
        return undated(data)


class Resetting(trio.abc.Stream):
    """A stream without half-close whose peer resets it when something more is read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.closed = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        data, self.data = self.data, b""
        if not data:
            raise trio.BrokenResourceError
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self.closed = True
