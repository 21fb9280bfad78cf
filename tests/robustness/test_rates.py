"""Clients that do more of what is allowed than they may: often, and on."""

import re
from typing import Final

from msgspec.structs import replace
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, ConnectionRefused, Router, Socket
from tests.robustness.scene import POLLING, QUIET, scene
from tests.robustness.wire import Ending

FEW: Final = replace(QUIET, client_events_per_second=100, client_joins_per_second=100)
BURST: Final = 1000  # what these allow at once
JOINED: Final = 1  # of which a client has used so many


async def test_a_flood_of_events_is_handled_once_told_so_once_and_then_cut(autojump_clock: MockClock) -> None:
    async with scene(config=FEW) as stage:
        peer = await stage.peer()
        await peer.send(*(f'42{number}["note",{number}]' for number in range(3 * BURST)))
        answers = [await peer.receive_text() for _ in range(2 * BURST)]
        assert answers[:BURST] == [f'43{number}["noted"]' for number in range(BURST)]
        refused = re.compile(r'43\d+\[\{"error":"Too many events, try again later","retryAfter":[\d.]+\}\]')
        assert all(refused.fullmatch(answer) for answer in answers[BURST:])
        assert await peer.receive() == "41"
        assert await peer.ending() == Ending(1000, "")
        assert stage.handled == [(number,) for number in range(BURST)]
        assert stage.reasons == ["server namespace disconnect"]


async def test_a_flood_of_events_in_one_post_likewise(autojump_clock: MockClock) -> None:
    async with scene(config=FEW) as stage:
        poller = await stage.poller()
        await poller.post(*(f'42["note",{number}]' for number in range(3 * BURST)))
        assert await poller.packets() == ["41"]
        assert stage.handled == [(number,) for number in range(BURST)]
        assert stage.reasons == ["server namespace disconnect"]


async def test_a_flood_of_connects_is_answered_less_and_less_and_then_cut(autojump_clock: MockClock) -> None:
    async with scene(Router("/room"), config=FEW) as stage:
        peer = await stage.peer()
        await peer.send(*["40/room,", "41/room,"] * (3 * BURST))
        answers = [await peer.receive_text() for _ in range(2 * BURST)]
        assert ['"sid"' in answer for answer in answers] == [True] * (BURST - JOINED) + [False] * (BURST + JOINED)
        assert all("Too many joins" in answer for answer in answers[BURST - JOINED :])
        assert await peer.receive() == "41"
        assert await peer.ending() == Ending(1000, "")


async def test_a_flood_of_handshakes_of_one_address_opens_no_more_sessions_than_allowed(
    autojump_clock: MockClock,
) -> None:
    async with scene(config=replace(QUIET, address_handshakes_per_second=10, burst_seconds=5)) as stage:
        statuses = [(await stage.ask("GET", POLLING)).status for _ in range(200)]
        assert statuses == [200] * (50 - JOINED) + [429] * (200 - 50 + JOINED)
        assert stage.sessions == 50


async def test_a_flood_of_bad_logins_costs_a_connection_each(autojump_clock: MockClock) -> None:
    gate = Router("/gate")

    @gate.use
    def refuse(socket: Socket) -> None:
        raise ConnectionRefused("who?")

    config: Config = replace(QUIET, address_refused_logins_per_second=10, burst_seconds=5)
    async with scene(gate, config=config) as stage:
        endings = list[bool]()
        for _ in range(20):
            peer = await stage.peer(join=False)
            await peer.send(*["40/gate,"] * 10)
            await wait_all_tasks_blocked()
            endings.append(len(stage.server._front.engine.sessions) == 1)
            if not endings[-1]:
                await peer.drop()
                await wait_all_tasks_blocked()
        assert endings == [False] * 5 + [True] * 15
