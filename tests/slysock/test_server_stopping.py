"""A stop is never longer than it may be, also where a start or a lifespan hangs, and shields itself."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, Router, Server, Socket
from slysock.asgi import ASGIApp
from slysock.asgi.interface import Receive, Scope, Send
from slysock.testing import serve_memory
from tests.slysock.serving import check_nothing_remains


async def hang(shield: bool) -> None:
    with trio.CancelScope(shield=shield):
        await trio.sleep(100)


def hanging(at: str, shield: bool) -> ASGIApp:
    """Make an application that hangs in its lifespan."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for moment in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{moment}"
            if moment == at:
                await hang(shield)
            await send({"type": f"lifespan.{moment}.complete"})

    return app


def hanging_lifespan(at: str, shield: bool) -> Callable[[Server], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(server: Server) -> AsyncGenerator[None]:
        if at == "startup":
            await hang(shield)
        yield
        if at == "shutdown":
            await hang(shield)

    return lifespan


def server_that_hangs(what: str, at: str, shield: bool) -> Server:
    config = Config(shutdown_seconds=7)
    match what:
        case "app":
            return Server(Router(), config=config, app=hanging(at, shield))
        case "internal app":
            return Server(Router(), config=config, internal_app=hanging(at, shield))
        case _:
            return Server(Router(), config=config, lifespan=hanging_lifespan(at, shield))


@pytest.mark.parametrize("what", ["app", "internal app", "lifespan"])
@pytest.mark.parametrize("shield", [False, True])
async def test_a_stop_takes_no_longer_than_it_may_for_a_start_that_hangs(
    autojump_clock: MockClock, what: str, shield: bool
) -> None:
    server = server_that_hangs(what, "startup", shield)
    async with trio.open_nursery() as nursery:

        async def stop() -> None:
            await trio.sleep(5)
            server.stop()

        nursery.start_soon(stop)
        where = await nursery.start(server.serve, "127.0.0.1", 0)  # as a start that has come to its end already
    assert trio.current_time() <= 5 + (7 if shield else 0)
    with pytest.raises(OSError, match=r"refused|failed|attempts"):
        await trio.open_tcp_stream("127.0.0.1", where.port)
    await trio.sleep(100)


@pytest.mark.parametrize("what", ["app", "internal app", "lifespan"])
@pytest.mark.parametrize("shield", [False, True])
async def test_a_stop_takes_no_longer_than_it_may_for_an_end_that_hangs(
    autojump_clock: MockClock, what: str, shield: bool
) -> None:
    server = server_that_hangs(what, "shutdown", shield)
    async with serve_memory(server) as memory:
        await memory.connect()
        await trio.sleep(5)
    assert 11 < trio.current_time() <= 12
    check_nothing_remains(server)
    await trio.sleep(100)


async def test_a_start_that_hangs_under_a_stop_is_no_server_to_reach_in_memory(autojump_clock: MockClock) -> None:
    server = server_that_hangs("lifespan", "startup", False)
    async with trio.open_nursery() as nursery:

        async def stop() -> None:
            await trio.sleep(5)
            server.stop()

        nursery.start_soon(stop)
        with pytest.raises(RuntimeError, match="stopped before it had started"):
            async with server.running():
                raise AssertionError("not reached")


async def test_a_server_that_is_stopped_before_its_start_opens_nothing(autojump_clock: MockClock) -> None:
    opened = list[str]()

    @asynccontextmanager
    async def lifespan(server: Server) -> AsyncGenerator[None]:
        opened.append("opened")
        yield

    server = Server(Router(), lifespan=lifespan)
    server.stop()
    await server.serve("127.0.0.1", 0)
    assert opened == []


@pytest.mark.parametrize(("closing", "is_closed"), [(0.6, True), (2, False)])
async def test_whatever_handlers_do_there_is_some_time_left_to_close_a_database(
    autojump_clock: MockClock, closing: float, is_closed: bool
) -> None:
    root, log = Router(), list[str]()

    @root.on("shield")
    async def shield(socket: Socket) -> None:
        await hang(shield=True)

    @asynccontextmanager
    async def lifespan(server: Server) -> AsyncGenerator[None]:
        yield
        await trio.sleep(closing)
        log.append("closed")

    server = Server(root, config=Config(shutdown_seconds=10), lifespan=lifespan)
    async with serve_memory(server) as memory:
        await (await memory.connect()).emit("shield")
        await wait_all_tasks_blocked()
    assert trio.current_time() <= 10
    assert log == (["closed"] if is_closed else [])
    await trio.sleep(100)
