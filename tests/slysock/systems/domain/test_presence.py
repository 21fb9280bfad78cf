"""Who is here, counted by connections."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock.systems.domain import ConnectionKey, Presence
from slysock_store import UserKey

ANNA, BEN = UserKey("CUSTOMER:1"), UserKey("VENDOR:1")
ONE, TWO = ConnectionKey("one"), ConnectionKey("two")


def test_a_user_is_here_from_the_first_connection_to_the_last() -> None:
    presence = Presence()
    assert presence.arrive(ANNA, ONE)
    assert not presence.arrive(ANNA, TWO)
    assert presence.connections_of(ANNA) == 2
    assert presence.leave(ONE) is None
    assert presence.is_here(ANNA)
    assert presence.leave(TWO) == ANNA
    assert not presence.is_here(ANNA)
    assert len(presence) == 0


def test_leaving_without_having_arrived_changes_nothing() -> None:
    presence = Presence()
    presence.arrive(ANNA, ONE)
    assert presence.leave(TWO) is None
    assert presence.is_here(ANNA)


async def test_waiting_ends_at_arrival_or_at_its_time(autojump_clock: MockClock) -> None:
    presence = Presence()
    found: list[bool] = []

    async def wait() -> None:
        found.append(await presence.wait_for(ANNA, within_seconds=10))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        presence.arrive(ANNA, ONE)
    assert found == [True]
    assert await presence.wait_for(ANNA, within_seconds=10)
    started = trio.current_time()
    assert not await presence.wait_for(BEN, within_seconds=10)
    assert trio.current_time() - started == pytest.approx(10)
