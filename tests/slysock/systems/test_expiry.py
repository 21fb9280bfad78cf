"""Calls at a time of day: made once, on time, and whatever else happens to the clock."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
from trio.testing import MockClock

from slysock.systems.expiry import MAX_NAP_SECONDS, SPARE_ENTRIES, Expiries

NOW = 1_750_000_000.0


class TimeOfDay:
    """The machine's clock, which somebody may set."""

    def __init__(self) -> None:
        self.zero = NOW - trio.current_time()

    def __call__(self) -> float:
        return self.zero + trio.current_time()


def record(calls: list[tuple[str, float]], name: str) -> None:
    """Note that a call was made, and how many seconds after the beginning: the mock clock starts at 0."""
    calls.append((name, trio.current_time()))


@asynccontextmanager
async def running(clock: TimeOfDay) -> AsyncGenerator[Expiries]:
    """Make the calls for as long as the block runs."""
    expiries = Expiries(clock)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(expiries.run)
        yield expiries
        nursery.cancel_scope.cancel()


async def test_each_call_is_made_once_when_it_is_due(autojump_clock: MockClock) -> None:
    calls: list[tuple[str, float]] = []
    async with running(TimeOfDay()) as expiries:
        for name, seconds in (("b", 30), ("a", 10), ("past", -5)):
            expiries.set(name, NOW + seconds, partial(record, calls, name))
        assert len(expiries) == 3
        await trio.sleep(300)
        assert len(expiries) == 0
    assert calls == [("past", 0), ("a", 10), ("b", 30)]


async def test_a_call_that_comes_before_those_already_waited_for_is_on_time(autojump_clock: MockClock) -> None:
    calls: list[tuple[str, float]] = []
    async with running(TimeOfDay()) as expiries:
        expiries.set("late", NOW + 50, partial(record, calls, "late"))
        await trio.sleep(5)
        expiries.set("early", NOW + 7, partial(record, calls, "early"))
        await trio.sleep(300)
    assert calls == [("early", 7), ("late", 50)]


async def test_the_newest_call_of_a_key_counts(autojump_clock: MockClock) -> None:
    calls: list[tuple[str, float]] = []
    async with running(TimeOfDay()) as expiries:
        expiries.set("key", NOW + 10, partial(record, calls, "first"))
        expiries.set("key", NOW + 20, partial(record, calls, "second"))
        await trio.sleep(300)
    assert calls == [("second", 20)]


async def test_what_is_cleared_is_not_called(autojump_clock: MockClock) -> None:
    calls: list[tuple[str, float]] = []
    async with running(TimeOfDay()) as expiries:
        expiries.set("key", NOW + 10, partial(record, calls, "key"))
        expiries.clear("key")
        expiries.clear("unknown")
        assert len(expiries) == 0
        await trio.sleep(300)
    assert calls == []


async def test_many_replacements_leave_the_calls_as_they_are(autojump_clock: MockClock) -> None:
    calls: list[tuple[str, float]] = []
    async with running(TimeOfDay()) as expiries:
        expiries.set("other", NOW + 5, partial(record, calls, "other"))
        for number in range(3 * SPARE_ENTRIES):
            expiries.set("key", NOW + 10 + number, partial(record, calls, str(number)))
        await trio.sleep(1000)
    assert calls == [("other", 5), (str(number), 10 + number)]


async def test_a_clock_that_is_set_forward_is_noticed_within_a_nap(autojump_clock: MockClock) -> None:
    calls: list[tuple[str, float]] = []
    clock = TimeOfDay()
    async with running(clock) as expiries:
        expiries.set("key", NOW + 3600, partial(record, calls, "key"))
        await trio.sleep(5)
        clock.zero += 3600
        await trio.sleep(300)
    assert calls == [("key", MAX_NAP_SECONDS)]


async def test_a_clock_that_is_set_back_delays_the_call(autojump_clock: MockClock) -> None:
    calls: list[tuple[str, float]] = []
    clock = TimeOfDay()
    async with running(clock) as expiries:
        expiries.set("key", NOW + 30, partial(record, calls, "key"))
        await trio.sleep(5)
        clock.zero -= 100
        await trio.sleep(300)
    assert calls == [("key", 130)]


async def test_a_call_that_fails_is_logged_and_keeps_no_other_from_being_made(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("broken")

    calls: list[tuple[str, float]] = []
    async with running(TimeOfDay()) as expiries:
        expiries.set("broken", NOW + 10, fail)
        expiries.set("key", NOW + 10, partial(record, calls, "key"))
        await trio.sleep(300)
    assert calls == [("key", 10)]
    (logged,) = caplog.records
    assert logged.exc_info is not None
    assert "broken" in str(logged.exc_info[1])


def test_sockets_that_come_and_go_leave_a_bounded_number_of_entries() -> None:
    expiries = Expiries(lambda: 0.0)
    for number in range(10_000):
        expiries.set(str(number), 1e9, lambda: None)
        expiries.clear(str(number))
    assert len(expiries) == 0
    assert len(expiries._heap) <= SPARE_ENTRIES + 1
