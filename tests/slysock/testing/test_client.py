"""The clients that are offered for testing, tested: they behave, and they misbehave as they say."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import AckTimeout, Config, ConnectionRefused, Router, Socket
from slysock.config import TransportName
from slysock.ids import DisconnectReason
from slysock.testing import Closed
from tests.slysock.serving import serving

both = pytest.mark.parametrize("transport", ["websocket", "polling"])


def echoing() -> Router:
    root = Router()

    @root.on("echo")
    async def echo(socket: Socket, *args: object) -> tuple[object, ...]:
        socket.emit("echo", *args)
        return args

    return root


@both
@pytest.mark.parametrize("args", [(), (1,), ("é" * 50_000, None), (b"x" * 100_000, {"a": [b"y"]})])
async def test_a_client_speaks_and_hears_everything(
    autojump_clock: MockClock, transport: TransportName, args: tuple[object, ...]
) -> None:
    async with serving(echoing()) as memory:
        client = await memory.connect(transport=transport, headers=[("x-a", "b")], query={"q": "r"})
        answer = await client.call("echo", *args)
        assert answer == (None if not args else args[0] if len(args) == 1 else args)
        assert await client.expect("echo") == args
        (socket,) = memory.server.of("/").sockets()
        assert (socket.handshake.headers["x-a"], socket.handshake.query["q"]) == ("b", "r")
        assert socket.handshake.address == "192.0.2.1"


async def test_an_unexpected_event_is_an_assertion_error(autojump_clock: MockClock) -> None:
    async with serving(echoing()) as memory:
        client = await memory.connect()
        await client.emit("echo", 1)
        with pytest.raises(AssertionError, match="expected 'other', received 'echo'"):
            await client.expect("other")


@both
async def test_what_waits_for_a_client_that_is_out_ends(autojump_clock: MockClock, transport: TransportName) -> None:
    async with serving(echoing()) as memory:
        client = await memory.connect(transport=transport)
        with pytest.raises(AckTimeout):
            await client.call("nobody answers", timeout=1)
        with pytest.raises(trio.TooSlowError):
            await client.wait_disconnected(1)
        await client.disconnect()
        assert await client.wait_disconnected() == "io client disconnect"
        with pytest.raises(Closed):
            await client.next()


async def test_a_refused_client_learns_why(autojump_clock: MockClock) -> None:
    root = Router("/a")

    @root.use
    def gate(socket: Socket) -> None:
        raise ConnectionRefused("no", data=[1])

    async with serving(root) as memory:
        with pytest.raises(ConnectionRefused, match="no") as caught:
            await memory.connect("/a")
        assert caught.value.data == [1]


async def test_a_client_that_is_refused_a_connection_learns_the_status(autojump_clock: MockClock) -> None:
    async with serving(echoing(), config=Config(transports=["websocket"])) as memory:
        with pytest.raises(Closed) as caught:
            await memory.connect(transport="polling")
        assert caught.value.code == 400
        with pytest.raises(Closed):
            await memory.open_engine(path="/elsewhere/")


@both
async def test_a_stalled_client_reads_again_when_it_resumes(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    async with serving(echoing()) as memory:
        client = await memory.connect(transport=transport)
        client.connection.engine.pace.stall()
        for number in range(5):
            memory.server.of("/").emit("news", number)
            await wait_all_tasks_blocked()
        client.connection.engine.pace.resume()
        assert [(await client.next()).args for _ in range(5)] == [(number,) for number in range(5)]


async def test_a_slow_client_takes_its_time(autojump_clock: MockClock) -> None:
    async with serving(echoing()) as memory:
        client = await memory.connect()
        client.connection.engine.pace.slow_down(3)
        for number in range(3):
            memory.server.of("/").emit("news", number)
            await client.next()
        assert trio.current_time() >= 6


@both
async def test_a_client_that_drops_is_noticed(autojump_clock: MockClock, transport: TransportName) -> None:
    root, log = echoing(), list[DisconnectReason]()
    root.on_disconnect(lambda socket, reason: log.append(reason))
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        await wait_all_tasks_blocked()
        await client.connection.engine.drop()
        await trio.sleep(1)
        assert len(log) == 1


async def test_a_client_that_loses_its_connection_while_it_joins_is_told(autojump_clock: MockClock) -> None:
    root = Router()

    @root.use
    async def close(socket: Socket) -> None:
        socket.disconnect(close=True)

    async with serving(root) as memory:
        with pytest.raises(Closed):
            await memory.connect()


async def test_a_dropped_upgrade_is_noticed_too(autojump_clock: MockClock) -> None:
    root, log = echoing(), list[DisconnectReason]()
    root.on_disconnect(lambda socket, reason: log.append(reason))
    async with serving(root) as memory:
        engine = (await memory.connect(transport="polling")).connection.engine
        await engine.upgrade()  # type: ignore[union-attr]  # a PollingClient
        await engine.drop()
        await trio.sleep(1)
        assert log == ["transport close"]


@both
async def test_a_client_speaks_the_parser_of_its_server(autojump_clock: MockClock, transport: TransportName) -> None:
    closed = Router("/closed")

    @closed.use
    def refuse(socket: Socket) -> None:
        raise ConnectionRefused("members only", data={"code": 7})

    async with serving(echoing(), closed, config=Config(parser="msgpack")) as memory:
        client = await memory.connect(transport=transport, auth={"token": "t"})
        assert memory.server.of("/").sockets()[0].handshake.auth == {"token": "t"}
        assert await client.call("echo", {"a": [b"x"]}, None) == ({"a": [b"x"]}, None)
        with pytest.raises(ConnectionRefused, match="members only") as refused:
            await client.connection.join("/closed")
        assert refused.value.data == {"code": 7}
        await client.disconnect()
