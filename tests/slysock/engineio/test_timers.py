"""Timers: one queue, one task, in order of time."""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock.engineio.timers import Timers
from tests.slysock.serving import logged


async def test_calls_are_made_at_their_time(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    timers, made = Timers(), list[float]()
    nursery.start_soon(timers.run)
    await wait_all_tasks_blocked()
    for seconds in (3.0, 1.0, 2.0):
        timers.call_later(seconds, lambda: made.append(trio.current_time()))
    await trio.sleep(10)
    assert made == [1, 2, 3]


async def test_an_earlier_timer_shortens_the_sleep(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    timers, made = Timers(), list[str]()
    timers.call_later(100, lambda: made.append("late"))
    nursery.start_soon(timers.run)
    await trio.sleep(1)
    timers.call_later(1, lambda: made.append("early"))
    await trio.sleep(2)
    assert made == ["early"]


async def test_timers_of_the_same_time_keep_their_order(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    timers, made = Timers(), list[int]()
    nursery.start_soon(timers.run)
    for number in range(20):
        timers.call_later(1, lambda number=number: made.append(number))
    await trio.sleep(2)
    assert made == list(range(20))


async def test_a_cancelled_timer_is_not_called_and_holds_nothing(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    timers, made = Timers(), list[int]()
    nursery.start_soon(timers.run)
    timer = timers.call_later(1, lambda: made.append(1))
    timer.cancel()
    assert timer.call is None
    await trio.sleep(2)
    assert made == []
    assert timers._heap == []
    timer.cancel()  # harmless


async def test_only_those_that_are_due_some_time_are_counted(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    timers = Timers()
    nursery.start_soon(timers.run)
    first, second = (timers.call_later(seconds, lambda: None) for seconds in (1, 2))
    assert len(timers) == 2
    second.cancel()
    second.cancel()
    assert len(timers) == 1
    await trio.sleep(3)
    first.cancel()
    assert len(timers) == 0
    nursery.cancel_scope.cancel()


async def test_a_call_may_cancel_another_that_is_due(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    timers, made = Timers(), list[int]()
    nursery.start_soon(timers.run)
    timers.call_later(1, lambda: second.cancel())
    second = timers.call_later(1, lambda: made.append(2))
    await trio.sleep(2)
    assert made == []


async def test_a_call_may_make_timers_also_due_at_once(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    timers, made = Timers(), list[float]()
    nursery.start_soon(timers.run)
    timers.call_later(1, lambda: timers.call_later(0, lambda: made.append(trio.current_time())))
    timers.call_later(1, lambda: timers.call_later(5, lambda: made.append(trio.current_time())))
    await trio.sleep(10)
    assert made == [1, 6]


async def test_a_failing_call_is_logged_and_stops_no_other(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    timers, made = Timers(), list[int]()
    nursery.start_soon(timers.run)
    timers.call_later(1, lambda: 1 / 0)
    timers.call_later(1, lambda: made.append(1))
    timers.call_later(2, lambda: made.append(2))
    await trio.sleep(3)
    assert made == [1, 2]
    assert logged(caplog) == ["a timer failed"]


@given(delays=st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=30))
def test_what_is_not_cancelled_is_called_once_in_order(delays: list[tuple[int, bool]]) -> None:
    async def main() -> None:
        timers, made = Timers(), list[tuple[int, int]]()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(timers.run)
            for number, (delay, cancelled) in enumerate(delays):
                timer = timers.call_later(delay, lambda due=(delay, number): made.append(due))
                if cancelled:
                    timer.cancel()
            await trio.sleep(21)
            nursery.cancel_scope.cancel()
        assert made == sorted((delay, number) for number, (delay, cancelled) in enumerate(delays) if not cancelled)

    trio.run(main, clock=MockClock(autojump_threshold=0))


async def test_cancelled_timers_do_not_pile_up(autojump_clock: MockClock) -> None:
    timers, made = Timers(), list[int]()
    for number in range(20_000):
        timer = timers.call_later(45, lambda number=number: made.append(number))  # type: ignore[misc]  # a loop's lambda
        if number % 1000:
            timer.cancel()
            timer.cancel()
    assert len(timers._heap) < 1000
    async with trio.open_nursery() as nursery:
        nursery.start_soon(timers.run)
        await trio.sleep(46)
        nursery.cancel_scope.cancel()
    assert made == list(range(0, 20_000, 1000))
    assert not timers._heap


# ---- when the loop stands still -------------------------------------------------------------------------------------


async def test_a_standstill_moves_all_deadlines(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    """Whatever it was: the task that counts has not had its turn, as in a stopped process."""
    timers, made = Timers(), list[float]()
    nursery.start_soon(timers.run)
    for seconds in (2.0, 5.0, 50.0):
        timers.call_later(seconds, lambda seconds=seconds: made.append(seconds))  # type: ignore[misc]  # a loop's lambda
    await wait_all_tasks_blocked()
    mock_clock.jump(100)  # a second of it is due to the timers: their task looks each second
    await wait_all_tasks_blocked()
    assert made == []
    for expected in ([2.0], [2.0], [2.0], [2.0, 5.0]):
        mock_clock.jump(0.95)
        await wait_all_tasks_blocked()
        mock_clock.jump(0.06)
        await wait_all_tasks_blocked()
        assert made == expected


@pytest.mark.parametrize(("late", "counted"), [(0.09, 0.09), (0.11, 0.1), (10, 0.1)])
async def test_a_busy_loop_is_no_standstill(
    nursery: trio.Nursery, mock_clock: MockClock, late: float, counted: float
) -> None:
    timers = Timers()
    nursery.start_soon(timers.run)
    timers.call_later(100, lambda: None)
    await wait_all_tasks_blocked()
    mock_clock.jump(1 + late)
    assert timers.time() == pytest.approx(1 + counted)


async def test_whoever_asks_first_after_a_standstill_gets_the_time_without_it(mock_clock: MockClock) -> None:
    """The task may not have had its turn yet."""
    timers = Timers()
    timers.call_later(10, lambda: None)
    mock_clock.jump(1000)
    assert (timers.time(), timers.time()) == pytest.approx((1.1, 1.1))


async def test_a_timer_made_after_a_standstill_is_due_in_its_own_time(
    nursery: trio.Nursery, mock_clock: MockClock
) -> None:
    timers, made = Timers(), list[str]()
    nursery.start_soon(timers.run)
    timers.call_later(500, lambda: None)
    await wait_all_tasks_blocked()
    mock_clock.jump(100)
    timers.call_later(0.5, lambda: made.append("due"))
    await wait_all_tasks_blocked()
    assert made == []
    mock_clock.jump(0.5)
    await wait_all_tasks_blocked()
    assert made == ["due"]


async def test_idleness_is_no_standstill(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    timers = Timers()
    nursery.start_soon(timers.run)
    await wait_all_tasks_blocked()
    mock_clock.jump(3600)
    await wait_all_tasks_blocked()
    assert (timers.time(), timers.lag.worst_seconds) == (3600, 0)


async def test_time_goes_on_in_a_loop_that_is_always_late(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    """Otherwise load would be a way to stay without answering."""
    timers, made = Timers(), list[str]()
    nursery.start_soon(timers.run)
    timers.call_later(45, lambda: made.append("due"))
    for _ in range(46):
        await wait_all_tasks_blocked()
        mock_clock.jump(5)
    await wait_all_tasks_blocked()
    assert made == ["due"]


# ---- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "ends_itself"), [(4.9, True), (5.1, False)])
async def test_a_block_under_a_limit_is_cancelled_when_its_time_is_over(
    nursery: trio.Nursery, autojump_clock: MockClock, seconds: float, ends_itself: bool
) -> None:
    timers = Timers()
    nursery.start_soon(timers.run)
    with timers.limit(5) as scope:
        await trio.sleep(seconds)
    assert scope.cancelled_caught is not ends_itself
    assert len(timers) == 0


async def test_a_standstill_moves_a_limit(nursery: trio.Nursery, mock_clock: MockClock) -> None:
    timers, ended = Timers(), list[str]()
    nursery.start_soon(timers.run)

    async def wait() -> None:
        with timers.limit(5):
            await trio.sleep_forever()
        ended.append("ended")

    nursery.start_soon(wait)
    await wait_all_tasks_blocked()
    mock_clock.jump(1000)
    for _ in range(4):
        await wait_all_tasks_blocked()
        assert ended == []
        mock_clock.jump(0.9)
    for _ in range(4):
        mock_clock.jump(0.9)
        await wait_all_tasks_blocked()
    assert ended == ["ended"]
