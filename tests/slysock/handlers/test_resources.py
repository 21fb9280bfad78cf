"""What an application keeps open: opened and closed in time, whatever hangs, fails or shields itself."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Final

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock.handlers.resources import Stop, StoppedEarly
from tests.slysock.serving import logged

SECONDS: Final = 10.0
where: ContextVar[str] = ContextVar("where", default="nowhere")


class Resource:
    """Notes what becomes of it; may take its time, with or without a shield."""

    def __init__(self, *, opening: float = 0, closing: float = 0, shield: bool = False) -> None:
        self.log = list[str]()
        self._opening = opening
        self._closing = closing
        self._shield = shield

    @asynccontextmanager
    async def kept(self) -> AsyncGenerator[str]:
        with trio.CancelScope(shield=self._shield):
            await trio.sleep(self._opening)
        self.log.append("open")
        try:
            yield "value"
        except BaseException as error:
            self.log.append(type(error).__name__)
            raise
        finally:
            with trio.CancelScope(shield=self._shield):
                await trio.sleep(self._closing)  # noqa: ASYNC102 - without a shield it is cut short, and that is tested
            self.log.append("closed")


def stop_in(nursery: trio.Nursery, stop: Stop, seconds: float) -> None:
    async def ask() -> None:
        await trio.sleep(seconds)
        stop.ask()

    nursery.start_soon(ask)


async def test_a_resource_is_open_for_the_length_of_the_block(autojump_clock: MockClock) -> None:
    resource = Resource(opening=1, closing=2)
    async with Stop(SECONDS).keeping(resource.kept()) as value:
        assert (value, resource.log) == ("value", ["open"])
    assert resource.log == ["open", "closed"]
    assert trio.current_time() == 3


async def test_what_the_block_raises_is_raised_and_the_resource_sees_it(autojump_clock: MockClock) -> None:
    resource, error = Resource(closing=2), ValueError("mine")
    with pytest.raises(ValueError, match="mine") as caught:
        async with Stop(SECONDS).keeping(resource.kept()):
            raise error
    assert caught.value is error
    assert resource.log == ["open", "ValueError", "closed"]


async def test_a_resource_that_cannot_be_opened_says_why() -> None:
    @asynccontextmanager
    async def broken() -> AsyncGenerator[None]:
        raise OSError("no disk")
        yield

    with pytest.raises(OSError, match="no disk"):
        async with Stop(SECONDS).keeping(broken()):
            raise AssertionError("not reached")


@pytest.mark.parametrize("kind", [ValueError, SystemExit])
async def test_a_resource_that_fails_ends_the_block(autojump_clock: MockClock, kind: type[BaseException]) -> None:
    @asynccontextmanager
    async def failing() -> AsyncGenerator[None]:
        async def fail() -> None:
            await trio.sleep(3)
            raise kind

        async with trio.open_nursery() as nursery:
            nursery.start_soon(fail)
            yield

    with pytest.RaisesGroup(kind):
        async with Stop(SECONDS).keeping(failing()):
            await trio.sleep_forever()
    assert trio.current_time() == 3


async def test_a_failure_in_closing_is_raised(autojump_clock: MockClock) -> None:
    @asynccontextmanager
    async def failing() -> AsyncGenerator[None]:
        yield
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        async with Stop(SECONDS).keeping(failing()):
            pass


async def test_context_variables_that_it_sets_are_seen_by_the_block() -> None:
    @asynccontextmanager
    async def naming() -> AsyncGenerator[None]:
        assert where.get() == "here"
        token = where.set("inside")
        yield
        where.reset(token)

    where.set("here")
    async with Stop(SECONDS).keeping(naming()):
        assert where.get() == "inside"


# ---- a stop ---------------------------------------------------------------------------------------------------------


async def test_a_stop_ends_an_opening_at_once(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    stop, outer, inner = Stop(SECONDS), Resource(closing=2), Resource(opening=100)
    stop_in(nursery, stop, 5)
    with pytest.raises(StoppedEarly):
        async with stop.keeping(outer.kept()), stop.keeping(inner.kept()):
            raise AssertionError("not reached")
    assert (outer.log, inner.log) == (["open", "closed"], []), "the one that is open is closed as ever"
    assert trio.current_time() == 7


async def test_after_a_stop_nothing_is_opened() -> None:
    stop, resource = Stop(SECONDS), Resource()
    stop.ask()
    with pytest.raises(StoppedEarly):
        async with stop.keeping(resource.kept()):
            raise AssertionError("not reached")
    assert resource.log == []


@pytest.mark.parametrize("opening", [True, False])
@pytest.mark.parametrize("shield", [True, False])
async def test_a_stop_takes_no_longer_than_it_may(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, nursery: trio.Nursery, opening: bool, shield: bool
) -> None:
    stop = Stop(SECONDS)
    resource = Resource(opening=100 if opening else 0, closing=0 if opening else 100, shield=shield)
    stop_in(nursery, stop, 5)
    try:
        async with stop.keeping(resource.kept()):
            await stop.asked.wait()
    except StoppedEarly:
        assert opening
    took = trio.current_time() - 5
    assert took == pytest.approx(0 if opening and not shield else SECONDS if shield else SECONDS - 0.2)
    told = ["a lifespan that shields itself from its end goes on after the server has stopped"]
    assert logged(caplog) == (told if shield else [])
    await trio.sleep(100)


@pytest.mark.parametrize(("closing", "is_closed"), [(9.7, True), (9.9, False)])
async def test_a_resource_has_what_is_left_of_the_stop(
    autojump_clock: MockClock, closing: float, is_closed: bool
) -> None:
    stop, resource = Stop(SECONDS), Resource(closing=closing)
    async with stop.keeping(resource.kept()):
        stop.ask()
    assert ("closed" in resource.log) is is_closed


async def test_without_a_stop_closing_takes_as_long_as_a_stop_would(autojump_clock: MockClock) -> None:
    resource = Resource(closing=100)
    with pytest.raises(ValueError, match="mine"):
        async with Stop(SECONDS).keeping(resource.kept()):
            raise ValueError("mine")
    assert trio.current_time() == pytest.approx(SECONDS - 0.2)


# ---- cancelled ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opening", [0, 100])
async def test_whoever_is_cancelled_cancels_the_resource(autojump_clock: MockClock, opening: float) -> None:
    resource = Resource(opening=opening, closing=1)
    with trio.move_on_after(5) as scope:
        async with Stop(SECONDS).keeping(resource.kept()):
            await trio.sleep_forever()
    assert scope.cancelled_caught
    assert trio.current_time() == 5
    assert resource.log == ([] if opening else ["open", "Cancelled"]), "no time for anything that waits"


async def test_a_second_signal_does_not_wait_for_the_first_to_be_obeyed(autojump_clock: MockClock) -> None:
    resource = Resource(closing=8)
    with trio.move_on_after(5) as scope:
        async with Stop(SECONDS).keeping(resource.kept()):
            pass
    assert scope.cancelled_caught
    assert trio.current_time() == 5


async def test_what_ends_a_program_ends_it_also_when_it_is_cancelled(autojump_clock: MockClock) -> None:
    with pytest.RaisesGroup(SystemExit, flatten_subgroups=True), trio.CancelScope() as scope:
        async with Stop(SECONDS).keeping(Resource().kept()), trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            scope.cancel()
            raise SystemExit(3)


async def test_nothing_of_it_remains(autojump_clock: MockClock) -> None:
    before = trio.lowlevel.current_statistics().tasks_living
    for make in (Resource, lambda: Resource(opening=100)):
        with trio.move_on_after(1):
            await keep_for_ever(make)
        await wait_all_tasks_blocked()
    assert trio.lowlevel.current_statistics().tasks_living == before


async def keep_for_ever(make: Callable[[], Resource]) -> None:
    async with Stop(SECONDS).keeping(make().kept()):
        await trio.sleep_forever()
