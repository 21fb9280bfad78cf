"""Clients that send more than handlers can take: nobody is lost, and an upgrade does not wait for handlers."""

import pytest
import trio

from slysock import Config, Listening, Router, Server, Socket
from tests.clients import NodeClients, Payload

pytestmark = [pytest.mark.port, pytest.mark.node]

EVENTS = 700


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], None], ids=["polling", "websocket", "upgrade"])
async def test_a_client_with_many_events_before_it_connects_gets_all_its_acknowledgements(
    nursery: trio.Nursery, node: NodeClients, transports: list[str] | None
) -> None:
    """It sends them while it upgrades; they are more than a backlog, and handlers go on only after the upgrade."""
    root, go_on, seen = Router(), trio.Event(), list[int]()

    @root.on("n")
    async def slow(socket: Socket, number: int) -> int:
        await go_on.wait()
        seen.append(number)
        return number

    listening: Listening = await nursery.start(Server(root, config=Config()).serve, "127.0.0.1", 0)
    client = await node.connect(listening.url, transports=transports, wait=False)
    answers: dict[int, Payload] = {}

    async def call(number: int) -> None:
        (answers[number],) = await client.call("n", number)

    async with trio.open_nursery() as calls:
        for number in range(EVENTS):
            calls.start_soon(call, number)
        await client.wait_connect()
        if transports is None:
            assert await client.wait_upgrade() == "websocket"
        go_on.set()
    assert answers == {number: number for number in range(EVENTS)}
    assert sorted(seen) == list(range(EVENTS))
    assert client.disconnect_reason is None


async def test_events_before_during_and_after_an_upgrade_are_handled_in_order(
    nursery: trio.Nursery, node: NodeClients
) -> None:
    root, seen = Router(), list[int]()

    @root.on("n")
    async def slow(socket: Socket, number: int) -> None:
        await trio.sleep(0.001)
        seen.append(number)

    @root.on("done")
    async def done(socket: Socket) -> int:
        return len(seen)

    listening: Listening = await nursery.start(Server(root, config=Config(max_pending_events=10)).serve, "127.0.0.1", 0)
    client = await node.connect(listening.url)
    for number in range(EVENTS):
        await client.emit("n", number)
    assert await client.call("done") == [EVENTS]
    assert seen == list(range(EVENTS))
    assert await client.wait_upgrade() == "websocket"
