"""Health: a node that is well, one that is not, and one that shares an outage with all others."""

import json
import logging
from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from slysock.asgi import Health, HealthCheck, Unfit
from slysock.asgi.health import LOOK_SECONDS, PAUSE_SECONDS
from tests.slysock.asgi.applications import ask


async def yes() -> bool:
    await trio.lowlevel.checkpoint()
    return True


async def no() -> bool:
    await trio.lowlevel.checkpoint()
    return False


async def fail() -> bool:
    await trio.lowlevel.checkpoint()
    raise OSError("gone")


async def health(*checks: HealthCheck, target: str = "/readyz", accepting: bool = True) -> tuple[int, object]:
    """Ask for health, and return the status and what it says."""
    made = Health(lambda: accepting)
    for check in checks:
        made.add(check)
    return await said_by(made, target)


async def said_by(made: Health, target: str = "/readyz") -> tuple[int, object]:
    answer = await ask(made, b"GET %b HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n" % target.encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def own(name: str, look: Callable[[], Awaitable[bool]]) -> HealthCheck:
    return HealthCheck(name=name, look=look)


def shared(name: str, look: Callable[[], Awaitable[bool]]) -> HealthCheck:
    return HealthCheck(name=name, look=look, shared=True)


async def test_a_node_that_lacks_nothing_is_ready(autojump_clock: MockClock) -> None:
    assert await health(own("disk", yes), shared("store", yes)) == (200, {"ready": True})


async def clean_up_badly() -> bool:
    """Be cut short in a nursery, and then fail."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep_forever)
        try:
            await trio.sleep_forever()
        finally:
            raise OSError("still in use")
    return True


@pytest.mark.parametrize("look", [no, fail, trio.sleep_forever, clean_up_badly])
async def test_what_only_this_node_lacks_makes_it_unready(
    look: Callable[[], Awaitable[bool]], autojump_clock: MockClock
) -> None:
    assert await health(own("disk", look), own("file", yes)) == (503, {"ready": False, "failed": ["disk"]})


async def test_what_all_nodes_lack_degrades_it_and_is_no_reason_to_go_elsewhere(autojump_clock: MockClock) -> None:
    check = shared("store", no)
    assert await health(check) == (200, {"ready": True, "degraded": ["store"]})
    for target in ("/readyz?strict", "/readyz?a=b&strict=1"):
        assert await health(check, target=target) == (503, {"ready": False, "degraded": ["store"]})
    for target in ("/readyz?strictly", "/readyz?a=strict"):
        assert (await health(check, target=target))[0] == 200


async def full() -> bool:
    await trio.lowlevel.checkpoint()
    raise Unfit("no room")


async def test_a_check_may_say_why(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    expected = {"ready": False, "failed": ["disk"], "degraded": ["store"], "why": {"disk": "no room"}}
    assert await health(own("disk", full), shared("store", no)) == (503, expected)
    assert "missing: disk (no room), store" in caplog.text


async def test_a_node_that_stops_is_unready_and_says_why(autojump_clock: MockClock) -> None:
    expected = {"ready": False, "failed": ["stopping", "disk"], "degraded": ["store"]}
    assert await health(own("disk", no), shared("store", no), accepting=False) == (503, expected)


async def test_a_node_that_lacks_everything_is_alive(autojump_clock: MockClock) -> None:
    assert await health(own("disk", no), target="/healthz", accepting=False) == (200, {"status": "ok"})


async def test_checks_are_asked_once_a_second_at_most_and_their_answer_in_time(autojump_clock: MockClock) -> None:
    asked = list[float]()

    async def look() -> bool:
        asked.append(trio.current_time())
        await trio.sleep_forever()
        return True

    made = Health(lambda: True)
    made.add(own("slow", look))
    start = trio.current_time()
    async with trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(said_by, made)
    assert asked == [start]
    assert trio.current_time() - start < LOOK_SECONDS + 1
    await trio.sleep(PAUSE_SECONDS)
    await said_by(made)
    assert len(asked) == 2


async def test_what_comes_and_goes_is_logged_once(autojump_clock: MockClock, caplog: pytest.LogCaptureFixture) -> None:
    state = {"there": False}

    async def look() -> bool:
        await trio.lowlevel.checkpoint()
        return state["there"]

    made = Health(lambda: True)
    made.add(own("disk", look))
    for there in (False, False, True, True):
        state["there"] = there
        await said_by(made)
        await trio.sleep(PAUSE_SECONDS)
    texts = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert texts == ["what the server needs is missing: disk", "what the server needs is there again"]
