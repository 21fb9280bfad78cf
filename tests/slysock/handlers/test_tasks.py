"""Nurseries that a stopping server waits for: what becomes of them when somebody stops early."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock.handlers.tasks import Tasks
from tests.slysock.serving import logged


async def test_one_that_is_cancelled_while_it_begins_leaves_nothing(nursery: trio.Nursery) -> None:
    before = trio.lowlevel.current_statistics().tasks_living
    with trio.CancelScope() as scope:
        scope.cancel()
        async with Tasks("work", 5).running():
            await trio.sleep_forever()
    await wait_all_tasks_blocked()
    assert trio.lowlevel.current_statistics().tasks_living == before


async def test_leaving_waits_for_tasks_until_the_deadline_and_then_cancels_them(autojump_clock: MockClock) -> None:
    log = list[float]()

    async def work() -> None:
        try:
            await trio.sleep_forever()
        finally:
            log.append(trio.current_time())

    tasks = Tasks("work", 5)
    async with tasks.running():
        tasks.nursery.start_soon(work)
        tasks.begin_stop(4, 1)
    assert log == [3.8]


async def test_what_lingers_is_counted_from_the_moment_on(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    tasks, waited = Tasks("work", 5), list[float]()
    scope = tasks.begin_lingering(10)
    assert tasks.lingering == 1

    async def wait() -> None:
        await tasks.wait_lingering()
        waited.append(trio.current_time())

    nursery.start_soon(wait)
    assert not await tasks.linger(scope, lambda: trio.sleep(3))
    await wait_all_tasks_blocked()
    assert (tasks.lingering, waited) == (0, [3])
    assert await tasks.linger(tasks.begin_lingering(2), trio.sleep_forever)
    assert trio.current_time() == 5


async def test_what_lingers_can_be_cut_short_also_before_it_waits(autojump_clock: MockClock) -> None:
    tasks = Tasks("work", 5)
    scope = tasks.begin_lingering(10)
    tasks.cut()
    assert not await tasks.linger(scope, trio.sleep_forever)
    assert trio.current_time() == 0


@pytest.mark.parametrize("cut_short", [False, True])
async def test_a_clean_up_that_fails_or_takes_too_long_is_logged(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, cut_short: bool
) -> None:
    async def clean_up() -> None:
        try:
            await trio.sleep(2)
        finally:
            raise ValueError("oh")

    tasks = Tasks("work", 1 if cut_short else 5)
    async with tasks.running():
        tasks.clean_up(clean_up)
    assert len(logged(caplog)) == 1
    assert trio.current_time() == (1 if cut_short else 2)
