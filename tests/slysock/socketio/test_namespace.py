"""A namespace, as users hold it."""

import pytest
import trio
from trio.testing import MockClock

from slysock import AckTimeout, Router, Server
from slysock.testing import MemoryClient, serve_memory
from tests.slysock.serving import serving


async def test_an_empty_namespace_can_be_spoken_to() -> None:
    root = Router()
    root.on("plain")(lambda socket, number: number)
    async with serve_memory(Server(root)) as memory:
        memory.server.of("/").emit("nobody hears")
        client = await memory.connect()
        assert await client.call("plain", 3) == 3


async def test_each_way_of_speaking_has_an_audience_of_its_own(autojump_clock: MockClock) -> None:
    async with serving(Router("/chat")) as memory:
        namespace = memory.server.of("/chat")
        one, other = await memory.connect("/chat"), await memory.connect("/chat")
        await trio.testing.wait_all_tasks_blocked()  # until what they were told has left: one of the ways is volatile
        namespace.to(one.id).join("room")
        namespace.to("room").emit("room")
        namespace.except_("room").emit("others")
        namespace.volatile.emit("whoever can")
        namespace.emit("all")
        await trio.testing.wait_all_tasks_blocked()
        assert [event.name for event in one.waiting()] == ["room", "whoever can", "all"]
        assert [event.name for event in other.waiting()] == ["others", "whoever can", "all"]


async def test_everybody_can_be_asked(autojump_clock: MockClock) -> None:
    async def answer(client: MemoryClient) -> None:
        await client.acknowledge(await client.next(), client.id)

    async with serving(Router()) as memory, trio.open_nursery() as nursery:
        clients = [await memory.connect() for _ in range(3)]
        for client in clients:
            nursery.start_soon(answer, client)
        assert sorted(await memory.server.of("/").call("who", timeout=1), key=str) == sorted(c.id for c in clients)
        with pytest.raises(AckTimeout):
            await memory.server.of("/").call("nobody answers", timeout=1)


async def test_its_clients_are_counted_listed_and_found(autojump_clock: MockClock) -> None:
    async with serving(Router("/chat")) as memory:
        namespace = memory.server.of("/chat")
        assert (namespace.name, namespace.client_count, namespace.sockets()) == ("/chat", 0, [])
        client = await memory.connect("/chat")
        (socket,) = namespace.sockets()
        assert namespace.client_count == 1
        assert namespace.get(client.id) is socket
        assert namespace.get("nobody") is None
        assert repr(namespace) == "<Namespace '/chat' with 1 sockets>"
