"""Observers: what is told, and when."""

import pytest
import trio

from slysock import ConnectionRefused, Refusal, Router, Server, Socket
from slysock.testing import serve_memory
from tests.slysock.notebook import Notebook


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
