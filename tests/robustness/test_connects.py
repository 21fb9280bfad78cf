"""Clients that join too often, too much, too slowly or not at all."""

import re
from typing import Final

import pytest
import trio
from msgspec.structs import replace
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import ConnectionRefused, Router, Socket
from tests.robustness.scene import QUIET, packed, scene
from tests.robustness.wire import Ending, WebSocketPeer

CONNECTS: Final = 10_000
ANY: Final = re.compile(r"/any-\d+")


async def answers_to(peer: WebSocketPeer, packets: list[str]) -> list[str]:
    """Send packets a thousand at a time and read the same number of answers."""
    answers: list[str] = []
    for start in range(0, len(packets), 1000):
        batch = packets[start : start + 1000]
        await peer.send(*batch)
        answers += [await peer.receive_text() for _ in batch]
    return answers


async def test_10_000_connects_to_namespaces_that_do_not_exist_are_each_refused(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        peer = await stage.peer()
        answers = await answers_to(peer, [f"40/no-{number}," for number in range(CONNECTS)])
        assert answers == [f'44/no-{number},{{"message":"Invalid namespace"}}' for number in range(CONNECTS)]
        await stage.undisturbed()
        await peer.send('421["echo"]')
        assert await peer.receive() == "431[]"
        await peer.drop()


async def test_of_10_000_connects_to_namespaces_of_a_pattern_only_the_first_hundred_count(
    autojump_clock: MockClock,
) -> None:
    async with scene(Router(ANY)) as stage:
        peer = await stage.peer()
        answers = await answers_to(peer, [f"40/any-{number}," for number in range(CONNECTS)])
        joined = QUIET.max_namespaces - 1
        assert all(re.fullmatch(r'40/any-\d+,\{"sid":"[^"]+"\}', answer) for answer in answers[:joined])
        refused = [f'44/any-{number},{{"message":"Too many namespaces"}}' for number in range(joined, CONNECTS)]
        assert answers[joined:] == refused
        await stage.undisturbed()
        await peer.drop()


async def test_10_000_connects_and_disconnects_leave_nothing_behind(autojump_clock: MockClock) -> None:
    async with scene(Router(ANY), costs=6_000_000) as stage:
        peer = await stage.peer()
        for start in range(0, CONNECTS, 100):
            await peer.send(*(f"40/any-{number}," for number in range(start, start + 50)))
            for _ in range(50):
                assert (await peer.receive_text()).startswith("40/any-")
            await peer.send(*(f"41/any-{number}," for number in range(start, start + 50)))
            await wait_all_tasks_blocked()
        assert len(stage.server._namespaces._made) <= 1
        await stage.undisturbed()
        await peer.drop()


async def test_10_000_connects_to_one_namespace_end_at_the_second(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        peer = await stage.peer(join=False)
        await peer.send(*["40"] * CONNECTS)
        await stage.undisturbed()
        assert await peer.ending() == Ending(1002, "connected to this namespace already")
        assert stage.reasons == ["parse error"]


async def test_10_000_connects_that_nobody_reads_the_answers_of_end_in_a_slow_consumer(
    autojump_clock: MockClock,
) -> None:
    config = replace(QUIET, max_outbox_bytes=50_000, max_outbox_hard_bytes=50_000)
    async with scene(config=config) as stage:
        peer = await stage.peer()
        for start in range(0, CONNECTS, 1000):
            await peer.send(*(f"40/no-{number}," for number in range(start, start + 1000)))
            await wait_all_tasks_blocked()
        await stage.undisturbed()
        await stage.wait_alone()
        assert stage.reasons == ["slow consumer"]


async def test_10_000_connects_in_one_post_are_each_refused(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        poller = await stage.poller()
        assert (await poller.post(*(f"40/no-{number}," for number in range(CONNECTS)))).body == b"ok"
        refusals = 0
        while refusals < CONNECTS:
            refusals += len(await poller.packets())
        assert refusals == CONNECTS
        await stage.undisturbed()
        await poller.post("1")


async def test_a_connection_that_never_joins_is_closed_at_the_connect_deadline(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        peer = await stage.peer(join=False)
        started = trio.current_time()
        assert await peer.ending() == Ending(1000, "")
        assert trio.current_time() - started == pytest.approx(QUIET.connect_timeout_seconds)
        await stage.undisturbed()


async def test_refused_connects_do_not_put_the_deadline_off(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        peer = await stage.peer(join=False)
        started = trio.current_time()

        async def ask_again() -> None:
            while True:
                await peer.send("40/no,")
                await trio.sleep(1)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask_again)
            assert (await peer.ending()).code == 1000
            nursery.cancel_scope.cancel()
        assert trio.current_time() - started == pytest.approx(QUIET.connect_timeout_seconds)


async def test_a_session_by_polling_that_never_joins_is_gone_at_the_connect_deadline(
    autojump_clock: MockClock,
) -> None:
    async with scene() as stage:
        poller = await stage.poller(join=False)
        assert await poller.packets() == ["1"]
        assert (await poller.poll()).status == 400


# ---- before the client has been let in ------------------------------------------------------------------------------


def slow_gate(handled: list[str]) -> Router:
    """Make a namespace that refuses, but takes its time, and that has something to handle meanwhile."""
    router = Router("/gate")

    @router.use
    async def gate(socket: Socket) -> None:
        await trio.sleep(5)
        raise ConnectionRefused("not you")

    @router.on("plain")
    def plain(socket: Socket) -> None:
        handled.append("plain")

    @router.on("parallel", concurrency=4)
    async def parallel(socket: Socket) -> None:
        await trio.lowlevel.checkpoint()
        handled.append("parallel")

    @router.on_any
    def anything(socket: Socket, event: str, args: tuple[object, ...]) -> None:
        handled.append("any")

    return router


@pytest.mark.parametrize("event", ["plain", "parallel", "unknown"])
async def test_an_event_before_the_client_is_let_in_reaches_no_handler(event: str, autojump_clock: MockClock) -> None:
    """However the handler is called: in order, in parallel, or for every event."""
    handled: list[str] = []
    async with scene(slow_gate(handled)) as stage:
        peer = await stage.peer(join=False)
        await peer.send("40/gate,", f'42/gate,["{event}"]')
        assert await peer.ending() == Ending(1002, "not connected to this namespace")
        assert handled == []


async def test_attachments_before_the_client_is_let_in_are_not_kept(autojump_clock: MockClock) -> None:
    async with scene(slow_gate([])) as stage:
        peer = await stage.peer(join=False)
        await peer.send("40/gate,", '451-/gate,["plain",{"_placeholder":true,"num":0}]')
        assert await peer.ending() == Ending(1002, "not connected to this namespace")


async def test_a_client_that_leaves_while_it_is_joining_is_never_let_in(autojump_clock: MockClock) -> None:
    async with scene(slow_gate([])) as stage:
        peer = await stage.peer()
        await peer.send("40/gate,", "41/gate,", '421["echo"]')
        assert await peer.receive() == "431[]"
        await trio.sleep(10)
        await peer.send('422["echo"]')
        assert await peer.receive() == "432[]"
        await peer.drop()


async def test_with_msgpack_10_000_connects_are_each_refused(autojump_clock: MockClock) -> None:
    config = replace(QUIET, parser="msgpack")
    async with scene(config=config) as stage:
        peer = await stage.peer()
        for start in range(0, CONNECTS, 1000):
            await peer.send(*(packed(type=0, nsp=f"/no-{number}") for number in range(start, start + 1000)))
            for number in range(start, start + 1000):
                refusal = packed(type=4, nsp=f"/no-{number}", data={"message": "Invalid namespace"})
                assert await peer.receive() == refusal
        await stage.undisturbed()
        await peer.drop()
