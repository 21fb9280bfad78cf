"""Context variables: what one client's handlers set is not seen by those of another, though one task reads for all."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from functools import partial
from typing import TypeAlias

import pytest
import trio
from trio.testing import MockClock

from slysock import Router, Server, Socket
from slysock.testing.client import MemoryClient, MemoryConnection
from slysock.testing.engine import WebSocketClient
from slysock_protocol.socketio import PARSERS
from tests.slysock.serving import serving

pytestmark = pytest.mark.port  # in memory each connection reads for itself

Connect: TypeAlias = Callable[[dict[str, object]], Awaitable[MemoryClient]]
WHO: ContextVar[str | None] = ContextVar("WHO", default=None)


@asynccontextmanager
async def connecting(router: Router) -> AsyncGenerator[Connect]:
    async with AsyncExitStack() as streams, trio.open_nursery() as nursery:
        server = Server(router)
        where = await nursery.start(partial(server.serve, "127.0.0.1", 0))

        async def connect(auth: dict[str, object]) -> MemoryClient:
            stream = await streams.enter_async_context(await trio.open_tcp_stream("127.0.0.1", where.port))
            engine = WebSocketClient(stream, "/socket.io/?EIO=4&transport=websocket", (), nursery)
            await engine.open()
            return await MemoryConnection(engine, nursery, PARSERS["json"]()).join("/", auth)

        yield connect
        nursery.cancel_scope.cancel()


def telling() -> Router:
    root = Router()

    @root.on("who")
    def who(socket: Socket) -> str | None:
        return WHO.get()

    @root.on("who waits")
    async def who_waits(socket: Socket) -> str | None:
        return WHO.get()

    return root


def note(socket: Socket, *_: object) -> None:
    name = socket.handshake.auth.get("name")
    if name is not None:
        WHO.set(str(name))


@pytest.mark.parametrize("register", [Router.use, Router.on_connect, Router.on_any, Router.on_disconnect])
async def test_what_a_hook_of_one_client_sets_is_not_seen_by_another(register: Callable[..., object]) -> None:
    root = telling()
    register(root, note)
    async with connecting(root) as connect:
        alice, other = await connect({"name": "alice"}), await connect({})
        await alice.call("who")
        await alice.disconnect()
        assert [await other.call("who"), await other.call("who waits")] == [None, None]


async def test_what_a_handler_of_one_client_sets_is_not_seen_by_another() -> None:
    root = telling()

    @root.on("login")
    def login(socket: Socket, name: str) -> None:
        WHO.set(name)

    async with connecting(root) as connect:
        alice, other = await connect({}), await connect({})
        await alice.call("login", "alice")
        assert [await other.call("who"), await other.call("who waits")] == [None, None]


async def test_an_error_hook_has_the_context_of_its_event() -> None:
    root, seen = telling(), list[str | None]()

    @root.on("login")
    def login(socket: Socket, name: str) -> None:
        WHO.set(name)
        raise ValueError

    @root.on_error
    def note_error(socket: Socket, event: str, error: Exception) -> None:
        seen.append(WHO.get())

    async with connecting(root) as connect:
        await (await connect({})).call("login", "alice")
    assert seen == ["alice"]


@pytest.mark.parametrize("kinds", [("plain", "plain"), ("later", "plain"), ("later", "later"), ("plain", "later")])
async def test_what_one_event_of_a_client_sets_its_next_one_does_not_see(
    autojump_clock: MockClock, kinds: tuple[str, str]
) -> None:
    name: ContextVar[str] = ContextVar("name", default="unset")
    root, seen = Router(), list[str]()

    def note(text: str) -> None:
        seen.append(name.get())
        name.set(text)

    @root.on("plain")
    def plain(socket: Socket, text: str) -> None:
        note(text)

    @root.on("later")
    async def later(socket: Socket, text: str) -> None:
        note(text)
        await trio.sleep(1)
        assert name.get() == text, "its own it keeps"

    async with serving(root) as memory:
        client = await memory.connect()
        for round_ in range(2):  # the second time there is nothing before it in the queue
            for number, kind in enumerate(kinds):
                await client.emit(kind, f"{round_} {number}")
            await trio.sleep(5)
    assert seen == ["unset"] * 4
