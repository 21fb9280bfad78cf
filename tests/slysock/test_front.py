"""Connections and where their requests go, beside Engine.IO's own; and that nothing of them is left."""

import gc
from functools import partial

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from slysock import Config, Listening, Router, Server
from slysock.engineio.outbox import Outbox
from slysock.engineio.session import Session
from slysock.engineio.websocket import WebSocketTransport
from slysock.socketio.client_socket import Socket
from slysock.socketio.connection import Connection
from slysock.socketio.member import Member
from slysock.testing import Closed
from tests.slysock.ports import listening, talk
from tests.slysock.serving import serving


async def test_health_is_answered_and_readiness_ends_with_the_stop(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        assert (await memory.request("GET", "/healthz")).body == b'{"status":"ok"}'
        assert (await memory.request("GET", "/readyz")).status == 200
        assert (await memory.request("GET", "/elsewhere")).status == 404
        memory.server.stop()
        memory.server.stop()
        assert (await memory.request("GET", "/readyz")).status == 503
        assert (await memory.request("GET", "/healthz")).status == 200
        with pytest.raises(Closed) as caught:
            await memory.connect()
        assert caught.value.code == 503


@pytest.mark.port
async def test_more_connections_than_allowed_are_closed_at_once() -> None:
    server = Server(Router(), config=Config(max_connections=1))
    async with listening(server) as where:
        first = await trio.open_tcp_stream("127.0.0.1", where.port)
        assert b" 200 " in await talk(first, b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
        second = await trio.open_tcp_stream("127.0.0.1", where.port)
        with pytest.raises((trio.BrokenResourceError, AssertionError)):
            assert await second.receive_some() != b""
        await first.aclose()
        await second.aclose()


# ---- what is left ----------------------------------------------------------------------------------------------------


HANDSHAKE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
CONNECT = b"\x81\x82\0\0\0\x0040"
GOODBYE = b"\x88\x80\0\0\0\0"
KINDS = (Session, Connection, Member, Socket, Outbox, WebSocketTransport)


async def visit(port: int) -> None:
    """Connect, join, say goodbye, and see the server close."""
    async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
        for message, answer in ((HANDSHAKE, b'"sid"'), (CONNECT, b"40{"), (GOODBYE, b"\x88\x00")):
            await stream.send_all(message)
            received = b""
            while answer not in received:
                piece = await stream.receive_some()
                assert piece
                received += piece
        assert await stream.receive_some() == b""


@pytest.mark.port
async def test_nothing_of_a_closed_connection_waits_for_the_garbage_collector(nursery: trio.Nursery) -> None:
    server = Server(Router())
    listening: Listening = await nursery.start(partial(server.serve, "127.0.0.1", 0))
    await visit(listening.port)
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            await visit(listening.port)
        await trio.testing.wait_all_tasks_blocked()
        assert [type(found) for found in gc.get_objects() if type(found) in KINDS] == []
    finally:
        gc.enable()
