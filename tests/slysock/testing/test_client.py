"""Socket.IO clients that are offered for testing, tested."""

import pytest
import trio
from trio.testing import MockClock

from slysock import AckTimeout, Config, ConnectionRefused, Router, Socket
from slysock.config import TransportName
from slysock.testing import Closed
from tests.slysock.serving import both, serving
from tests.slysock.testing.echo import echoing


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


async def test_a_client_that_loses_its_connection_while_it_joins_is_told(autojump_clock: MockClock) -> None:
    root = Router()

    @root.use
    async def close(socket: Socket) -> None:
        socket.disconnect(close=True)

    async with serving(root) as memory:
        with pytest.raises(Closed):
            await memory.connect()


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
