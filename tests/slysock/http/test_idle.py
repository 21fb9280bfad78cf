"""Connections that wait for a request: the one that has waited longest makes room."""

import trio
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from slysock import Config, Router
from slysock.http import HttpConnection
from slysock.http.idle import IdleConnections
from tests.slysock.engineio.polls import OPEN
from tests.slysock.http.peer import CONFIG, GET, OK, Stream, undated
from tests.slysock.serving import serving


async def serve(nursery: trio.Nursery, idle: IdleConnections) -> Stream:
    """A client of a connection that answers whatever is asked."""
    client, server = memory_stream_pair()
    connection = HttpConnection(server, CONFIG, secure=False, peer="192.0.2.1", idle=idle)

    async def answer() -> None:
        while (request := await connection.next_request()) is not None:
            await request.respond(200, body=b"ok")
        await connection.aclose()

    nursery.start_soon(answer)
    await wait_all_tasks_blocked()
    return client


async def ask(client: Stream) -> bytes:
    await client.send_all(GET)
    return undated(bytes(await client.receive_some(1000)))


async def test_as_many_as_are_allowed_wait_and_one_more_ends_the_oldest_wait(nursery: trio.Nursery) -> None:
    idle = IdleConnections(2)
    first, second = await serve(nursery, idle), await serve(nursery, idle)
    assert await ask(first) == OK, "both wait, and this one has just been at work"
    third = await serve(nursery, idle)
    assert await second.receive_some(1000) == b""
    assert (await ask(first), await ask(third)) == (OK, OK)
    await wait_all_tasks_blocked()
    assert len(idle) == 2
    for client in (first, third):
        await client.aclose()
    await wait_all_tasks_blocked()
    assert len(idle) == 0


async def test_half_a_head_waits_like_none(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    idle = IdleConnections(1)
    half = await serve(nursery, idle)
    await half.send_all(b"GET / HT")
    await wait_all_tasks_blocked()
    assert len(idle) == 1
    whole = await serve(nursery, idle)
    assert (await half.receive_some(1000)).startswith(b"HTTP/1.1 408 ")
    assert await ask(whole) == OK


async def test_who_is_at_work_waits_for_nothing(autojump_clock: MockClock) -> None:
    """A poll that is held, and a WebSocket."""
    root = Router()
    async with serving(root, config=Config(max_idle_connections=3)) as memory:
        clients = [await memory.connect(transport=transport) for transport in ("polling", "websocket")]
        for _ in range(3):
            streams = [memory.open() for _ in range(5)]
            await wait_all_tasks_blocked()
            assert memory.server.statistics().http_connections <= 3 + 1, "the poll is none of them"
        assert (await memory.request("GET", OPEN)).status == 200
        memory.server.of("/").emit("still", "here")
        for client in clients:
            assert await client.expect("still") == ("here",)
        for stream in streams:
            await trio.aclose_forcefully(stream)
