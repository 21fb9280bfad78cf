"""Connections and where their requests go, beside Engine.IO's own; and that nothing of them is left."""

import gc
import socket as stdlib_socket
import struct
from functools import partial
from pathlib import Path
from typing import final

import pytest
import trio
import trio.testing
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, DisconnectReason, Listening, Router, Server, Socket
from slysock.asgi import Receive, Scope, Send
from slysock.engineio.outbox import Outbox
from slysock.engineio.session import Session
from slysock.engineio.websocket import WebSocketTransport
from slysock.socketio.connection import Connection
from slysock.socketio.member import Member
from slysock.testing import Closed
from tests.slysock.ports import certified, listening, talk
from tests.slysock.serving import check_nothing_remains, logged, serving


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


def come_together(port: int, count: int) -> list[stdlib_socket.socket]:
    """Connect before the server has a turn, so that it finds all of them at once."""
    return [stdlib_socket.create_connection(("127.0.0.1", port)) for _ in range(count)]


async def is_served(sock: stdlib_socket.socket) -> bool:
    """Ask for health, and close."""
    sock.setblocking(False)
    async with trio.SocketStream(trio.socket.from_stdlib_socket(sock)) as stream:
        try:
            return b" 200 " in await talk(stream, b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        except trio.BrokenResourceError:
            return False


@pytest.mark.port
@pytest.mark.parametrize(("coming", "served"), [(3, 3), (4, 3), (20, 3)])
async def test_of_those_who_come_at_once_no_more_are_served_than_are_allowed(coming: int, served: int) -> None:
    server = Server(Router(), config=Config(max_connections=3))
    async with listening(server) as where:
        for _ in range(2):  # the places of those who have left are free again
            socks = come_together(where.port, coming)
            assert [await is_served(sock) for sock in socks] == [True] * served + [False] * (coming - served)
            await wait_all_tasks_blocked()
            assert server.statistics().open_sockets == 0


@pytest.mark.port
async def test_the_same_is_true_of_the_internal_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slysock.front.MAX_INTERNAL_CONNECTIONS", 3)
    async with listening(Server(Router()), internal="127.0.0.1:0") as where:
        assert where.internal is not None
        for _ in range(2):
            socks = come_together(where.internal.port, 5)
            assert [await is_served(sock) for sock in socks] == [True] * 3 + [False] * 2
            await wait_all_tasks_blocked()


@pytest.mark.port
async def test_a_connection_under_tls_is_served_as_any_other(tmp_path: Path) -> None:
    theirs, ours = certified(tmp_path)
    root = Router()
    root.use(lambda socket: secure.append(socket.handshake.secure))
    secure: list[bool] = []
    async with listening(Server(root), tls=theirs) as where:
        assert where.url == f"https://127.0.0.1:{where.port}"
        tcp = await trio.open_tcp_stream("127.0.0.1", where.port)
        stream = trio.SSLStream(tcp, ours, server_hostname="localhost", https_compatible=True)
        await stream.send_all(HANDSHAKE + CONNECT)
        data = b""
        while b'40{"sid"' not in data:
            data += await stream.receive_some()
        await trio.aclose_forcefully(stream)
    assert secure == [True]


@pytest.mark.port
async def test_a_client_that_is_gone_before_it_is_served_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    server = Server(Router())
    async with listening(server) as where:
        gone = stdlib_socket.create_connection(("127.0.0.1", where.port))
        gone.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_LINGER, struct.pack("ii", 1, 0))
        gone.close()  # by a reset; the server has had no turn yet
        stream = await trio.open_tcp_stream("127.0.0.1", where.port)
        assert b" 200 " in await talk(stream, b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
        await stream.aclose()
    assert logged(caplog) == []
    check_nothing_remains(server)


async def test_a_client_that_leaves_in_the_middle_of_its_answer_is_no_failure(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(Router()) as memory:
        stream = memory.open()
        await stream.send_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
        await wait_all_tasks_blocked()
        await trio.aclose_forcefully(stream)
        await wait_all_tasks_blocked()
        assert memory.server.statistics().open_sockets == 0
    assert logged(caplog) == []


@final
class Buggy(trio.abc.Stream):
    """A stream with a bug."""

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        raise ZeroDivisionError

    async def send_all(self, data: bytes | bytearray | memoryview) -> None: ...
    async def wait_send_all_might_not_block(self) -> None: ...
    async def aclose(self) -> None: ...


async def test_a_bug_behind_one_connection_is_logged_and_ends_nobody_else(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(Router()) as memory:
        client = await memory.connect()
        await memory.server.serve_stream(Buggy())
        memory.server.of("/").emit("still here")
        assert await client.expect("still here") == ()
    assert logged(caplog) == ["a connection failed"]
    assert "ZeroDivisionError" in caplog.text


async def test_what_is_nobodys_else_is_the_applications(autojump_clock: MockClock) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 299})
            await send({"type": "http.response.body", "body": str(scope["path"]).encode()})

    async with serving(Router(), app=app) as memory:
        response = await memory.request("GET", "/elsewhere")
        assert (response.status, response.body) == (299, b"/elsewhere")
        assert (await memory.request("GET", "/healthz")).status == 299  # ours is for applications without


# ---- the stop -------------------------------------------------------------------------------------------------------


async def test_a_stop_waits_for_handlers_and_not_for_connections_that_are_idle(autojump_clock: MockClock) -> None:
    root, done = Router(), list[str]()

    @root.on("work")
    async def work(socket: Socket) -> None:
        await trio.sleep(3)
        done.append("done")

    async with serving(root) as memory:
        await (await memory.connect()).emit("work")
        idle = memory.open()
        await idle.send_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
        assert b" 200 " in await idle.receive_some(1000)
        await wait_all_tasks_blocked()
    assert done == ["done"]
    assert trio.current_time() == 3


async def test_a_stop_that_takes_too_long_is_cut_short_and_clients_learn_why(autojump_clock: MockClock) -> None:
    root, reasons = Router(), list[DisconnectReason]()

    @root.on("work")
    async def work(socket: Socket) -> None:
        await trio.sleep_forever()

    root.on_disconnect(lambda socket, reason: reasons.append(reason))
    async with serving(root, config=Config(shutdown_seconds=5)) as memory:
        await (await memory.connect()).emit("work")
        await wait_all_tasks_blocked()
    assert reasons == ["server shutting down"]
    assert trio.current_time() <= 6


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
