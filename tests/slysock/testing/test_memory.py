"""A server that runs without listening, and the ways to reach it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock

from slysock import Config, Router, Server
from slysock.testing import Closed, serve_memory
from tests.slysock.serving import serving
from tests.slysock.testing.echo import echoing


async def test_a_client_that_is_refused_a_connection_learns_the_status(autojump_clock: MockClock) -> None:
    async with serving(echoing(), config=Config(transports=["websocket"])) as memory:
        with pytest.raises(Closed) as caught:
            await memory.connect(transport="polling")
        assert caught.value.code == 400
        with pytest.raises(Closed):
            await memory.open_engine(path="/elsewhere/")


class Unhashable(Exception):
    __hash__ = None  # type: ignore[assignment]  # such exceptions exist, dataclasses for one


async def fail_while_serving(error: BaseException, *, with_client: bool = True) -> None:
    async with serve_memory(Server(echoing())) as memory:
        if with_client:
            await memory.connect()
        raise error


@pytest.mark.parametrize(
    "error",
    [
        AssertionError("no"),
        Unhashable("no"),
        KeyboardInterrupt("no"),
        pytest.fail.Exception("DID NOT RAISE"),
        ExceptionGroup("of a nursery of the test's own", [ValueError("one")]),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("with_client", [True, False])
async def test_what_a_test_raises_comes_out_as_it_is(
    error: BaseException, with_client: bool, autojump_clock: MockClock
) -> None:
    with pytest.raises(type(error)) as caught:
        await fail_while_serving(error, with_client=with_client)
    assert caught.value is error


async def wait_in_vain() -> None:
    async with serve_memory(Server(echoing())) as memory:
        await memory.connect()
        with pytest.raises(ValueError, match="never"):
            await trio.lowlevel.checkpoint()


async def test_a_pytest_raises_that_waits_in_vain_comes_out_as_it_is(autojump_clock: MockClock) -> None:
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        await wait_in_vain()


async def fail_twice() -> None:
    @asynccontextmanager
    async def failing(server: Server) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            raise KeyError("the server's")

    async with serve_memory(Server(Router(), lifespan=failing)):
        raise ValueError("the test's")


async def test_what_fails_in_the_server_is_not_hidden_by_what_a_test_raises(autojump_clock: MockClock) -> None:
    with pytest.RaisesGroup(KeyError, flatten_subgroups=True):
        await fail_twice()


async def test_a_test_may_be_cancelled(autojump_clock: MockClock) -> None:
    with trio.move_on_after(1) as scope:
        async with serve_memory(Server(echoing())) as memory:
            await memory.connect()
            await trio.sleep_forever()
    assert scope.cancelled_caught
