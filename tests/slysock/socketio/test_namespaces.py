"""Namespaces with a name, and those that patterns make on demand."""

import re

import pytest
import trio
from trio.testing import MockClock

from slysock import ConnectionRefused, Router
from tests.slysock.serving import serving


async def test_an_unknown_namespace_is_refused_and_the_connection_stays(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        connection = await memory.open_connection()
        with pytest.raises(ConnectionRefused, match=r"^Invalid namespace$"):
            await connection.join("/nowhere")
        assert (await connection.join()).id


async def test_a_namespace_of_a_pattern_lives_as_long_as_somebody_is_in_it(autojump_clock: MockClock) -> None:
    pattern, named = Router(re.compile(r"/dyn-\d+")), Router("/dyn-7")
    pattern.on("where")(lambda socket: socket.namespace.name)
    named.on("where")(lambda socket: "the named one")
    async with serving(pattern, named) as memory:
        one, other = await memory.connect("/dyn-1"), await memory.connect("/dyn-1")
        assert await one.call("where") == "/dyn-1"
        assert await (await memory.connect("/dyn-7")).call("where") == "the named one"
        memory.server.of("/dyn-1").emit("both")
        assert await one.expect("both") == await other.expect("both") == ()
        for refused in ("/dyn-", "/dyn-1x", "/x/dyn-1"):
            with pytest.raises(ConnectionRefused):
                await memory.connect(refused)
        await one.disconnect()
        await trio.sleep(1)
        assert len(memory.server.of("/dyn-1").sockets()) == 1
        await other.connection.engine.drop()
        await trio.sleep(1)
        assert memory.server.statistics().made_namespaces == 0


async def test_a_namespace_of_a_pattern_lives_as_long_as_somebody_holds_an_audience_of_it(
    autojump_clock: MockClock,
) -> None:
    root = Router(re.compile("/chat-.*"))
    async with serving(root) as memory:
        room = memory.server.of("/chat-1").to("room")
        client = await memory.connect("/chat-1")
        (socket,) = memory.server.of("/chat-1").sockets()
        assert socket.namespace is memory.server.of("/chat-1")
        socket.join("room")
        room.emit("hello")
        assert await client.expect("hello") == ()
        assert memory.server.statistics().made_namespaces == 1
        del room, socket
