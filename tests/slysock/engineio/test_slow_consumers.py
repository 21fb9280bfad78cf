"""Slow is who makes no progress: the three bounds, each just below and just above, by both transports."""

from dataclasses import dataclass

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, Disconnected, Router, Socket
from slysock.config import TransportName
from slysock.engineio.memory_limit import memory_limit_bytes
from slysock.engineio.slow_consumers import SlowConsumers
from slysock.engineio.timers import Timers
from slysock.ids import DisconnectReason
from slysock.testing import Memory, MemoryClient
from tests.robustness.wire import receive, request_bytes
from tests.slysock.engineio.polls import quiet
from tests.slysock.serving import both, serving

MIB = 2**20


@dataclass(eq=False)
class Box:
    """What waits for somebody."""

    taken_bytes: int = 0
    closed: bool = False
    cuts: int = 0

    def cut(self) -> None:
        self.cuts += 1


async def judging(nursery: trio.Nursery, config: Config) -> SlowConsumers:
    timers = Timers()
    nursery.start_soon(timers.run)
    await wait_all_tasks_blocked()
    return SlowConsumers(config, timers)


# ---- the clock ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("taken", "cuts"), [(MIB, 0), (MIB - 1, 1), (0, 1)])
async def test_who_took_less_than_a_mebibyte_in_ten_seconds_is_cut(
    nursery: trio.Nursery, autojump_clock: MockClock, taken: int, cuts: int
) -> None:
    slow, box = await judging(nursery, Config()), Box(taken_bytes=500)
    slow.note(box, 4 * MIB + 1)
    assert slow.clocks == 1
    await trio.sleep(9.9)
    assert box.cuts == 0
    box.taken_bytes += taken
    await trio.sleep(0.2)
    assert box.cuts == cuts
    assert slow.clocks == 1 - cuts


async def test_no_clock_runs_up_to_the_soft_limit(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    slow, box = await judging(nursery, Config()), Box()
    slow.note(box, 4 * MIB)
    await trio.sleep(1000)
    assert (box.cuts, slow.clocks) == (0, 0)


async def test_who_falls_below_the_limit_has_all_the_time_again(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    slow, box = await judging(nursery, Config()), Box()
    for _ in range(5):
        slow.note(box, 5 * MIB)
        await trio.sleep(9.9)
        slow.note(box, 4 * MIB)
    slow.note(box, 5 * MIB)
    await trio.sleep(9.9)
    assert box.cuts == 0
    await trio.sleep(0.2)
    assert box.cuts == 1


async def test_each_ten_seconds_count_by_themselves(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    slow, box = await judging(nursery, Config()), Box()
    slow.note(box, 60 * MIB)
    box.taken_bytes += 20 * MIB
    await trio.sleep(10.5)
    assert box.cuts == 0, "it has been quick"
    box.taken_bytes += MIB // 2
    await trio.sleep(10)
    assert box.cuts == 1, "and is no more"


async def test_a_box_that_was_forgotten_is_not_judged(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    slow, box = await judging(nursery, Config()), Box()
    slow.note(box, 5 * MIB)
    slow.note(box, 0)
    slow.forget(box)
    await trio.sleep(100)
    assert (box.cuts, slow.clocks) == (0, 0)


# ---- the budget -----------------------------------------------------------------------------------------------------


async def test_past_the_budget_the_fullest_goes_first_and_no_more_than_needed() -> None:
    slow = SlowConsumers(Config(max_outboxes_bytes=1000), Timers())
    boxes = [Box() for _ in range(4)]
    for box, size in zip(boxes, (300, 400, 200, 100), strict=True):
        slow.note(box, size)
    assert [box.cuts for box in boxes] == [0, 0, 0, 0], "the budget is used up, not exceeded"
    slow.note(boxes[3], 101)
    assert [box.cuts for box in boxes] == [0, 1, 0, 0]
    slow.note(boxes[2], 599)
    assert [box.cuts for box in boxes] == [0, 1, 0, 0]
    slow.note(boxes[2], 600)
    assert [box.cuts for box in boxes] == [0, 1, 1, 0]


async def test_what_has_been_taken_does_not_count_any_more() -> None:
    slow, box, other = SlowConsumers(Config(max_outboxes_bytes=1000), Timers()), Box(), Box()
    for _ in range(10):
        slow.note(box, 900)
        slow.note(box, 0)
        slow.note(other, 900)
        slow.forget(other)
    assert (box.cuts, other.cuts) == (0, 0)


def test_the_budget_is_a_quarter_of_the_memory_there_is() -> None:
    assert SlowConsumers(Config(), Timers()).budget_bytes == memory_limit_bytes() // 4


# ---- on a server ----------------------------------------------------------------------------------------------------


def reasons() -> tuple[Router, list[DisconnectReason], list[Socket]]:
    root, log, sockets = Router(), list[DisconnectReason](), list[Socket]()
    root.on_connect(sockets.append)
    root.on_disconnect(lambda socket, reason: log.append(reason))
    return root, log, sockets


async def stalled(memory: Memory, transport: TransportName, sockets: list[Socket]) -> MemoryClient:
    """A client that does not read any more; what was on its way to it already has been used up."""
    client = await memory.connect(transport=transport)
    client.connection.engine.pace.stall()
    sockets[-1].emit("the last that it reads")
    await wait_all_tasks_blocked()
    assert sockets[-1].waiting_bytes == 0
    return client


@both
@pytest.mark.parametrize(("count", "size"), [(6, 1_000_000), (3000, 4000), (20, 1_000_000)])
async def test_a_client_that_reads_gets_all_that_a_handler_says_at_once(
    autojump_clock: MockClock, transport: TransportName, count: int, size: int
) -> None:
    root, log, _ = reasons()

    @root.on("all")
    def say(socket: Socket) -> None:
        for number in range(count):
            socket.emit("chunk", number, "x" * size)

    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        await client.emit("all")
        heard = [(await client.expect("chunk"))[0] for _ in range(count)]
        assert heard == list(range(count))
        assert log == []


@both
@pytest.mark.parametrize(("size", "kept"), [(99_000, True), (101_000, False)])
async def test_a_client_that_reads_nothing_is_cut_when_the_clock_has_run(
    autojump_clock: MockClock, transport: TransportName, size: int, kept: bool
) -> None:
    root, log, sockets = reasons()
    config = Config(max_outbox_bytes=100_000, write_timeout_seconds=100)
    async with serving(root, config=config) as memory:
        await stalled(memory, transport, sockets)
        sockets[0].emit("news", "x" * size)
        await trio.sleep(9.5)
        assert log == []
        await trio.sleep(1)
        assert log == ([] if kept else ["slow consumer"])
        assert memory.server.statistics().slow_clients == 0


@both
async def test_at_the_hard_limit_a_client_is_cut_at_once(autojump_clock: MockClock, transport: TransportName) -> None:
    root, log, sockets = reasons()
    async with serving(root, config=Config(max_outbox_bytes=50_000, max_outbox_hard_bytes=100_000)) as memory:
        await stalled(memory, transport, sockets)
        other = await memory.connect()
        for _ in range(9):
            sockets[0].emit("news", "x" * 10_000)
        await trio.sleep(0.01)
        assert log == []
        assert memory.server.statistics().slow_clients == 1
        sockets[0].emit("news", "x" * 20_000)
        assert log == [], "not in the middle of a broadcast"
        await trio.sleep(0.01)
        assert log == ["slow consumer"]
        memory.server.of("/").emit("others are served")
        await other.expect("others are served")
        await wait_all_tasks_blocked()
        left = memory.server.statistics()
        assert (left.outbox_bytes, left.slow_clients) == (0, 0)


@both
async def test_past_the_servers_budget_the_one_with_most_goes(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    root, log, sockets = reasons()
    async with serving(root, config=Config(max_outboxes_bytes=200_000)) as memory:
        for _ in range(3):
            await stalled(memory, transport, sockets)
        for socket, size in zip(sockets, (50_000, 90_000, 50_000), strict=True):
            socket.emit("news", "x" * size)
        await trio.sleep(0.01)
        assert log == []
        assert memory.server.statistics().outbox_budget_bytes == 200_000
        sockets[2].emit("news", "x" * 20_000)
        await trio.sleep(0.01)
        assert log == ["slow consumer"]
        assert [socket.connected for socket in sockets] == [True, False, True]


# ---- last words -----------------------------------------------------------------------------------------------------


@both
async def test_last_words_count_until_they_have_been_taken(autojump_clock: MockClock, transport: TransportName) -> None:
    root, _, sockets = reasons()
    async with serving(root) as memory:
        client = await stalled(memory, transport, sockets)
        sockets[0].emit("news", "x" * 200_000)
        sockets[0].disconnect(close=True)
        await wait_all_tasks_blocked()
        held = memory.server.statistics()
        assert (held.connections, held.clients) == (0, {"/": 0})
        assert 100_000 < held.outbox_bytes < 300_000
        client.connection.engine.pace.resume()
        await client.expect("the last that it reads")
        assert (await client.expect("news"))[0] == "x" * 200_000
        await trio.sleep(1)
        assert memory.server.statistics().outbox_bytes == 0
        assert not memory.server._front.engine.consumers._held


@both
async def test_last_words_of_those_who_have_been_sent_away_go_first_when_they_are_most(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    root, log, sockets = reasons()
    async with serving(root, config=Config(max_outboxes_bytes=200_000)) as memory:
        for _ in range(2):
            await stalled(memory, transport, sockets)
        sockets[0].emit("news", "x" * 120_000)
        sockets[0].disconnect(close=True)
        await wait_all_tasks_blocked()
        sockets[1].emit("news", "x" * 60_000)
        await trio.sleep(0.01)
        assert memory.server.statistics().outbox_bytes > 180_000
        sockets[1].emit("news", "x" * 30_000)
        await trio.sleep(0.01)
        assert (log, sockets[1].connected) == (["server namespace disconnect"], True)
        assert 90_000 < memory.server.statistics().outbox_bytes < 100_000


async def test_last_words_that_are_being_written_are_cut_off_too(autojump_clock: MockClock) -> None:
    root, log, sockets = reasons()
    async with serving(root, config=Config(max_outboxes_bytes=200_000)) as memory:
        session = await quiet(memory)
        sockets[0].emit("news", "x" * 150_000)
        sockets[0].disconnect(close=True)
        slow = memory.open()
        await slow.send_all(request_bytes("GET", session.target))
        assert await slow.receive_some(1000)
        await wait_all_tasks_blocked()
        assert memory.server.statistics().outbox_bytes > 100_000
        assert (await session.get()).status == 400, "one answer at a time"
        await stalled(memory, "websocket", sockets)
        sockets[1].emit("news", "x" * 120_000)
        await trio.sleep(0.01)
        assert sockets[1].connected
        assert memory.server.statistics().outbox_bytes < 130_000
        received = 0
        while piece := await receive(slow):
            received += len(piece)
        assert received < 150_000, "it is broken off"
        assert log == ["server namespace disconnect"]


# ---- waiting for room -----------------------------------------------------------------------------------------------


@both
async def test_drained_waits_until_little_enough_waits(autojump_clock: MockClock, transport: TransportName) -> None:
    root, log, sockets = reasons()
    config = Config(max_outbox_bytes=100_000, max_outbox_hard_bytes=300_000)
    most = list[int]()

    @root.on("all")
    async def say(socket: Socket) -> str:
        for number in range(50):
            socket.emit("chunk", number, "x" * 50_000)
            most.append(socket.waiting_bytes)
            await socket.drained(below=60_000)
        return "said"

    async with serving(root, config=config) as memory:
        client = await memory.connect(transport=transport)
        client.connection.engine.pace.slow_down(0.1)
        await client.emit("all")
        assert [(await client.expect("chunk"))[0] for _ in range(50)] == list(range(50))
        assert log == []
        assert max(most) < 120_000
        await sockets[0].drained(below=1)
        assert sockets[0].waiting_bytes == 0


@both
async def test_drained_says_when_the_client_has_left(autojump_clock: MockClock, transport: TransportName) -> None:
    root, log, sockets = reasons()
    async with serving(root, config=Config(write_timeout_seconds=5)) as memory:
        client = await stalled(memory, transport, sockets)
        for _ in range(2):
            sockets[0].emit("news", "x" * 200_000)
        await wait_all_tasks_blocked()
        client.connection.engine.pace.vanish()
        with pytest.raises(Disconnected):
            await sockets[0].drained(below=1)
        assert log != []
        assert sockets[0].waiting_bytes == 0
        with pytest.raises(Disconnected):
            await sockets[0].drained()


async def test_drained_follows_a_client_to_its_websocket(autojump_clock: MockClock) -> None:
    root, _, sockets = reasons()
    async with serving(root) as memory:
        client = await memory.connect(transport="polling")
        engine = client.connection.engine
        engine.pace.stall()
        await wait_all_tasks_blocked()
        for _ in range(3):
            sockets[0].emit("news", "x" * 1000)
            await wait_all_tasks_blocked()
        done = trio.Event()

        async def drain() -> None:
            await sockets[0].drained(below=1)
            done.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(drain)
            await wait_all_tasks_blocked()
            assert not done.is_set()
            engine.pace.resume()
            await engine.upgrade()  # type: ignore[union-attr]  # a PollingClient
            await done.wait()
        assert [event.name for event in client.waiting()] == ["news"] * 3


async def test_fewer_than_no_bytes_cannot_wait(autojump_clock: MockClock) -> None:
    root, _, sockets = reasons()
    async with serving(root) as memory:
        await memory.connect()
        with pytest.raises(ValueError, match="at least 1"):
            await sockets[0].drained(below=0)
