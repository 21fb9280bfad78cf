"""Stock clients prove what they have received: on both transports, over an upgrade, and not when they are cut off."""

from collections.abc import Sequence
from functools import partial

import pytest
import trio

from slysock import Listening, Namespace, Router, Server, Socket
from tests.clients import NodeClient, NodeClients, python_client

pytestmark = [pytest.mark.port, pytest.mark.node]

TRANSPORTS = pytest.mark.parametrize(
    "transports", [["polling"], ["websocket"], None], ids=["polling", "websocket", "upgrade"]
)
PAGES = 10  # two of them at a ping a second
EVENTS = 200


async def serve(nursery: trio.Nursery, *routers: Router) -> tuple[str, Namespace]:
    server = Server(*routers)
    listening: Listening = await nursery.start(server.serve, "127.0.0.1", 0)
    return listening.url, server.of("/")


async def heard(client: NodeClient, count: int) -> list[object]:
    return [(await client.next()).args[0] for _ in range(count)]


@TRANSPORTS
async def test_pages_are_received_one_after_the_other(
    nursery: trio.Nursery, node: NodeClients, transports: Sequence[str] | None
) -> None:
    url, namespace = await serve(nursery, Router())
    client = await node.connect(url, transports=transports)
    (socket,) = namespace.sockets()
    with trio.fail_after(30):
        for number in range(PAGES):
            socket.emit("page", number, b"binary", "x" * 10_000)
            await socket.received()
    assert await heard(client, PAGES) == list(range(PAGES))
    assert socket.connected


@TRANSPORTS
async def test_constant_traffic_is_received_all_of_it(
    nursery: trio.Nursery, node: NodeClients, transports: Sequence[str] | None
) -> None:
    """From before an upgrade until it is over."""
    root, told = Router(), list[tuple[int, bool]]()

    @root.on_connect
    def talk(socket: Socket) -> None:
        socket.start_soon(go_on, socket)

    def note(number: int, received: bool) -> None:
        told.append((number, received))

    async def go_on(socket: Socket) -> None:
        for number in range(EVENTS):
            socket.emit("event", number)
            socket.when_received(partial(note, number))
            await trio.sleep(0.005)
        await socket.received()
        socket.emit("end")

    url, _ = await serve(nursery, root)
    client = await node.connect(url, transports=transports)
    await client.next("end")
    assert told == [(number, True) for number in range(EVENTS)]
    assert [event.args[0] for event in client.events] == list(range(EVENTS))
    if transports is None:
        await client.wait_upgrade()


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_one_who_is_cut_off_proves_nothing(nursery: trio.Nursery, node: NodeClients, transport: str) -> None:
    root, told = Router(), list[bool]()

    @root.on("leave")
    async def leave(socket: Socket) -> None:
        await trio.sleep(0.1)  # until the connection is gone
        socket.emit("too late")
        socket.when_received(told.append)

    url, namespace = await serve(nursery, root)
    client = await node.connect(url, transports=[transport])
    await client.burst(["leave"], end="cut")
    with trio.fail_after(20):
        while not told:  # noqa: ASYNC110 - it is told from a plain call
            await trio.sleep(0.01)
    assert (told, namespace.sockets()) == ([False], [])


@pytest.mark.parametrize("transport", ["polling", "websocket"])
async def test_the_python_client_proves_it_too(nursery: trio.Nursery, transport: str) -> None:
    url, namespace = await serve(nursery, Router())
    async with python_client(url, transports=[transport]) as client:
        (socket,) = namespace.sockets()
        for number in range(PAGES):
            socket.emit("page", number)
            with trio.fail_after(10):
                await socket.received()
        numbers = [(await client.next("page")).args[0] for _ in range(PAGES)]
        assert sorted(numbers, key=str) == sorted(range(PAGES), key=str)  # a thread of its own hears each
