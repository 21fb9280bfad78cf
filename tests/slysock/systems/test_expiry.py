"""Calls that are due at a time of day."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock.systems.expiry import SPARE_ENTRIES, Expiries


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
