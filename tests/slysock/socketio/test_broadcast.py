"""Speaking to many: whom it reaches, once, whole, in one order; and answers gathered from a room."""

import math

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import AckTimeout, Config, Router, Socket
from slysock.ids import DisconnectReason, SocketId
from slysock.testing import Memory, MemoryClient, Received
from slysock_protocol.engineio import Outgoing
from tests.slysock.serving import serving, sessions_of


async def three(memory: Memory) -> tuple[list[MemoryClient], list[Socket]]:
    """Three clients in order: the first two are in room `a`, the last two in `b`; and their sockets."""
    clients = [await memory.connect(transport=kind) for kind in ("websocket", "polling", "websocket")]  # type: ignore[arg-type]
    by_id = {socket.id: socket for socket in memory.server.of("/").sockets()}
    sockets = [by_id[SocketId(client.id)] for client in clients]
    sockets[0].join("a")
    sockets[1].join("a", "b")
    sockets[2].join("b")
    return clients, sockets


async def test_whom_each_way_of_speaking_reaches_and_once(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        clients, sockets = await three(memory)
        namespace, socket = memory.server.of("/"), sockets[0]
        for speaker, reached in [
            (namespace, "012"),
            (namespace.to("a"), "01"),
            (namespace.to("a", "b"), "012"),
            (namespace.to("a").to("b"), "012"),
            (namespace.to("a", "b").except_("a"), "2"),
            (namespace.except_("b"), "0"),
            (namespace.except_("b").except_("a"), ""),
            (namespace.to("nowhere"), ""),
            (namespace.to(*[]), ""),
            (namespace.to(*[]).except_("a"), ""),
            (namespace.to(*[]).to("a"), "01"),
            (namespace.volatile.to(*[]), ""),
            (namespace.except_(*[]), "012"),
            (socket.to(*[]), ""),
            (namespace.to(sockets[2].id, "a"), "012"),
            (namespace.except_(sockets[1].id), "02"),
            (namespace.volatile.to("b"), "12"),
            (socket, "0"),
            (socket.broadcast, "12"),
            (socket.to("a"), "1"),
            (socket.to("a", "b").except_("b"), ""),
            (socket.except_("b"), ""),
            (socket.volatile, "0"),
            (socket.broadcast.volatile, "12"),
        ]:
            await wait_all_tasks_blocked()
            speaker.emit("event", b"binary")
            await trio.sleep(1)
            heard = [client.waiting() for client in clients]
            assert "".join(str(index) for index, events in enumerate(heard) if events) == reached
            assert all(events in ([], [Received("event", (b"binary",))]) for events in heard)


async def test_an_audience_can_be_listed_moved_and_disconnected(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        clients, sockets = await three(memory)
        namespace = memory.server.of("/")
        assert namespace.get(sockets[0].id) is sockets[0]
        assert namespace.get(SocketId("nobody")) is None
        assert repr(namespace) == "<Namespace '/' with 3 sockets>"
        assert namespace.to("b").sockets() == sockets[1:]
        assert namespace.to(*[]).sockets() == []
        namespace.to(*[]).join("nobody's")
        assert namespace.to("nobody's").sockets() == []
        namespace.to(*[]).disconnect(close=True)
        namespace.to("b").join("c", "d")
        namespace.to("c").except_(sockets[1].id).leave("d")
        assert namespace.to("d").sockets() == [sockets[1]]
        namespace.to("a").disconnect()
        assert [await client.wait_disconnected(1) for client in clients[:2]] == ["io server disconnect"] * 2
        assert namespace.sockets() == [sockets[2]]
        namespace.to("b").disconnect(close=True)
        assert await clients[2].wait_disconnected(5) == "io server disconnect"


async def test_an_event_is_encoded_once_and_the_same_bytes_wait_in_every_outbox(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        for _ in range(3):
            await memory.connect()
        memory.server.of("/").emit("event", "x" * 100)
        boxes = [session.transport._outbox._box for session in sessions_of(memory)]  # type: ignore[attr-defined]
        assert [len(box) for box in boxes] == [1, 1, 1]
        assert boxes[0][0] is boxes[1][0] is boxes[2][0]


async def test_a_binary_event_enters_an_outbox_whole_or_not_at_all(autojump_clock: MockClock) -> None:
    root, log = Router(), list[DisconnectReason]()
    root.on_disconnect(lambda socket, reason: log.append(reason))
    async with serving(root, config=Config(max_outbox_bytes=1000, max_outbox_hard_bytes=1000)) as memory:
        client = await memory.connect()
        client.connection.engine.pace.stall()
        memory.server.of("/").emit("first", b"x" * 300)
        assert memory.server.statistics().outbox_bytes > 300
        memory.server.of("/").emit("second", b"x" * 400, b"y" * 400)
        assert memory.server.statistics().outbox_bytes == 0, "with it, all that waits is forgotten"
        await wait_all_tasks_blocked()
        assert log == ["slow consumer"]


async def test_one_slow_consumer_is_closed_while_all_others_get_everything_in_one_order(
    autojump_clock: MockClock,
) -> None:
    root, log = Router(), list[tuple[str, DisconnectReason]]()

    @root.on_disconnect
    def gone(socket: Socket, reason: DisconnectReason) -> None:
        log.append((socket.id, reason))
        socket.namespace.emit("left", socket.id)

    async with serving(root, config=Config(max_outbox_bytes=20_000, max_outbox_hard_bytes=20_000)) as memory:
        clients = [await memory.connect() for _ in range(5)]
        slow = clients[2]
        slow.connection.engine.pace.stall()
        for number in range(50):
            memory.server.of("/").emit("event", number, "x" * 1000)
            await wait_all_tasks_blocked()
        assert log == [(slow.id, "slow consumer")]
        heard = [client.waiting() for client in clients if client is not slow]
        assert heard[0] == heard[1] == heard[2] == heard[3]
        assert [event.args[0] for event in heard[0] if event.name == "event"] == list(range(50))
        assert [event.args for event in heard[0] if event.name == "left"] == [(slow.id,)]


async def test_volatile_events_are_dropped_for_who_cannot_take_them_and_nobody_else(autojump_clock: MockClock) -> None:
    root, log = Router(), list[DisconnectReason]()
    root.on_disconnect(lambda socket, reason: log.append(reason))
    async with serving(root, config=Config(max_outbox_bytes=5000, max_outbox_hard_bytes=5000)) as memory:
        fast, slow, polling = await memory.connect(), await memory.connect(), await memory.connect(transport="polling")
        polling.connection.engine.pace.stall()
        memory.server.of("/").to(polling.id).emit("ends the poll")
        await wait_all_tasks_blocked()
        slow.connection.engine.pace.stall()
        memory.server.of("/").to(slow.id).emit("stuck")
        await wait_all_tasks_blocked()
        for number in range(20):
            memory.server.of("/").volatile.emit("event", number, "x" * 1000)
            await wait_all_tasks_blocked()
        memory.server.of("/").emit("end")
        slow.connection.engine.pace.resume()
        polling.connection.engine.pace.resume()
        await trio.sleep(1)
        assert [event.name for event in fast.waiting()] == ["event"] * 20 + ["end"]
        # One event may be on its way already when a client stops to read.
        assert [event.name for event in slow.waiting() if event.name != "event"][-1] == "end"
        assert [event.name for event in polling.waiting()] == ["ends the poll", "end"]
        assert log == []


async def test_a_burst_of_volatile_events_disconnects_nobody(autojump_clock: MockClock) -> None:
    async with serving(Router(), config=Config(max_outbox_bytes=5000, max_outbox_hard_bytes=5000)) as memory:
        clients = [await memory.connect(), await memory.connect(transport="polling")]
        await wait_all_tasks_blocked()
        for number in range(20):
            memory.server.of("/").volatile.emit("event", number, "x" * 1000)
        await trio.sleep(1)
        for client in clients:
            heard = [event.args[0] for event in client.waiting() if event.name == "event"]
            assert heard == list(range(4))
        assert memory.server.of("/").client_count == 2


# ---- answers from a room --------------------------------------------------------------------------------------------


async def answer(client: MemoryClient, *values: object) -> None:
    await client.acknowledge(await client.next(), *values)


async def test_a_room_answers_in_order_of_arrival(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        clients, sockets = await three(memory)
        async with trio.open_nursery() as nursery:

            async def ask() -> None:
                assert await sockets[2].to("a").call("question", 1) == [(1, 2), None]
                assert await memory.server.of("/").call("all") == ["x"] * 3

            nursery.start_soon(ask)
            await wait_all_tasks_blocked()
            await answer(clients[0], 1, 2)
            await wait_all_tasks_blocked()
            await answer(clients[1])
            for client in clients:
                await answer(client, "x")
        assert memory.server.statistics().awaited_acks == 0


async def test_a_room_that_does_not_answer_in_time_gives_what_there_is(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        clients, _ = await three(memory)
        async with trio.open_nursery() as nursery:

            async def ask() -> None:
                with pytest.raises(AckTimeout) as caught:
                    await memory.server.of("/").to("a", "b").call("question", timeout=3)
                assert caught.value.answers == [b"data"]
                assert trio.current_time() == 3

            nursery.start_soon(ask)
            await answer(clients[1], b"data")
        assert memory.server.statistics().awaited_acks == 0


async def test_a_client_that_leaves_meanwhile_is_not_waited_for(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        clients, _ = await three(memory)
        async with trio.open_nursery() as nursery:

            async def ask() -> None:
                assert await memory.server.of("/").call("question", timeout=math.inf) == [1]

            nursery.start_soon(ask)
            await wait_all_tasks_blocked()
            await clients[0].connection.engine.drop()
            await clients[1].disconnect()
            await answer(clients[2], 1)


async def test_nobody_to_ask_is_no_answer_and_no_wait(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        assert await memory.server.of("/").to("nowhere").call("question") == []


async def test_a_call_that_is_cancelled_expects_nothing_any_more(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        _, sockets = await three(memory)
        with trio.move_on_after(1):
            await memory.server.of("/").call("question", timeout=math.inf)
        with trio.move_on_after(1):
            await sockets[0].call("question", timeout=math.inf)
        assert memory.server.statistics().awaited_acks == 0


async def test_ack_ids_of_a_room_and_of_a_client_never_meet(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        client = await memory.connect()
        (socket,) = memory.server.of("/").sockets()
        async with trio.open_nursery() as nursery:

            async def one() -> None:
                assert await socket.call("one") == "for one"

            async def all_of_them() -> None:
                assert await socket.namespace.call("all") == ["for all"]

            nursery.start_soon(one)
            nursery.start_soon(all_of_them)
            for _ in range(2):
                question = await client.next()
                await client.acknowledge(question, f"for {question.name}")


async def test_an_ack_that_nobody_waits_for_is_ignored(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        client = await memory.connect()
        await client.connection.engine.send(Outgoing(b"4312345[1]"))
        memory.server.of("/").emit("still here")
        assert await client.expect("still here") == ()


async def test_a_call_to_no_rooms_asks_nobody(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        client = await memory.connect()
        assert await memory.server.of("/").to(*[]).call("question") == []
        assert client.waiting() == []


async def test_a_client_that_a_listener_sends_away_is_sent_nothing_more(autojump_clock: MockClock) -> None:
    root = Router()
    root.on_any_outgoing(lambda socket, event, args: socket.disconnect())
    async with serving(root) as memory:
        engine = await memory.open_engine()
        await engine.send(Outgoing(b"40"))
        await engine.inbox.get()
        memory.server.of("/").emit("news")
        await wait_all_tasks_blocked()
        assert (await engine.inbox.get()).data == b"1"
        await engine.send(Outgoing(b"40"))
        assert (await engine.inbox.get()).data.startswith(b"0{")
