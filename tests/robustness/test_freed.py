"""Whatever ends: nothing of it waits for the garbage collector, which a serving process runs seldom.

On pairs of real sockets, because what they raise is kept in other places than what streams in memory raise; under a
clock that jumps all the same.
"""

import gc
import socket as stdlib_socket
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import AsyncGeneratorType, CoroutineType, GeneratorType
from typing import Final, TypeAlias

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import AckTimeout, Config, ConnectionRefused, Router, Server, Socket
from slysock.engineio.timers import Timer
from slysock.front import Wire
from slysock.testing import serve_memory
from tests.robustness.scene import WEBSOCKET, Poller, Scene, router_of
from tests.robustness.wire import CLOSE, PING, TEXT, WebSocketPeer, frame, read_answer, request_bytes

CONFIG: Final = Config(
    max_payload_bytes=200_000, max_outbox_bytes=300_000, max_outbox_hard_bytes=300_000, max_pending_events=4
)

Ending: TypeAlias = Callable[[Scene], Awaitable[None]]
"""Begins something and brings it to its end."""

ENDINGS: Final[list[Ending]] = []


def ends(ending: Ending) -> Ending:
    ENDINGS.append(ending)
    return ending


async def left_alone(stage: Scene, *pieces: bytes, seconds: float = 0.1) -> None:
    """Send something on a connection of its own, and leave after a while without reading the answer."""
    stream = await stage.stream()
    for piece in pieces:
        await stream.send_all(piece)
    await trio.sleep(seconds)
    await trio.aclose_forcefully(stream)


def post_head(poller: Poller, framing: bytes) -> bytes:
    return b"POST %s HTTP/1.1\r\nHost: test\r\n%s\r\n\r\n" % (poller.target.encode(), framing)


async def probing(stage: Scene, poller: Poller) -> WebSocketPeer:
    websocket = WebSocketPeer(await stage.stream())
    assert await websocket.open(f"{WEBSOCKET}&sid={poller.sid}") == 101
    await websocket.send("2probe")
    assert await websocket.receive() == "3probe"
    return websocket


# ---- HTTP -----------------------------------------------------------------------------------------------------------


@ends
async def a_bad_head(stage: Scene) -> None:
    await left_alone(stage, b"GET / HTTP/1.1\r\n\r\n", seconds=3)


@ends
async def a_head_of_too_many_lines(stage: Scene) -> None:
    await left_alone(stage, b"GET / HTTP/1.1\r\nhost: a\r\n" + b"a:b\r\n" * 200 + b"\r\n", seconds=3)


@ends
async def half_a_head(stage: Scene) -> None:
    await left_alone(stage, b"GET / HT", seconds=25)


@ends
async def an_idle_connection(stage: Scene) -> None:
    stream = await stage.stream()
    for _ in range(2):
        await stream.send_all(request_bytes("GET", "/nothing"))
        assert (await read_answer(stream)).status == 404
    await trio.sleep(25)
    await stream.aclose()


@ends
async def bad_chunks(stage: Scene) -> None:
    poller = await stage.poller()
    await left_alone(stage, post_head(poller, b"Transfer-Encoding: chunked"), b"zz\r\n")


# ---- sessions by polling --------------------------------------------------------------------------------------------


@ends
async def a_poller_says_goodbye(stage: Scene) -> None:
    await (await stage.poller()).post("1")


@ends
async def a_poller_falls_silent(stage: Scene) -> None:
    await stage.poller()
    await trio.sleep(50)


@ends
async def a_poller_never_joins(stage: Scene) -> None:
    await stage.poller(join=False)
    await trio.sleep(50)


@ends
async def a_poll_is_given_up(stage: Scene) -> None:
    poller = await stage.poller()
    await left_alone(stage, request_bytes("GET", poller.target))


@ends
async def a_post_is_cut_off(stage: Scene) -> None:
    poller = await stage.poller()
    await left_alone(stage, post_head(poller, b"Content-Length: 100"), b"4")


@ends
async def a_post_never_ends(stage: Scene) -> None:
    poller = await stage.poller()
    await left_alone(stage, post_head(poller, b"Content-Length: 100"), b"4", seconds=40)


@ends
async def a_post_is_malformed(stage: Scene) -> None:
    await (await stage.poller()).post_body(b"\xff")


@ends
async def a_post_is_too_large(stage: Scene) -> None:
    await (await stage.poller()).post_body(b"4" * 200_001)


@ends
async def a_poller_breaks_the_protocol(stage: Scene) -> None:
    await (await stage.poller()).post("42{")


@ends
async def a_poller_is_sent_away_and_hears_it(stage: Scene) -> None:
    poller = await stage.poller()
    await poller.post('42["bye"]')
    assert await poller.packets() == ["41"]
    assert await poller.packets() == ["1"]


@ends
async def a_poller_is_sent_away_and_does_not_come_for_it(stage: Scene) -> None:
    await (await stage.poller()).post('42["flood",2,100000]', '42["bye"]')
    await trio.sleep(40)


@ends
async def a_poller_with_a_full_queue(stage: Scene) -> None:
    await (await stage.poller()).post('42["flood",10,100000]')
    await trio.sleep(1)


@ends
async def a_poller_with_a_queue_falls_silent(stage: Scene) -> None:
    await (await stage.poller()).post('42["flood",2,100000]')
    await trio.sleep(50)


@ends
async def a_poller_that_does_not_read_its_answer(stage: Scene) -> None:
    poller = await stage.poller()
    await poller.post('42["flood",4,60000]')
    await left_alone(stage, request_bytes("GET", poller.target), seconds=60)


@ends
async def a_poller_with_a_backlog(stage: Scene) -> None:
    poller = await stage.poller()
    await poller.post(*['42["slow"]'] * 6)
    await poller.post("1")
    await trio.sleep(50)


@ends
async def a_poller_whose_handler_fails(stage: Scene) -> None:
    poller = await stage.poller()
    await poller.post('421["refuse"]')
    await poller.packets()
    await poller.post("1")


@ends
async def a_poller_who_is_not_let_in(stage: Scene) -> None:
    poller = await stage.poller(join=False)
    await poller.post("40/no,")
    await poller.packets()
    await trio.sleep(50)


# ---- upgrades -------------------------------------------------------------------------------------------------------


@ends
async def an_upgrade(stage: Scene) -> None:
    websocket = await probing(stage, await stage.poller())
    await websocket.send("5", '421["echo"]')
    assert await websocket.receive() == "431[]"
    await websocket.drop()


@ends
async def an_upgrade_with_a_backlog(stage: Scene) -> None:
    poller = await stage.poller()
    await poller.post(*['42["slow"]'] * 6)
    websocket = await probing(stage, poller)
    await websocket.send("5")
    await trio.sleep(50)
    await websocket.drop()


@ends
async def an_upgrade_that_is_never_finished(stage: Scene) -> None:
    poller = await stage.poller()
    websocket = await probing(stage, poller)
    await trio.sleep(20)
    await websocket.drop()
    await poller.post("1")


@ends
async def an_upgrade_that_is_dropped(stage: Scene) -> None:
    poller = await stage.poller()
    await (await probing(stage, poller)).drop()
    await trio.sleep(0.1)
    await poller.post("1")


@ends
async def an_upgrade_of_a_session_that_ends(stage: Scene) -> None:
    poller = await stage.poller()
    websocket = await probing(stage, poller)
    await poller.post('42["bye"]')
    await websocket.send("5")
    await websocket.ending()
    await websocket.drop()
    await trio.sleep(40)


@ends
async def a_second_websocket(stage: Scene) -> None:
    first, second = await stage.peer(), WebSocketPeer(await stage.stream())
    assert await second.open(f"{WEBSOCKET}&sid={first.handshake['sid']}") == 101
    await second.ending()
    await second.drop()
    await first.drop()


# ---- WebSockets -----------------------------------------------------------------------------------------------------


async def until_the_end(stage: Scene, data: bytes, *, join: bool = True) -> None:
    """Send bytes and read until the server has closed, then leave."""
    peer = await stage.peer(join=join)
    await peer.raw(data)
    await peer.ending()
    await peer.drop()


@ends
async def a_websocket_is_dropped(stage: Scene) -> None:
    await (await stage.peer()).drop()


@ends
async def a_websocket_says_goodbye(stage: Scene) -> None:
    await until_the_end(stage, frame(CLOSE, b"\x03\xe8"))


@ends
async def a_websocket_never_joins(stage: Scene) -> None:
    await until_the_end(stage, b"", join=False)


@ends
async def a_websocket_falls_silent(stage: Scene) -> None:
    await until_the_end(stage, b"")


@ends
async def a_websocket_pings_and_is_sent_away(stage: Scene) -> None:
    await until_the_end(stage, frame(PING, b"x") + frame(TEXT, b'42["bye"]'))


@ends
async def a_websocket_breaks_the_framing(stage: Scene) -> None:
    await until_the_end(stage, frame(TEXT, b"x", masked=False))


@ends
async def a_websocket_sends_no_utf8(stage: Scene) -> None:
    await until_the_end(stage, frame(TEXT, b"4\xff"))


@ends
async def a_websocket_sends_too_much(stage: Scene) -> None:
    await until_the_end(stage, frame(TEXT, b"", announced=2**30))


@ends
async def a_websocket_breaks_the_protocol(stage: Scene) -> None:
    await until_the_end(stage, frame(TEXT, b"42{"))


@ends
async def a_websocket_never_sends_its_attachment(stage: Scene) -> None:
    await until_the_end(stage, frame(TEXT, b'451-["echo",{"_placeholder":true,"num":0}]'))


@ends
async def a_websocket_does_not_read(stage: Scene) -> None:
    peer = await stage.peer()
    await peer.send('42["flood",10,100000]')
    await trio.sleep(50)
    await peer.drop()


@ends
async def a_websocket_is_reset(stage: Scene) -> None:
    peer = await stage.peer()
    await peer.send('42["flood",2,100000]')
    await trio.sleep(0.1)
    await peer.drop()


@ends
async def a_websocket_with_a_backlog(stage: Scene) -> None:
    peer = await stage.peer()
    await peer.send(*['42["slow"]'] * 10)
    await trio.sleep(0.1)
    await peer.drop()
    await trio.sleep(60)


@ends
async def a_websocket_is_asked_and_leaves(stage: Scene) -> None:
    peer = await stage.peer()
    await peer.send('421["ask"]')
    await trio.sleep(0.1)
    await peer.drop()


@ends
async def a_websocket_is_asked_and_says_nothing(stage: Scene) -> None:
    peer = await stage.peer()
    await peer.send('421["ask"]')
    await trio.sleep(15)
    await peer.drop()


@ends
async def a_websocket_leaves_work_in_the_background(stage: Scene) -> None:
    peer = await stage.peer()
    await peer.send('42["watch"]')
    await trio.sleep(0.1)
    await peer.drop()


@ends
async def a_websocket_that_middleware_and_hooks_refuse(stage: Scene) -> None:
    peer = await stage.peer(join=False)
    await peer.send("40/no,", "40/late,")
    for _ in range(3):
        await peer.receive()
    await peer.drop()


# ---------------------------------------------------------------------------------------------------------------------


def routers(gone: Callable[[str], None]) -> list[Router]:
    root, no, late = router_of([], gone), Router("/no"), Router("/late")

    @root.on("slow")
    async def slow(socket: Socket) -> None:
        await trio.sleep(3)

    @root.on("ask")
    async def ask(socket: Socket) -> None:
        with suppress(AckTimeout):
            await socket.call("question", timeout=10)

    @root.on("refuse")
    async def refuse(socket: Socket) -> None:
        await trio.lowlevel.checkpoint()
        raise ConnectionRefused("no")

    @root.on("bye")
    def bye(socket: Socket) -> None:
        socket.disconnect(close=True)

    @root.on("watch")
    def watch(socket: Socket) -> None:
        socket.start_soon(trio.sleep_forever)

    @no.use
    async def refuse_all(socket: Socket) -> None:
        await trio.lowlevel.checkpoint()
        raise ConnectionRefused("no")

    @late.on_connect
    def think_again(socket: Socket) -> None:
        raise ConnectionRefused("no")

    return [root, no, late]


def ours() -> Counter[str]:
    """Count what there is of slysock, and of the libraries that it speaks HTTP and WebSocket with, by kind.

    Not timers that are cancelled, which wait for their turn and hold nothing; nor wsproto's parser, a generator that
    holds its owner, of which there is one for each WebSocket that has sent a ping.
    """
    found: list[str] = []
    for each in gc.get_objects():
        kind = type(each)
        if issubclass(kind, CoroutineType | GeneratorType | AsyncGeneratorType):
            found.append(each.__qualname__)
        elif kind is not Timer and f"{kind.__module__}".startswith(("slysock", "h11._connection", "trio_websocket")):
            found.append(kind.__qualname__)
    return Counter(name for name in found if name != "FrameProtocol._parse_more_gen")


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.__name__)
async def test_what_has_ended_is_freed_at_once(ending: Ending, autojump_clock: MockClock) -> None:
    async with serve_memory(Server(*routers(lambda reason: None), config=CONFIG)) as memory:
        front = memory.server._front

        async def connect() -> trio.abc.Stream:
            client, server = stdlib_socket.socketpair()
            client.setblocking(False)
            server.setblocking(False)
            stream = trio.SocketStream(trio.socket.from_stdlib_socket(server))
            wire = Wire(stream, server)
            front._connections.nursery.start_soon(front._serve, wire, "192.0.2.1", False, front._answer)
            await trio.lowlevel.checkpoint()
            return trio.SocketStream(trio.socket.from_stdlib_socket(client))

        stage = Scene(memory.server, connect, "json")
        await ending(stage)  # what is made once for all is made by now
        await trio.sleep(1)
        gc.collect()
        gc.freeze()  # what there is by now is neither listed nor collected
        gc.disable()
        try:
            counts: list[Counter[str]] = []
            for _ in range(2):  # a loop may hold the last one that it has seen
                await ending(stage)
                await trio.sleep(1)
                await wait_all_tasks_blocked()
                counts.append(ours())
            assert counts[1] - counts[0] == Counter()
            assert gc.collect() == 0, "nor is there anything of others that has to be collected"
        finally:
            gc.enable()
            gc.unfreeze()
        held = memory.server.statistics()
        assert (held.connections, held.lingering, held.leaving, held.outbox_bytes) == (0, 0, 0, 0)
