"""Engine.IO clients that are offered for testing, tested: they misbehave as they say."""

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock.config import TransportName
from slysock.ids import DisconnectReason
from tests.slysock.serving import both, serving
from tests.slysock.testing.echo import echoing


@both
async def test_a_stalled_client_reads_again_when_it_resumes(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    async with serving(echoing()) as memory:
        client = await memory.connect(transport=transport)
        client.connection.engine.pace.stall()
        for number in range(5):
            memory.server.of("/").emit("news", number)
            await wait_all_tasks_blocked()
        client.connection.engine.pace.resume()
        assert [(await client.next()).args for _ in range(5)] == [(number,) for number in range(5)]


async def test_a_slow_client_takes_its_time(autojump_clock: MockClock) -> None:
    async with serving(echoing()) as memory:
        client = await memory.connect()
        client.connection.engine.pace.slow_down(3)
        for number in range(3):
            memory.server.of("/").emit("news", number)
            await client.next()
        assert trio.current_time() >= 6


@both
async def test_a_client_that_drops_is_noticed(autojump_clock: MockClock, transport: TransportName) -> None:
    root, log = echoing(), list[DisconnectReason]()
    root.on_disconnect(lambda socket, reason: log.append(reason))
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        await wait_all_tasks_blocked()
        await client.connection.engine.drop()
        await trio.sleep(1)
        assert len(log) == 1


async def test_a_dropped_upgrade_is_noticed_too(autojump_clock: MockClock) -> None:
    root, log = echoing(), list[DisconnectReason]()
    root.on_disconnect(lambda socket, reason: log.append(reason))
    async with serving(root) as memory:
        engine = (await memory.connect(transport="polling")).connection.engine
        await engine.upgrade()  # type: ignore[union-attr]  # a PollingClient
        await engine.drop()
        await trio.sleep(1)
        assert log == ["transport close"]
