"""Clients that join too often, too much, too slowly or not at all."""

import re
from typing import Final

import pytest
import trio
from msgspec.structs import replace
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import ConnectionRefused, Router, Socket
from tests.robustness.scene import QUIET, packed, scene
from tests.robustness.wire import Ending

CONNECTS: Final = 10_000
ANY: Final = re.compile(r"/any-\d+")


CUT: Final = Ending(1008, "too many attempts to connect")


async def test_of_10_000_connects_to_namespaces_that_do_not_exist_ten_are_answered(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        peer = await stage.peer()
        await peer.send(*(f"40/no-{number}," for number in range(10)))
        for number in range(10):
            assert await peer.receive() == f'44/no-{number},{{"message":"Invalid namespace"}}'
        await peer.send('421["echo"]')
        assert await peer.receive() == "431[]", "ten are no offence"
        await peer.send(*(f"40/no-{number}," for number in range(CONNECTS)))
        await stage.undisturbed()
        assert await peer.ending() == CUT
        assert stage.reasons == ["parse error"]


async def test_of_10_000_connects_to_namespaces_of_a_pattern_only_the_first_hundred_count(
    autojump_clock: MockClock,
) -> None:
    async with scene(Router(ANY)) as stage:
        peer = await stage.peer()
        await peer.send(*(f"40/any-{number}," for number in range(CONNECTS)))
        joined = QUIET.max_namespaces - 1
        for _ in range(joined):
            assert re.fullmatch(r'40/any-\d+,\{"sid":"[^"]+"\}', await peer.receive_text())
        for number in range(joined, joined + 10):
            assert await peer.receive() == f'44/any-{number},{{"message":"Too many namespaces"}}'
        assert await peer.ending() == CUT


async def test_a_namespace_that_is_asked_for_again_and_again_while_it_is_joining_is_an_offence(
    autojump_clock: MockClock,
) -> None:
    """Each one begins anew and cancels the one before; stock clients that change their mind say nothing else."""
    async with scene(slow_gate([])) as stage:
        peer = await stage.peer()
        await peer.send(*["40/gate,"] * 11)
        assert await peer.receive() == '44/gate,{"message":"not you"}'
        await peer.drop()
        peer = await stage.peer()
        await peer.send(*["40/gate,"] * CONNECTS)
        await stage.undisturbed()
        assert await peer.ending() == CUT


async def test_nothing_is_kept_for_a_namespace_that_has_refused(autojump_clock: MockClock) -> None:
    async with scene(slow_gate([])) as stage:
        peer = await stage.peer(join=False)
        await peer.send("40/gate,")
        assert await peer.receive() == '44/gate,{"message":"not you"}'
        await peer.send("4510-/gate,[]")
        assert await peer.ending() == Ending(1002, "not connected to this namespace")


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


async def test_of_10_000_connects_in_one_post_ten_are_answered(autojump_clock: MockClock) -> None:
    async with scene() as stage:
        poller = await stage.poller()
        assert (await poller.post(*(f"40/no-{number}," for number in range(CONNECTS)))).status == 400
        assert stage.reasons == ["parse error"]


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
                await trio.sleep(5)

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


async def test_with_msgpack_ten_of_10_000_connects_are_answered(autojump_clock: MockClock) -> None:
    config = replace(QUIET, parser="msgpack")
    async with scene(config=config) as stage:
        peer = await stage.peer()
        await peer.send(*(packed(type=0, nsp=f"/no-{number}") for number in range(CONNECTS)))
        for number in range(10):
            refusal = packed(type=4, nsp=f"/no-{number}", data={"message": "Invalid namespace"})
            assert await peer.receive() == refusal
        await stage.undisturbed()
        assert await peer.ending() == CUT
