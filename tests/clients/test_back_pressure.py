"""Clients that send more than handlers can take: nobody is lost, and an upgrade does not wait for handlers."""

from contextlib import suppress
from functools import partial

import pytest
import trio

from slysock import Config, Listening, Router, Server, Socket
from tests.clients import NodeClients, Payload

pytestmark = [pytest.mark.port, pytest.mark.node]

EVENTS = 700


@pytest.mark.parametrize("transports", [["polling"], ["websocket"], None], ids=["polling", "websocket", "upgrade"])
async def test_a_client_with_many_events_before_it_connects_loses_none_and_upgrades(
    nursery: trio.Nursery, node: NodeClients, transports: list[str] | None
) -> None:
    """It sends them in one POST, whose answer its upgrade waits for; handlers go on only after that."""
    root, go_on, seen = Router(), trio.Event(), list[int]()

    @root.on("n")
    async def slow(socket: Socket, number: int) -> None:
        await go_on.wait()
        seen.append(number)

    @root.on("done")
    async def done(socket: Socket) -> int:
        return len(seen)

    listening: Listening = await nursery.start(Server(root, config=Config()).serve, "127.0.0.1", 0)
    options: dict[str, Payload] = {"autoConnect": False}
    client = await node.connect(listening.url, transports=transports, wait=False, options=options)
    for number in range(EVENTS):
        await client.emit("n", number)
    await client.open()
    await client.wait_connect()
    if transports is None:
        assert await client.wait_upgrade() == "websocket"
    go_on.set()
    assert await client.call("done") == [EVENTS]
    assert seen == list(range(EVENTS))
    assert client.disconnect_reason is None


async def test_a_post_that_fills_the_queue_does_not_hold_up_the_upgrade_behind_it(
    nursery: trio.Nursery, node: NodeClients
) -> None:
    """A client that has something on its way by POST changes its transport when that has been answered."""
    root, go_on, full, seen = Router(), trio.Event(), trio.Event(), list[int]()

    @root.on("n")
    async def slow(socket: Socket, number: int) -> None:
        full.set()
        await go_on.wait()
        seen.append(number)

    @root.on("done")
    async def done(socket: Socket) -> int:
        return len(seen)

    listening: Listening = await nursery.start(Server(root, config=Config()).serve, "127.0.0.1", 0)
    (proxy,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    serve = partial(trio.serve_listeners, partial(forward, listening.port, until=full), [proxy])
    nursery.start_soon(serve)
    url = f"http://127.0.0.1:{proxy.socket.getsockname()[1]}"
    client = await node.connect(url, wait=False, options={"autoConnect": False})
    for number in range(EVENTS):
        await client.emit("n", number)
    await client.open()
    assert await client.wait_upgrade() == "websocket"
    assert seen == []
    go_on.set()
    assert await client.call("done") == [EVENTS]
    assert seen == list(range(EVENTS))


async def forward(port: int, client: trio.SocketStream, *, until: trio.Event) -> None:
    """Forward a connection; a WebSocket only from a moment on."""
    first = await client.receive_some()
    if b"transport=websocket" in first:
        await until.wait()
    server = await trio.open_tcp_stream("127.0.0.1", port)
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        async with server, client, trio.open_nursery() as both:
            both.start_soon(copy, first, client, server)
            both.start_soon(copy, b"", server, client)


async def copy(first: bytes | bytearray, source: trio.SocketStream, target: trio.SocketStream) -> None:
    """Copy what comes until it ends."""
    data = first
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        if data:
            await target.send_all(data)
        while data := await source.receive_some():
            await target.send_all(data)
        await target.send_eof()


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
