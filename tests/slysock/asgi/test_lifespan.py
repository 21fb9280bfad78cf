"""An application is told once that the server starts, and once that it stops."""

import logging

import pytest
import trio
from trio.testing import MockClock

from slysock.asgi import LifespanFailed, Receive, Scope, Send, asgi_lifespan, not_found
from tests.slysock.asgi.applications import START, App, lifespan_app, raising, saying


async def test_an_application_is_started_and_stopped() -> None:
    log: list[str] = []
    async with asgi_lifespan(lifespan_app(log)) as state:
        assert state == {"made": "here"}
        assert log == ["lifespan.startup"]
    assert log == ["lifespan.startup", "lifespan.shutdown", "returned"]


async def test_an_application_that_cannot_start_says_why() -> None:
    log: list[str] = []
    with pytest.raises(LifespanFailed, match="no database"):
        async with asgi_lifespan(lifespan_app(log, start="failed")):
            raise AssertionError("not reached")
    assert log == ["lifespan.startup"]


async def test_an_application_that_cannot_stop_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    log: list[str] = []
    async with asgi_lifespan(lifespan_app(log, stop="failed")):
        pass
    assert log[-1] == "returned"
    assert "could not shut down: no database" in caplog.text


@pytest.mark.parametrize("app", [raising, not_found, saying(START)])
async def test_an_application_without_lifespan_is_tolerated(app: App, caplog: pytest.LogCaptureFixture) -> None:
    async with asgi_lifespan(app) as state:
        assert state == {}
    assert all(record.levelno < logging.WARNING for record in caplog.records)


async def test_a_failure_while_serving_is_logged_and_nothing_is_waited_for(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "lifespan.startup.complete"})
        await trio.sleep(5)
        raise ZeroDivisionError

    async with asgi_lifespan(app):
        await trio.sleep(10)
    assert "ZeroDivisionError" in caplog.text
    assert trio.current_time() == 10


async def test_the_block_s_own_error_comes_out_as_it_is_after_the_shutdown() -> None:
    log: list[str] = []
    with pytest.raises(KeyError, match="mine"):
        async with asgi_lifespan(lifespan_app(log)):
            raise KeyError("mine")
    assert log[-1] == "returned"


async def test_a_cancelled_server_still_shuts_the_application_down(autojump_clock: MockClock) -> None:
    log: list[str] = []

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await lifespan_app(log)(scope, receive, send)
        await trio.sleep(3)
        log.append("rested")

    with trio.move_on_after(1):
        async with asgi_lifespan(slow):
            await trio.sleep_forever()
    assert log[-2:] == ["returned", "rested"]
    assert trio.current_time() == 4


async def test_an_application_that_does_not_stop_is_cancelled_in_time(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def stuck(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "lifespan.startup.complete"})
        await trio.sleep_forever()

    async with asgi_lifespan(stuck, shutdown_seconds=7):
        pass
    assert trio.current_time() == 7
    assert "did not shut down in time" in caplog.text


async def test_an_application_that_listens_for_ever_is_ended_after_its_shutdown(autojump_clock: MockClock) -> None:
    async def listening(scope: Scope, receive: Receive, send: Send) -> None:
        while True:
            asked = str((await receive())["type"])
            await send({"type": f"{asked}.complete"})

    async with asgi_lifespan(listening):
        pass
    assert trio.current_time() == 0


async def test_a_start_that_hangs_can_be_cancelled(autojump_clock: MockClock) -> None:
    async def hanging(scope: Scope, receive: Receive, send: Send) -> None:
        await trio.sleep_forever()

    with trio.move_on_after(1) as scope:
        async with asgi_lifespan(hanging):
            raise AssertionError("not reached")
    assert scope.cancelled_caught
    assert trio.current_time() == 1
