"""What runs for a client in the background: beside its events, and no longer than it is there."""

import pytest
import trio
from trio.testing import MockClock

from slysock import ConnectionRefused, Router, Socket
from slysock.config import TransportName
from tests.slysock.serving import both, logged, serving


@both
async def test_background_work_runs_beside_events_and_ends_with_the_client(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    root, log = Router(), list[str]()

    @root.on_connect
    def connect(socket: Socket) -> None:
        socket.start_soon(tick, socket, "tick")

    async def tick(socket: Socket, event: str) -> None:
        try:
            while True:
                socket.emit(event)
                await trio.sleep(1)
        finally:
            log.append("ended")

    root.on("echo")(lambda socket, text: text)
    root.on_disconnect(lambda socket, reason: log.append("hook"))
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        assert await client.call("echo", "at once") == "at once"
        await trio.sleep(2.5)
        assert [event.name for event in client.waiting()] == ["tick"] * 3
        await client.disconnect()
        await trio.sleep(1)
        assert sorted(log) == ["ended", "hook"]


async def test_background_work_that_fails_is_logged_and_harms_nobody(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root = Router()

    async def fail() -> None:
        raise ValueError("oh")

    root.on("start")(lambda socket: socket.start_soon(fail))
    async with serving(root) as memory:
        client = await memory.connect()
        await client.call("start")
        await client.call("start")
    assert len(logged(caplog)) == 2


async def test_background_work_for_a_client_that_is_refused_or_gone_does_not_go_on(autojump_clock: MockClock) -> None:
    root, log, sockets = Router(), list[str](), list[Socket]()

    async def work(name: str) -> None:
        log.append(f"{name} begins")
        await trio.sleep(1)
        log.append(f"{name} ends")

    @root.use
    async def refuse(socket: Socket) -> bool:
        sockets.append(socket)
        socket.start_soon(work, "refused")
        await trio.lowlevel.checkpoint()
        return False

    async with serving(root) as memory:
        with pytest.raises(ConnectionRefused):
            await memory.connect()
        sockets[0].start_soon(work, "gone")
        await trio.sleep(5)
    assert log in ([], ["refused begins"])


async def test_background_work_that_has_not_begun_when_its_client_is_sent_away_ends_at_its_first_wait(
    autojump_clock: MockClock,
) -> None:
    root, log = Router(), list[str]()

    async def work() -> None:
        await trio.sleep(1)
        log.append("never")

    @root.on("start")
    def start(socket: Socket) -> None:
        socket.start_soon(work)
        socket.disconnect()

    async with serving(root) as memory:
        client = await memory.connect()
        await client.emit("start")
        await client.wait_disconnected(5)
        await trio.sleep(5)
    assert log == []
