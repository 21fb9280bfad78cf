"""The same on real sockets, where it is the kernel that a server stumbles over: resets, full buffers, half-closes.

On the real clock, so nothing here waits for a deadline; what ends is announced by the server's own disconnect hook.
"""

import socket as stdlib_socket
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, final

import pytest
import trio

from slysock import Config, Listening, Router, Server, Socket
from tests.robustness.scene import PATH, POLLING, costs_at_most
from tests.robustness.wire import (
    CONTINUATION,
    TEXT,
    Ending,
    WebSocketPeer,
    ask,
    frame,
    read_answer,
    read_handshake,
    receive,
    request_bytes,
)

pytestmark = pytest.mark.port

CONFIG: Final = Config(max_outbox_bytes=200_000, max_outbox_hard_bytes=200_000)
PATIENCE_SECONDS: Final = 20.0


@final
@dataclass(frozen=True, slots=True)
class Live:
    """A server on a port, a witness on it, and why others have left."""

    port: int
    witness: WebSocketPeer
    left: trio.MemoryReceiveChannel[str]
    opened: list[trio.SocketStream]  # closed at the end

    async def stream(self) -> trio.SocketStream:
        """Connect."""
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        self.opened.append(stream)
        return stream

    async def peer(self) -> WebSocketPeer:
        """Open a session by WebSocket and join."""
        peer = WebSocketPeer(await self.stream())
        await self.join(peer)
        return peer

    async def join(self, peer: WebSocketPeer) -> None:
        """Open a session and join the main namespace."""
        await peer.open_session(PATH)
        await peer.send("40")
        await peer.receive()

    async def undisturbed(self) -> None:
        """Check that the witness gets its answer."""
        await self.witness.send('427["echo",7]')
        assert await self.witness.receive() == "437[7]"


@asynccontextmanager
async def live() -> AsyncGenerator[Live]:
    """Serve on a free port; what happens inside must be over in time, and leave the witness alone."""
    root = Router("/")
    leaving, left = trio.open_memory_channel[str](100)

    @root.on("echo")
    def echo(socket: Socket, *args: object) -> tuple[object, ...]:
        return args

    @root.on("flood")
    def flood(socket: Socket, count: int, size: int) -> None:
        for _ in range(count):
            socket.emit("drop", "x" * size)

    @root.on_disconnect
    def gone(socket: Socket, reason: str) -> None:
        leaving.send_nowait(reason)

    with trio.fail_after(PATIENCE_SECONDS):
        async with trio.open_nursery() as nursery:
            listening: Listening = await nursery.start(Server(root, config=CONFIG).serve, "127.0.0.1", 0)
            connection = await trio.open_tcp_stream("127.0.0.1", listening.port)
            stage = Live(listening.port, WebSocketPeer(connection), left, [connection])
            try:
                await stage.join(stage.witness)
                await stage.undisturbed()
                with costs_at_most(12_000_000):
                    yield stage
                await stage.undisturbed()
            finally:
                for stream in stage.opened:
                    stream.socket.close()
            nursery.cancel_scope.cancel()


def reset(stream: trio.SocketStream) -> None:
    """Close with a RST, as a crashed client's kernel does."""
    stream.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.socket.close()


async def test_a_client_that_never_reads_fills_the_kernel_then_its_outbox_and_is_a_slow_consumer() -> None:
    async with live() as stage:
        peer = await stage.peer()
        for _ in range(100):
            await peer.send('42["flood",100,10000]')
        await stage.undisturbed()
        assert await stage.left.receive() == "slow consumer"
        await peer.drop()


async def test_a_reset_ends_the_session_and_nobody_elses() -> None:
    async with live() as stage:
        peer = await stage.peer()
        assert isinstance(peer.stream, trio.SocketStream)
        reset(peer.stream)
        assert await stage.left.receive() in ("transport close", "transport error")


async def test_a_reset_in_the_middle_of_a_flood_ends_the_session_and_nobody_elses() -> None:
    async with live() as stage:
        peer = await stage.peer()
        assert isinstance(peer.stream, trio.SocketStream)
        await peer.send('42["flood",15,10000]')
        await peer.receive()
        reset(peer.stream)
        assert await stage.left.receive() in ("transport close", "transport error")


async def test_a_reset_during_a_poll_ends_the_session() -> None:
    async with live() as stage:
        stream = await stage.stream()
        opened = await ask(stream, "GET", POLLING)
        target = f"{POLLING}&sid={read_handshake(opened.body.decode())['sid']}"
        assert (await ask(stream, "POST", target, body=b"40")).body == b"ok"
        assert (await ask(stream, "GET", target)).body.startswith(b"40")
        await stream.send_all(request_bytes("GET", target))
        await stage.undisturbed()
        reset(stream)
        assert await stage.left.receive() == "transport error"


async def test_a_half_closed_connection_ends_the_session() -> None:
    async with live() as stage:
        peer = await stage.peer()
        assert isinstance(peer.stream, trio.SocketStream)
        await peer.stream.send_eof()
        assert await stage.left.receive() == "transport close"
        await peer.ending()


async def test_connections_that_are_opened_and_reset_at_once_leave_nothing() -> None:
    async with live() as stage:
        for _ in range(200):
            reset(await stage.stream())
        await stage.undisturbed()


@pytest.mark.parametrize(
    ("data", "ending"),
    [
        (frame(TEXT, b"42", announced=1 << 30), Ending(1009, "")),
        (frame(TEXT, b"4\xff"), Ending(1007, "text that is not UTF-8")),
        (frame(TEXT, b"42{}"), Ending(1002, "an event must be an array")),
        (frame(TEXT, b"4", masked=False), Ending(1002, "illegal frame")),
        (frame(TEXT, b"4", reserved=4), Ending(1002, "illegal frame")),
        (
            frame(TEXT, b"4", final=False) + frame(CONTINUATION, b"", final=False) * 100_000,
            Ending(1008, "too many fragments"),
        ),
    ],
    ids=["1 GiB", "not UTF-8", "no array", "unmasked", "reserved bit", "tiny fragments"],
)
async def test_the_reason_arrives_before_the_connection_ends(data: bytes, ending: Ending) -> None:
    """A server that closed with something unread would reset the connection, and its close frame with it."""
    async with live() as stage:
        peer = await stage.peer()
        await peer.raw(data)
        assert await peer.ending() == ending
        assert await stage.left.receive() == "parse error"


async def test_a_refusal_arrives_while_a_too_long_body_is_still_being_sent() -> None:
    async with live() as stage:
        stream = await stage.stream()
        opened = await ask(stream, "GET", POLLING)
        sid = read_handshake(opened.body.decode())["sid"]

        async def send() -> None:
            head = f"POST {POLLING}&sid={sid} HTTP/1.1\r\nHost: test\r\nContent-Length: 3000000\r\n\r\n".encode()
            try:
                await stream.send_all(head + bytes(3_000_000))
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            answer = await read_answer(stream)
            assert (answer.status, answer.body) == (413, b"")
            await stage.undisturbed()
            await stream.aclose()
            nursery.cancel_scope.cancel()


async def test_a_request_without_end_is_431() -> None:
    async with live() as stage:
        stream = await stage.stream()
        await stream.send_all(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5000)
        assert (await read_answer(stream)).status == 431
        await stage.undisturbed()
        assert await receive(stream) == b""
