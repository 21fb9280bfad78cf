"""Stock clients that leave in the middle of things: what they had said is handled."""

from collections.abc import Sequence

import pytest
import trio

from slysock import Listening, Router, Server, Socket
from slysock.ids import DisconnectReason
from tests.clients import NodeClients, Payload

pytestmark = [pytest.mark.port, pytest.mark.node]

TRANSPORTS = pytest.mark.parametrize(
    "transports", [["polling"], ["websocket"], None], ids=["polling", "websocket", "upgrade"]
)


@TRANSPORTS
@pytest.mark.parametrize("end", ["disconnect", "cut"])
@pytest.mark.parametrize("events", [1, 3, 30])
async def test_what_a_client_emits_right_before_it_leaves_is_handled(
    nursery: trio.Nursery, node: NodeClients, transports: Sequence[str] | None, end: str, events: int
) -> None:
    root, saved, gone = Router(), list[int](), trio.Event()

    @root.on("save")
    async def save(socket: Socket, number: int) -> None:
        await trio.sleep(0.01)
        saved.append(number)

    @root.on_disconnect
    def leave(socket: Socket, reason: DisconnectReason) -> None:
        gone.set()

    listening: Listening = await nursery.start(Server(root).serve, "127.0.0.1", 0)
    client = await node.connect(listening.url, transports=transports)
    if transports is None:
        await client.wait_upgrade()
    saves: list[list[Payload]] = [["save", number] for number in range(events)]
    await client.burst(*saves, end=end)
    with trio.fail_after(20):
        await gone.wait()
    assert saved == list(range(events))
