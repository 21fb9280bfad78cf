"""The dispatcher: in order or bounded, and nothing left when it stops."""

import gc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock.handlers.dispatcher import Dispatcher
from tests.slysock.serving import logged


@dataclass
class Work:
    """A job."""

    routine: Callable[[], Awaitable[None]]
    name: str = "work"
    until_disconnect: bool = False
    times_itself: bool = False

    async def run(self) -> None:
        await self.routine()


def unblocked(name: str, seconds: float) -> None:
    raise AssertionError(f"{name} blocked the loop for {seconds} s")


def sleeper(log: list[str], name: str, seconds: float = 1, *, until_disconnect: bool = False) -> Work:
    async def job() -> None:
        log.append(f"{name} begins")
        await trio.sleep(seconds)
        log.append(f"{name} ends")

    return Work(job, name, until_disconnect)


async def test_jobs_run_one_after_the_other(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    log, sizes = list[str](), list[int]()
    dispatcher = Dispatcher(nursery, 1, sizes.append, unblocked)
    assert dispatcher.idle
    dispatcher.submit(sleeper(log, "a", 2), 10)
    dispatcher.submit(sleeper(log, "b", 1), 20)
    assert not dispatcher.idle
    await dispatcher.wait_idle()
    assert log == ["a begins", "a ends", "b begins", "b ends"]
    assert sizes == [10, 20]
    assert dispatcher.idle


async def test_an_idle_dispatcher_has_no_task(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    dispatcher = Dispatcher(nursery, 1, lambda _: None, unblocked)
    dispatcher.submit(sleeper([], "a"), 0)
    await dispatcher.wait_idle()
    await wait_all_tasks_blocked()
    assert not nursery.child_tasks


async def test_waiting_for_idle_returns_at_once_where_nothing_runs(nursery: trio.Nursery) -> None:
    await Dispatcher(nursery, 1, lambda _: None, unblocked).wait_idle()


async def test_work_submitted_while_waiting_for_idle_is_waited_for_too(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    log = list[str]()
    dispatcher = Dispatcher(nursery, 1, lambda _: None, unblocked)

    async def chain() -> None:
        await trio.sleep(1)
        dispatcher.submit(sleeper(log, "second"), 0)

    dispatcher.submit(Work(chain), 0)
    async with trio.open_nursery() as waiting:
        waiting.start_soon(dispatcher.wait_idle)
        waiting.start_soon(dispatcher.wait_idle)
    assert log == ["second begins", "second ends"]


@given(limit=st.integers(1, 4), durations=st.lists(st.integers(1, 5), max_size=12))
def test_never_more_than_the_limit_and_as_many_as_allowed(limit: int, durations: list[int]) -> None:
    async def main() -> None:
        running, most, ended = 0, 0, list[int]()

        async def job(seconds: int) -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await trio.sleep(seconds)
            running -= 1
            ended.append(seconds)

        async with trio.open_nursery() as nursery:
            dispatcher = Dispatcher(nursery, limit, lambda _: None, unblocked)
            for seconds in durations:
                dispatcher.submit(Work(partial(job, seconds)), 0)
            await dispatcher.wait_idle()
        assert most == min(limit, len(durations))
        assert sorted(ended) == sorted(durations)
        if limit == 1:
            assert ended == durations

    trio.run(main, clock=MockClock(autojump_threshold=0))


async def test_stopping_cancels_what_runs_and_forgets_what_waits(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    log, sizes = list[str](), list[int]()
    dispatcher = Dispatcher(nursery, 1, sizes.append, unblocked)
    dispatcher.submit(sleeper(log, "a", 100), 1)
    dispatcher.submit(sleeper(log, "b"), 2)
    await wait_all_tasks_blocked()
    dispatcher.stop()
    await dispatcher.wait_idle()
    assert log == ["a begins"]
    assert sorted(sizes) == [1, 2]
    assert trio.current_time() == 0


async def test_stopping_before_the_worker_has_begun_runs_nothing(nursery: trio.Nursery) -> None:
    log, sizes = list[str](), list[int]()
    dispatcher = Dispatcher(nursery, 1, sizes.append, unblocked)
    dispatcher.submit(sleeper(log, "a"), 1)
    dispatcher.stop()
    await dispatcher.wait_idle()
    assert (log, sizes) == ([], [1])


async def test_a_cancelled_job_may_clean_up_while_others_of_the_nursery_go_on(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    log = list[str]()
    one, other = Dispatcher(nursery, 1, lambda _: None, unblocked), Dispatcher(nursery, 1, lambda _: None, unblocked)

    async def cleaning() -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.move_on_after(3, shield=True):
                await trio.sleep(2)
            log.append("clean")

    one.submit(Work(cleaning), 0)
    other.submit(sleeper(log, "other", 5), 0)
    await wait_all_tasks_blocked()
    one.stop()
    await one.wait_idle()
    assert (trio.current_time(), log) == (2, ["other begins", "clean"])
    await other.wait_idle()
    assert log[-1] == "other ends"


async def test_a_cancelled_worker_counts_its_job_as_done(autojump_clock: MockClock) -> None:
    sizes = list[int]()
    async with trio.open_nursery() as nursery:
        dispatcher = Dispatcher(nursery, 1, sizes.append, unblocked)
        dispatcher.submit(sleeper([], "a", 100), 7)
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert sizes == [7]
    assert dispatcher.idle


async def test_nothing_of_a_cancelled_job_waits_for_the_garbage_collector(nursery: trio.Nursery) -> None:
    dispatcher = Dispatcher(nursery, 1, lambda _: None, unblocked)
    gc.collect()
    gc.disable()
    try:
        dispatcher.submit(Work(trio.sleep_forever), 0)
        await wait_all_tasks_blocked()
        dispatcher.stop()
        await dispatcher.wait_idle()
        await wait_all_tasks_blocked()
        assert [found for found in gc.get_objects() if isinstance(found, trio.Cancelled | Work)] == []
    finally:
        gc.enable()


async def test_a_job_that_ends_well_though_it_was_cancelled_does_not_cost_the_next_one(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    log, sizes = list[str](), list[int]()
    dispatcher = Dispatcher(nursery, 1, sizes.append, unblocked)

    async def shielded() -> None:
        with trio.move_on_after(3, shield=True):
            await trio.sleep(2)
        log.append("shielded ends")

    dispatcher.submit(Work(shielded, until_disconnect=True), 1)
    dispatcher.submit(sleeper(log, "next"), 2)
    await wait_all_tasks_blocked()
    dispatcher.leave()
    await dispatcher.wait_idle()
    assert log == ["shielded ends", "next begins", "next ends"]
    assert sizes == [1, 2]


async def test_a_job_that_fails_while_it_is_cancelled_ends_nobody_else(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    dispatcher, log = Dispatcher(nursery, 1, lambda _: None, unblocked), list[str]()

    async def failing_cleanup() -> None:
        async with trio.open_nursery() as inner:
            inner.start_soon(trio.sleep_forever)
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError("in the clean-up")

    other = Dispatcher(nursery, 1, lambda _: None, unblocked)
    other.submit(sleeper(log, "other"), 0)
    dispatcher.submit(Work(failing_cleanup), 0)
    await wait_all_tasks_blocked()
    dispatcher.stop()
    await dispatcher.wait_idle()
    await other.wait_idle()
    assert log == ["other begins", "other ends"]
    assert len(logged(caplog)) == 1


async def test_leaving_counts_what_it_gives_up_as_done_and_the_rest_when_it_ends(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    log, sizes = list[str](), list[int]()
    dispatcher = Dispatcher(nursery, 1, sizes.append, unblocked)
    dispatcher.submit(sleeper(log, "a"), 1)
    dispatcher.submit(sleeper(log, "b", until_disconnect=True), 2)
    dispatcher.submit(sleeper(log, "c"), 4)
    await wait_all_tasks_blocked()
    dispatcher.leave()
    assert sizes == [2]
    await dispatcher.wait_idle()
    assert sizes == [2, 1, 4]
    assert log == ["a begins", "a ends", "c begins", "c ends"]
