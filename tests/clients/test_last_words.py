"""What a server says last: stock clients hear it, then that they are disconnected, and each of the two once."""

from collections.abc import Sequence

import pytest
import trio

from slysock import Listening, Router, Server, Socket
from tests.clients import NodeClient, NodeClients, python_client

pytestmark = [pytest.mark.port, pytest.mark.node]

TRANSPORTS = pytest.mark.parametrize(
    "transports", [["polling"], ["websocket"], None], ids=["polling", "websocket", "upgrade"]
)
EVENTS = 20
CLIENTS = 40
STEP_SECONDS = 0.005  # between two clients' ends: together they cover an upgrade from before its start to its end


def say_goodbye(socket: Socket) -> None:
    for number in range(EVENTS):
        socket.emit("bye", number, b"binary")
    socket.disconnect(close=True)


async def serve(nursery: trio.Nursery, *routers: Router) -> str:
    listening: Listening = await nursery.start(Server(*routers).serve, "127.0.0.1", 0)
    return listening.url


async def check_heard_all(client: NodeClient) -> None:
    assert await client.wait_disconnect() == "io server disconnect"
    heard = [(event.name, event.args[0]) for event in client.events]
    assert heard == [("bye", number) for number in range(EVENTS)]


@TRANSPORTS
async def test_what_is_said_while_a_client_connects_is_heard_before_its_end(
    nursery: trio.Nursery, node: NodeClients, transports: Sequence[str] | None
) -> None:
    root = Router()
    root.on_connect(say_goodbye)
    client = await node.connect(await serve(nursery, root), transports=transports, wait=False)
    await check_heard_all(client)


@TRANSPORTS
async def test_what_is_said_in_answer_to_an_event_is_heard_before_the_end(
    nursery: trio.Nursery, node: NodeClients, transports: Sequence[str] | None
) -> None:
    root = Router()
    root.on("leave")(say_goodbye)
    client = await node.connect(await serve(nursery, root), transports=transports)
    await client.emit("leave")
    await check_heard_all(client)


async def test_an_end_in_the_middle_of_an_upgrade_is_heard_wherever_the_client_is(
    nursery: trio.Nursery, node: NodeClients
) -> None:
    """One that has paused its polling listens to the WebSocket only."""
    root, connects = Router(), list[Socket]()

    @root.on_connect
    async def connect(socket: Socket) -> None:
        connects.append(socket)
        await trio.sleep(STEP_SECONDS * len(connects))
        say_goodbye(socket)

    url = await serve(nursery, root)
    clients = [await node.connect(url, wait=False) for _ in range(CLIENTS)]
    for client in clients:
        await check_heard_all(client)


async def test_the_python_client_hears_more_than_sixteen_packets(nursery: trio.Nursery) -> None:
    root = Router()
    root.on("leave")(say_goodbye)
    url = await serve(nursery, root)
    async with python_client(url, transports=["polling"]) as client:
        await client.emit("leave")
        heard = [(await client.next("bye")).args for _ in range(EVENTS)]
        # It hands each event to a thread of its own, so that their order is the threads'.
        assert sorted(heard, key=str) == sorted([(number, b"binary") for number in range(EVENTS)], key=str)
        assert await client.wait_disconnect() == "server disconnect"
