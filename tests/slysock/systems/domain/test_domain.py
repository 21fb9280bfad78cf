"""The parts of the domain that need no store, and the keeper of tokens' times."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

import slysock_store
from slysock.systems.domain import (
    Busy,
    Conflict,
    ConnectionKey,
    Invalid,
    NotAllowed,
    NotFound,
    Presence,
    Unavailable,
)
from slysock.systems.domain.errors import DomainError, translated_store_errors
from slysock.systems.domain.messages import Turns
from slysock.systems.expiry import SPARE_ENTRIES, Expiries
from slysock_store import ChatKey, UserKey

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


async def test_a_chats_turns_come_one_after_the_other_and_leave_nothing_behind(autojump_clock: MockClock) -> None:
    turns = Turns()
    log: list[str] = []

    async def take(name: str, key: str) -> None:
        async with turns.take(ChatKey(key)):
            log.append(f"+{name}")
            await trio.sleep(1)
            log.append(f"-{name}")

    async with trio.open_nursery() as nursery:
        for name in ("a", "b", "c"):
            nursery.start_soon(take, name, "one")
            await wait_all_tasks_blocked()
        nursery.start_soon(take, "x", "two")
    assert [entry for entry in log if "x" not in entry] == ["+a", "-a", "+b", "-b", "+c", "-c"]
    assert log.index("+x") < log.index("+b")
    assert len(turns) == 0


async def test_one_who_gives_up_waiting_for_a_turn_leaves_nothing_behind(autojump_clock: MockClock) -> None:
    turns = Turns()

    async def give_up() -> None:
        with trio.move_on_after(1):
            async with turns.take(ChatKey("one")):
                pytest.fail("two at once")

    async with trio.open_nursery() as nursery, turns.take(ChatKey("one")):
        nursery.start_soon(give_up)
        await trio.sleep(2)
    assert len(turns) == 0


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (slysock_store.NotFound("chat", "1"), NotFound),
        (slysock_store.NotSender("m-1"), NotAllowed),
        (slysock_store.ChatBlocked("c-1"), Conflict),
        (slysock_store.WrongStatus("closed"), Conflict),
        (slysock_store.BadValue("/path/of/database"), Invalid),
        (slysock_store.StoreBusy("q-1"), Busy),
        (slysock_store.StoreUnavailable("/path/of/database"), Unavailable),
        (slysock_store.StoreClosed("x-1"), Unavailable),
    ],
)
def test_every_failure_of_a_store_has_a_text_of_ours(raised: Exception, expected: type[DomainError]) -> None:
    with pytest.raises(expected) as caught, translated_store_errors():
        raise raised
    assert str(raised) not in str(caught.value)
    assert caught.value.__cause__ is raised


# -- expiries --------------------------------------------------------------------------------------------------------


async def test_calls_are_made_when_due_in_order_and_once(autojump_clock: MockClock) -> None:
    expiries = Expiries(trio.current_time)
    start = trio.current_time()
    made: list[tuple[str, int]] = []

    def call(name: str) -> None:
        made.append((name, round(trio.current_time() - start)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(expiries.run)
        await wait_all_tasks_blocked()
        expiries.set("late", start + 500, lambda: call("late"))
        expiries.set("early", start + 5, lambda: call("early"))
        expiries.set("moved", start + 7, lambda: call("too soon"))
        expiries.set("moved", start + 200, lambda: call("moved"))
        expiries.set("cleared", start + 8, lambda: call("cleared"))
        expiries.clear("cleared")
        await trio.sleep(1000)
        nursery.cancel_scope.cancel()
    assert made == [("early", 5), ("moved", 200), ("late", 500)]
    assert len(expiries) == 0


async def test_a_call_that_fails_does_not_keep_the_others(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    expiries = Expiries(trio.current_time)
    made: list[str] = []

    def fail() -> None:
        raise RuntimeError("a bug")

    async with trio.open_nursery() as nursery:
        expiries.set("bad", trio.current_time() + 1, fail)
        expiries.set("good", trio.current_time() + 2, lambda: made.append("good"))
        nursery.start_soon(expiries.run)
        await trio.sleep(5)
        nursery.cancel_scope.cancel()
    assert made == ["good"]
    assert "a bug" in caplog.text


def test_sockets_that_come_and_go_leave_a_bounded_number_of_entries() -> None:
    expiries = Expiries(lambda: 0.0)
    for number in range(10_000):
        expiries.set(str(number), 1e9, lambda: None)
        expiries.clear(str(number))
    assert len(expiries) == 0
    assert len(expiries._heap) <= SPARE_ENTRIES + 1
