"""Receipts of one session: which pong proves what, and how many pings that takes."""

from typing import final

import pytest
import trio
from trio.testing import MockClock

from slysock.engineio.receipts import BURST, FURTHER_PING_SECONDS, Receipts
from slysock.engineio.timers import Timers


@final
class Line:
    """Receipts, the times at which they ping, and what those who asked were told, in order."""

    def __init__(self, nursery: trio.Nursery, *, unanswered: int = 0) -> None:
        self.timers = Timers()
        nursery.start_soon(self.timers.run)
        self.pings: list[float] = []
        self.told: list[tuple[str, bool]] = []
        self.receipts = Receipts(self.timers, self.ping, unanswered=unanswered)

    def ping(self) -> None:
        self.pings.append(trio.current_time())
        self.receipts.pinged()

    def ask(self, name: str) -> None:
        self.receipts.ask(lambda received: self.told.append((name, received)))


async def test_one_who_asks_is_told_at_the_pong(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    line = Line(nursery)
    line.ask("a")
    assert (line.pings, line.told, len(line.receipts)) == ([0], [], 1)
    line.receipts.answered()
    assert (line.told, len(line.receipts), len(line.timers)) == ([("a", True)], 0, 0)


async def test_the_pong_for_an_earlier_ping_proves_nothing(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    line = Line(nursery, unanswered=1)  # the heartbeat's
    line.ask("a")
    line.receipts.answered()
    assert line.told == []
    line.ask("b")  # what was emitted later waits for a ping of its own
    line.receipts.answered()
    assert (line.told, len(line.pings)) == ([("a", True)], 2)
    line.receipts.answered()
    assert line.told == [("a", True), ("b", True)]


async def test_a_heartbeat_serves_those_who_wait_for_a_ping(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    line = Line(nursery)
    for number in range(BURST + 2):  # the last two have to wait
        line.ask(str(number))
    assert len(line.pings) == BURST
    line.receipts.pinged()
    for _ in range(BURST):
        line.receipts.answered()
    assert len(line.told) == BURST
    line.receipts.answered()
    assert (len(line.told), len(line.timers)) == (BURST + 2, 0)


async def test_sequential_pages_do_not_crawl_and_constant_traffic_costs_a_ping_a_second(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    line = Line(nursery)
    for page in range(BURST):
        line.ask(str(page))
        line.receipts.answered()
    assert (line.pings, len(line.told)) == ([0] * BURST, BURST)
    for _ in range(1000):  # ten seconds of it
        before = len(line.pings)
        line.ask("more")
        await trio.sleep(0.01)
        for _ in range(len(line.pings) - before):
            line.receipts.answered()
    assert len(line.pings) - BURST in (9, 10)
    await trio.sleep(1)
    line.receipts.answered()
    assert {received for _, received in line.told} == {True}
    assert len(line.told) in (BURST + 1000, BURST + 999)


async def test_the_pace_recovers_in_silence_up_to_the_burst(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    line = Line(nursery)
    for seconds, at_once in [(0, BURST), (3, 3), (1000, BURST)]:
        await trio.sleep(seconds)
        before = len(line.pings)
        for _ in range(at_once):
            line.ask("page")
            line.receipts.answered()
        assert len(line.pings) == before + at_once
        line.ask("one too many")
        assert len(line.pings) == before + at_once
        line.receipts.pinged()
        line.receipts.answered()


async def test_a_lost_pong_delays_and_never_falsifies(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    line = Line(nursery)
    line.ask("a")  # whose pong is lost
    await trio.sleep(FURTHER_PING_SECONDS - 0.1)
    assert line.pings == [0]
    await trio.sleep(0.2)
    assert line.pings == [0, FURTHER_PING_SECONDS]
    line.receipts.answered()  # the second ping
    assert line.told == [("a", True)]
    line.ask("b")
    line.receipts.answered()  # the third one's, but it may as well be the second's
    assert line.told == [("a", True)]
    await trio.sleep(FURTHER_PING_SECONDS + 0.1)
    line.receipts.answered()
    assert line.told == [("a", True), ("b", True)]
    await trio.sleep(100)
    assert len(line.pings) == 4, "nobody waits any more"


async def test_one_who_is_silent_is_pinged_again_at_the_same_pace(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    line = Line(nursery)
    line.ask("a")
    await trio.sleep(44)
    assert line.pings == [0, 5, 10, 15, 20, 25, 30, 35, 40]
    for _ in range(1000):
        line.ask("b")
    assert len(line.pings) <= 9 + BURST
    await trio.sleep(1.1)
    assert len(line.pings) <= 9 + BURST + 2


async def test_the_end_tells_everybody_that_it_will_not_be_known(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    line = Line(nursery)
    for number in range(BURST + 2):
        line.ask(str(number))
    line.receipts.answered()
    line.receipts.close()
    line.receipts.close()
    assert line.told == [("0", True), *((str(number), False) for number in range(1, BURST + 2))]
    assert len(line.timers) == 0


@pytest.mark.parametrize("then", ["ask", "close"])
async def test_whoever_is_told_may_ask_again_or_end_it(
    nursery: trio.Nursery, autojump_clock: MockClock, then: str
) -> None:
    line = Line(nursery)

    def told(received: bool) -> None:
        line.told.append(("first", received))
        if then == "ask":
            line.ask("second")
        else:
            line.receipts.close()

    line.receipts.ask(told)
    line.receipts.ask(lambda received: line.told.append(("last", received)))
    line.receipts.answered()
    if then == "close":
        assert line.told == [("first", True), ("last", False)]
        assert len(line.timers) == 0
    else:
        assert line.told == [("first", True)]
        line.receipts.answered()
        line.receipts.answered()
        assert line.told == [("first", True), ("last", True), ("second", True)]
