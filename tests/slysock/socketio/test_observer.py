"""Observers: what is told, and when."""

import pytest
import trio

from slysock import ConnectionRefused, DisconnectReason, Refusal, Router, Server, Socket
from slysock.socketio.observer import RefusalRecord
from slysock.testing import serve_memory
from slysock_protocol.engineio import Outgoing
from tests.slysock.notebook import Notebook
from tests.slysock.serving import BOTH, logged, serving


def make_router() -> Router:
    router = Router("/")

    @router.on("plain")
    def plain(socket: Socket, number: int) -> int:
        return number

    @router.on("slow")
    async def slow(socket: Socket) -> None:
        await trio.sleep(2)

    @router.on("no")
    def refuse(socket: Socket) -> None:
        raise Refusal("no")

    return router


async def test_everything_that_happens_to_a_client_is_told_in_order(autojump_clock: trio.testing.MockClock) -> None:
    server, notebook = Server(make_router()), Notebook()
    server.observe(notebook)
    async with serve_memory(server) as memory:
        client = await memory.connect()
        await client.call("plain", 1)
        await client.call("slow")
        await client.call("no")
        await client.call("plain", "x")
        await client.emit("unknown", 1)
        await client.disconnect()
        await trio.testing.wait_all_tasks_blocked()
        assert notebook.told == [
            ("joined", "/"),
            ("handled", "plain", 0.0),
            ("handled", "slow", 2.0),
            ("failed", "no", "Refusal"),
            ("failed", "plain", "InvalidPayload"),
            ("left", "/", "client namespace disconnect"),
        ]
    assert notebook.told[-1][0] == "closed"


async def test_whoever_was_not_let_in_has_not_joined_and_not_left() -> None:
    router = make_router()

    @router.use
    def refuse(socket: Socket) -> None:
        raise ConnectionRefused("no")

    server, notebook = Server(router), Notebook()
    server.observe(notebook)
    async with serve_memory(server) as memory:
        with pytest.raises(ConnectionRefused):
            await memory.connect()
        await trio.testing.wait_all_tasks_blocked()
        assert notebook.told == []


class Failing:
    """An observer with a mistake in each of its methods."""

    def joined(self, socket: Socket) -> None:
        raise ValueError("joined")

    def left(self, socket: Socket, reason: DisconnectReason) -> None:
        raise ValueError("left")

    def handled(self, socket: Socket, event: str, seconds: float) -> None:
        raise ValueError("handled")

    def failed(self, socket: Socket, event: str, error: Exception) -> None:
        raise ValueError("failed")

    def session_closed(self, reason: DisconnectReason) -> None:
        raise ValueError("session_closed")

    def refused(self, record: RefusalRecord) -> None:
        raise ValueError("refused")


async def test_an_observer_that_raises_is_logged_once_for_each_moment_and_harms_nobody(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(make_router()) as memory:
        memory.server.observe(Failing())
        for transport in (*BOTH, *BOTH):
            client = await memory.connect(transport=transport)
            assert await client.call("plain", 1) == 1
            assert await client.call("no") == {"error": "no"}
            await client.emit("unknown")
            await client.connection.engine.send(Outgoing(b"1"))
            await trio.sleep(1)
    assert sorted(text.rpartition(" in ")[2].partition(",")[0] for text in logged(caplog)) == [
        "'failed'",
        "'handled'",
        "'joined'",
        "'left'",
        "'refused'",
        "'session_closed'",
    ]


async def test_a_client_that_an_observer_sends_away_at_once_has_heard_that_it_was_in(
    autojump_clock: trio.testing.MockClock,
) -> None:
    class Bouncer(Failing):
        def joined(self, socket: Socket) -> None:
            socket.disconnect()

    server = Server(Router())
    server.observe(Bouncer())
    async with serve_memory(server) as memory:
        engine = await memory.open_engine()
        await engine.send(Outgoing(b"40"))
        first, then = await engine.inbox.get(), await engine.inbox.get()
        assert (first.data[:2], then.data) == (b"0{", b"1")
