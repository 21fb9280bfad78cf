"""What is left when clients go: answers that are owed, and no memory."""

import gc
from functools import partial

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from slysock import Listening, Router, Server
from slysock.engineio.outbox import Outbox
from slysock.engineio.session import Session
from slysock.engineio.websocket import WebSocketTransport
from slysock.socketio.client_socket import Socket
from slysock.socketio.connection import Connection
from slysock.socketio.member import Member
from slysock.testing import Response, serve_memory

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


async def test_a_poll_that_comes_with_the_goodbye_is_answered(autojump_clock: MockClock) -> None:
    """Whichever of the two connections Trio turns to first, as it does by chance."""
    async with serve_memory(Server(Router())) as memory:
        for _ in range(30):
            opened = await memory.request("GET", "/socket.io/?EIO=4&transport=polling")
            sid = opened.body.partition(b'"sid":"')[2].partition(b'"')[0].decode()
            target = f"/socket.io/?EIO=4&transport=polling&sid={sid}"
            answers: dict[str, Response] = {}

            async def ask(
                method: str, body: bytes, target: str = target, answers: dict[str, Response] = answers
            ) -> None:
                answers[method] = await memory.request(method, target, body=body)

            async with trio.open_nursery() as asking:
                asking.start_soon(ask, "GET", b"")
                asking.start_soon(ask, "POST", b"1")
            assert (answers["GET"].status, answers["GET"].body) == (200, b"6")
            assert (answers["POST"].status, answers["POST"].body) == (200, b"ok")
