"""Starting and stopping: what is answered meanwhile, what still arrives, and what ends when."""

import signal
import socket as stdlib_socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, Router, Server, Socket, run
from slysock.asgi.interface import Receive, Scope, Send
from slysock.config import TransportName
from slysock.ids import DisconnectReason
from slysock.server import serve_until_signal
from slysock.testing import serve_memory
from tests.slysock.notebook import Notebook
from tests.slysock.ports import listening, talk
from tests.slysock.serving import both, check_nothing_remains, logged, serving


def working() -> tuple[Router, list[str]]:
    root, log = Router(), list[str]()

    @root.on("work")
    async def work(socket: Socket, seconds: float) -> str:
        try:
            await trio.sleep(seconds)
        except trio.Cancelled:
            log.append("cancelled")
            raise
        log.append("done")
        return "done"

    root.on_disconnect(lambda socket, reason: log.append(reason))
    return root, log


async def test_a_server_serves_once(autojump_clock: MockClock) -> None:
    server = Server(Router())
    async with serve_memory(server):
        pass
    with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="serves once"), flatten_subgroups=True):
        async with serve_memory(server):
            pass


async def test_a_namespace_without_a_router_cannot_be_spoken_to() -> None:
    with pytest.raises(ValueError, match="no router"):
        Server(Router()).of("/nowhere")


async def test_what_a_server_holds_can_be_counted(autojump_clock: MockClock) -> None:
    server = Server(Router(), Router("/empty"))
    async with serve_memory(server) as memory:
        client = await memory.connect()
        await memory.connect(transport="polling")
        held = server.statistics()
        assert (held.connections, held.clients) == (2, {"/": 2, "/empty": 0})
        client.connection.engine.pace.stall()
        for _ in range(300):
            server.of("/").emit("news", "x" * 1000)
        await trio.testing.wait_all_tasks_blocked()
        assert server.statistics().outbox_bytes > 1000


async def test_a_disconnect_hook_that_fails_while_it_is_cut_short_ends_nobody_else(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root = Router()

    @root.on_disconnect
    async def gone(socket: Socket, reason: DisconnectReason) -> None:
        async with trio.open_nursery() as inner:
            inner.start_soon(trio.sleep_forever)
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError("in the clean-up")

    root.on("echo")(lambda socket, value: value)
    async with serving(root, config=Config(handler_cleanup_seconds=5)) as memory:
        other = await memory.connect()
        await (await memory.connect()).disconnect()
        await trio.sleep(6)
        assert await other.call("echo", 1) == 1
        assert logged(caplog) == [
            "what a client left behind failed",
            "what a client left behind did not end in 5 s",
        ]


# ---- a graceful stop ------------------------------------------------------------------------------------------------


@both
async def test_a_handler_under_way_finishes_and_its_ack_arrives(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    root, log = working()
    server, answers = Server(root), list[object]()
    async with trio.open_nursery() as nursery, serve_memory(server) as memory:
        client = await memory.connect(transport=transport)

        async def ask() -> None:
            answers.append(await client.call("work", 3))

        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
    assert answers == ["done"]
    assert log == ["done", "server shutting down"]
    check_nothing_remains(server)


async def test_clients_are_told_that_the_server_goes_away(autojump_clock: MockClock) -> None:
    root, log = working()
    server = Server(root)
    async with serve_memory(server) as memory:
        client, polling = await memory.connect(), await memory.connect(transport="polling")
        inboxes = [client.connection.engine.inbox, polling.connection.engine.inbox]
        await wait_all_tasks_blocked()
    assert log == ["server shutting down"] * 2
    first, second = (inbox.closed for inbox in inboxes)
    assert first is not None
    assert second is not None
    assert (first.code, second.code) == (1001, 1000)


async def test_a_handler_that_takes_too_long_is_cancelled_at_the_deadline(autojump_clock: MockClock) -> None:
    root, log = working()
    async with serving(root, config=Config(shutdown_seconds=5)) as memory:
        await (await memory.connect()).emit("work", 1000)
        await wait_all_tasks_blocked()
    assert trio.current_time() <= 6
    assert sorted(log) == ["cancelled", "server shutting down"]


@both
async def test_a_client_that_never_reads_holds_nothing_up_for_long(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    root, log = working()
    async with serving(root, config=Config(shutdown_seconds=10)) as memory:
        client = await memory.connect(transport=transport)
        client.connection.engine.pace.vanish()
        memory.server.of("/").emit("news", "x" * 100_000)
        await wait_all_tasks_blocked()
    assert trio.current_time() <= 10
    assert log == ["server shutting down"]


async def test_events_that_come_after_the_stop_are_not_handled_and_acks_still_are(autojump_clock: MockClock) -> None:
    root, log = Router(), list[object]()

    @root.on("ask")
    async def ask(socket: Socket) -> None:
        log.append(await socket.call("question"))

    root.on("late")(lambda socket: log.append("late"))
    async with trio.open_nursery() as nursery, serving(root) as memory:
        client = await memory.connect()
        await client.emit("ask")

        async def answer() -> None:
            question = await client.next()
            await trio.sleep(1)
            await client.emit("late")
            await client.acknowledge(question, "answer")

        nursery.start_soon(answer)
        await wait_all_tasks_blocked()
    assert log == ["answer"]


async def test_the_lifespan_is_entered_before_and_left_after_everything(autojump_clock: MockClock) -> None:
    root, log = working()

    @root.on_disconnect
    async def gone(socket: Socket, reason: DisconnectReason) -> None:
        await trio.sleep(1)
        log.append("hook ended")

    @asynccontextmanager
    async def lifespan(server: Server) -> AsyncGenerator[None]:
        assert isinstance(server, Server)
        log.append("opened")
        yield
        log.append("closed")

    async with serving(root, lifespan=lifespan) as memory:
        await (await memory.connect()).emit("work", 2)
        await wait_all_tasks_blocked()
    assert log == ["opened", "done", "server shutting down", "hook ended", "closed"]


# ---- a cancelled server ---------------------------------------------------------------------------------------------


@both
async def test_a_cancelled_server_ends_at_once_and_owes_only_the_hooks(
    autojump_clock: MockClock, transport: TransportName, caplog: pytest.LogCaptureFixture
) -> None:
    root, log = working()

    @root.on_disconnect
    async def gone(socket: Socket, reason: DisconnectReason) -> None:
        socket.broadcast.emit("left")
        await trio.sleep(1)
        log.append("hook ended")

    server = Server(root)
    async with trio.open_nursery() as nursery:

        async def run() -> None:
            async with serve_memory(server) as memory:
                clients = [await memory.connect(transport=transport) for _ in range(4)]
                clients[1].connection.engine.pace.vanish()
                await clients[2].emit("work", 100)
                await wait_all_tasks_blocked()
                nursery.cancel_scope.cancel()
                await trio.sleep_forever()

        nursery.start_soon(run)
    assert trio.current_time() == 1
    assert sorted(set(log)) in (
        ["cancelled", "hook ended", "server shutting down"],
        ["cancelled", "hook ended", "server shutting down", "transport error"],
        ["cancelled", "hook ended", "transport error"],
    )
    assert log.count("hook ended") == 4
    assert logged(caplog) == []
    check_nothing_remains(server)


# ---- real ports -----------------------------------------------------------------------------------------------------


@pytest.mark.port
async def test_a_port_is_served_until_the_stop() -> None:
    server = Server(Router())
    async with listening(server) as where:
        assert where.url == f"http://127.0.0.1:{where.port}"
        stream = await trio.open_tcp_stream("127.0.0.1", where.port)
        assert b" 200 " in await talk(stream, b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
        await stream.aclose()
    with pytest.raises(OSError, match=r"refused|failed|attempts"):
        await trio.open_tcp_stream("127.0.0.1", where.port)
    check_nothing_remains(server)


async def test_a_port_in_use_is_an_os_error_as_the_docstring_says() -> None:
    with stdlib_socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        await Server(Router()).serve("127.0.0.1", taken.getsockname()[1])


@pytest.mark.port
async def test_a_websocket_on_a_port_and_a_server_that_is_cancelled_under_it(caplog: pytest.LogCaptureFixture) -> None:
    root, log = working()
    root.on("echo")(lambda socket, value: value)
    server = Server(root)
    handshake = (
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\n"
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with trio.open_nursery() as nursery:
        where = await nursery.start(server.serve, "127.0.0.1", 0)
        stream = await trio.open_tcp_stream("127.0.0.1", where.port)
        await stream.send_all(handshake + b"\x81\x82\x00\x00\x00\x0040")
        data = b""
        while b'40{"sid"' not in data:
            data += await stream.receive_some(65536)
        text = b'421["echo",5]'
        assert b"31[5]" in await talk(stream, bytes([0x81, 0x80 | len(text)]) + bytes(4) + text)
        nursery.cancel_scope.cancel()
    await trio.aclose_forcefully(stream)
    assert len(log) == 1
    assert logged(caplog) == []
    check_nothing_remains(server)


@pytest.mark.port
async def test_a_unix_socket_is_served_and_removed(tmp_path: Path) -> None:
    server, path = Server(Router()), tmp_path / "socket"
    async with listening(server, unix_path=path) as where:
        assert (where.url, where.port) == (str(path), 0)
        stream = await trio.open_unix_socket(str(path))
        assert b" 200 " in await talk(stream, b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")
        await stream.aclose()
    assert not path.exists()


# ---- signals --------------------------------------------------------------------------------------------------------


@pytest.mark.port
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_gracefully_and_a_second_one_at_once(number: signal.Signals) -> None:
    for signals in (1, 2):
        ended: list[str] = []
        server = Server(Router(), lifespan=partial(signalling, number, signals, ended))
        await serve_until_signal(server, partial(server.serve, "127.0.0.1", 0))
        assert ended == ["ended"]


# ---- a stop is never longer than it may be ---------------------------------------------------------------------------


@both
@pytest.mark.parametrize("shielded_seconds", [1, 44])
async def test_a_stop_takes_no_longer_than_it_may_whatever_handlers_shield(
    autojump_clock: MockClock, transport: TransportName, shielded_seconds: float, caplog: pytest.LogCaptureFixture
) -> None:
    root, log = Router(), list[object]()

    @root.on("shield")
    async def shield(socket: Socket) -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(shielded_seconds)
        log.append("ended")

    @root.on_disconnect
    async def gone(socket: Socket, reason: DisconnectReason) -> None:
        log.append("hook")
        await trio.sleep(100)

    server = Server(root, config=Config(shutdown_seconds=10, handler_cleanup_seconds=5))
    async with serve_memory(server) as memory:
        client = await memory.connect(transport=transport)
        await client.emit("shield")
        await wait_all_tasks_blocked()
        began = trio.current_time()
    assert trio.current_time() - began <= 10
    assert "hook" in log, "the hooks have their turn"
    shields = [text for text in logged(caplog) if "shield" in text]
    assert len(shields) == (1 if shielded_seconds == 44 else 0)
    await trio.sleep(50)
    assert "ended" in log, "what nobody may cancel goes on"


async def test_a_stop_takes_no_longer_than_it_may_for_requests_of_the_application(autojump_clock: MockClock) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            with trio.CancelScope(shield=True):
                await trio.sleep(44)

    server = Server(Router(), config=Config(shutdown_seconds=3), app=app)
    async with serve_memory(server) as memory, trio.open_nursery() as nursery:

        async def ask() -> None:
            with suppress(Exception):
                await memory.request("GET", "/")

        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        began = trio.current_time()
        nursery.cancel_scope.cancel()
    assert trio.current_time() - began <= 3
    await trio.sleep(50)


@pytest.mark.parametrize(("seconds", "finished"), [(4.5, True), (5.5, False)])
async def test_of_a_stop_handlers_have_what_two_clean_ups_leave(
    autojump_clock: MockClock, seconds: float, finished: bool
) -> None:
    root, log = working()
    async with serving(root, config=Config(shutdown_seconds=10, handler_cleanup_seconds=5)) as memory:
        await (await memory.connect()).emit("work", seconds)
        await wait_all_tasks_blocked()
    assert log == (["done", "server shutting down"] if finished else ["cancelled", "server shutting down"])


async def test_what_ends_a_program_in_a_handler_ends_it(autojump_clock: MockClock) -> None:
    root = Router()

    @root.on("exit")
    async def leave(socket: Socket) -> None:
        await trio.sleep(1)
        raise SystemExit(3)

    with pytest.RaisesGroup(SystemExit, flatten_subgroups=True):
        async with serve_memory(Server(root)) as memory:
            await (await memory.connect()).emit("exit")
            await trio.sleep_forever()


@both
async def test_what_ends_a_program_in_a_handler_costs_no_other_client_its_hook(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, transport: TransportName
) -> None:
    root, log = Router(), list[str]()

    @root.on("exit")
    async def leave(socket: Socket) -> None:
        await trio.sleep(1)
        raise SystemExit(3)

    @root.on_disconnect
    async def gone(socket: Socket, reason: DisconnectReason) -> None:
        await trio.sleep(1)
        log.append(socket.id)

    server = Server(root)
    with pytest.RaisesGroup(SystemExit, flatten_subgroups=True):
        async with serve_memory(server) as memory:
            clients = [await memory.connect(transport=transport) for _ in range(3)]
            await clients[0].emit("exit")
            await trio.sleep_forever()
    assert sorted(log) == sorted(client.id for client in clients)
    assert logged(caplog) == []
    check_nothing_remains(server)


@pytest.mark.parametrize("cancelled", [False, True])
async def test_what_ends_a_program_in_a_hook_ends_it_also_while_the_server_ends(
    autojump_clock: MockClock, cancelled: bool
) -> None:
    root = Router()

    @root.on_disconnect
    async def gone(socket: Socket, reason: DisconnectReason) -> None:
        await trio.sleep(1)
        raise SystemExit(3)

    with pytest.RaisesGroup(SystemExit, flatten_subgroups=True), trio.CancelScope() as scope:
        async with serve_memory(Server(root)) as memory:
            await memory.connect()
            if cancelled:
                scope.cancel()
            await trio.lowlevel.checkpoint()


@asynccontextmanager
async def signalling(number: int, signals: int, ended: list[str], server: Server) -> AsyncGenerator[None]:
    """Send a signal once the server is up; another one while its stop takes for ever."""
    signal.raise_signal(number)
    yield
    try:
        if signals == 2:
            signal.raise_signal(number)
            await trio.sleep_forever()
    finally:
        ended.append("ended")


@pytest.mark.port
@pytest.mark.usefixtures("habits")
def test_run_serves_until_a_signal_and_blocks() -> None:
    ended: list[str] = []
    run(Router(), port=0, lifespan=partial(signalling, signal.SIGTERM, 1, ended))
    assert ended == ["ended"]


@pytest.mark.port
@pytest.mark.usefixtures("habits")
def test_run_says_that_a_port_is_in_use_as_plainly_as_serve() -> None:
    with stdlib_socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        run(Router(), port=taken.getsockname()[1])


# ---- observers ------------------------------------------------------------------------------------------------------


async def test_whoever_observes_is_told_from_then_on(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        await memory.connect()
        notebook = Notebook()
        memory.server.observe(notebook)
        await memory.connect()
        assert notebook.told == [("joined", "/")]
