"""Socket.IO on a session: which namespace a packet is for, the connect deadline, and back-pressure."""

import re
from contextlib import suppress

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import AckTimeout, Config, ConnectionRefused, Router, Socket
from slysock.config import TransportName
from slysock.testing import Closed, EngineClient, Memory
from slysock_protocol.engineio import Outgoing
from tests.slysock.notebook import Notebook
from tests.slysock.serving import both, only_session, serving


async def joined(memory: Memory, transport: TransportName = "websocket") -> EngineClient:
    """An engine client that is in the main namespace."""
    engine = await memory.open_engine(transport)
    await engine.send(Outgoing(b"40"))
    await engine.inbox.get()
    return engine


async def texts(engine: EngineClient, count: int) -> list[bytes]:
    return [(await engine.inbox.get()).data for _ in range(count)]


# ---- namespaces -----------------------------------------------------------------------------------------------------


async def test_an_unknown_namespace_is_refused_and_the_connection_stays(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        connection = await memory.open_connection()
        with pytest.raises(ConnectionRefused, match=r"^Invalid namespace$"):
            await connection.join("/nowhere")
        assert (await connection.join()).id


async def test_several_namespaces_on_one_connection_have_ids_of_their_own(autojump_clock: MockClock) -> None:
    async with serving(Router("/a"), Router("/b")) as memory:
        one = await memory.connect("/a")
        other = await one.connection.join("/b")
        assert one.id != other.id
        memory.server.of("/b").emit("only b")
        assert await other.expect("only b") == ()
        assert one.waiting() == []
        await one.disconnect()
        memory.server.of("/b").emit("again")
        assert await other.expect("again") == ()


async def test_more_namespaces_than_allowed_are_refused_until_one_is_left(autojump_clock: MockClock) -> None:
    async with serving(Router(re.compile("/n.*")), config=Config(max_namespaces=2)) as memory:
        client = await memory.connect("/n1")
        await client.connection.join("/n2")
        with pytest.raises(ConnectionRefused, match="Too many"):
            await client.connection.join("/n3")
        await client.disconnect()
        assert (await client.connection.join("/n3")).id


async def test_namespaces_that_are_being_joined_count_too(autojump_clock: MockClock) -> None:
    pattern = Router(re.compile("/n.*"))

    @pattern.use
    async def slow(socket: Socket) -> None:
        await trio.sleep(10)

    async with serving(pattern, config=Config(max_namespaces=2)) as memory:
        engine = await memory.open_engine()
        for number in range(12):
            await engine.send(Outgoing(b"40/n%d," % number))
        assert all(b"Too many" in text for text in await texts(engine, 10))
        answers = await texts(engine, 2)
        assert sorted(text.partition(b",")[0] for text in answers) == [b"0/n0", b"0/n1"]


async def test_connecting_twice_breaks_the_protocol(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        engine = await joined(memory)
        await engine.send(Outgoing(b"40"))
        with pytest.raises(Closed) as caught:
            await engine.inbox.get()
        assert caught.value.code == 1002


async def test_a_client_that_comes_again_before_it_was_let_in_starts_anew(autojump_clock: MockClock) -> None:
    # What React's StrictMode makes of a component: connect, disconnect, connect. The client says nothing in between.
    chat, seen = Router("/chat"), list[object]()

    @chat.use
    async def look(socket: Socket) -> None:
        await trio.sleep(1)
        seen.append(socket.handshake.auth.get("attempt"))

    async with serving(Router(), chat) as memory:
        engine = await joined(memory)
        await engine.send(Outgoing(b'40/chat,{"attempt":1}'))
        await trio.sleep(0.5)
        await engine.send(Outgoing(b'40/chat,{"attempt":2}'))
        answer = (await engine.inbox.get()).data
        assert answer.startswith(b'0/chat,{"sid":')
        await trio.sleep(5)
        assert seen == [2]
        assert memory.server.of("/chat").client_count == memory.server.of("/").client_count == 1


@pytest.mark.parametrize("packet", [b'42["event"]', b"41", b"431[]", b'42/other,["event"]', b"garbage"])
async def test_a_packet_for_a_namespace_the_client_never_joined_breaks_the_protocol(
    autojump_clock: MockClock, packet: bytes
) -> None:
    async with serving(Router("/other")) as memory:
        engine = await memory.open_engine()
        await engine.send(Outgoing(packet))
        with pytest.raises(Closed):
            await engine.inbox.get()


@pytest.mark.parametrize("late", [b'42["event"]', b"431[]", b"41"])
@both
async def test_a_late_packet_for_a_namespace_the_server_has_closed_is_ignored(
    autojump_clock: MockClock, late: bytes, transport: TransportName
) -> None:
    async with serving(Router(), Router("/other")) as memory:
        engine = await joined(memory, transport)
        memory.server.of("/").volatile.disconnect()
        await engine.send(Outgoing(late))
        await engine.send(Outgoing(b"40/other,"))
        assert [text[:8] for text in await texts(engine, 2)] == [b"1", b"0/other,"]


async def test_the_memory_of_left_namespaces_is_bounded(autojump_clock: MockClock) -> None:
    async with serving(Router(re.compile("/n.*")), config=Config(max_namespaces=3)) as memory:
        engine = await memory.open_engine()
        for number in range(10):
            await engine.send(Outgoing(b"40/n%d," % number))
            await engine.inbox.get()
            await engine.send(Outgoing(b"41/n%d," % number))
        await trio.sleep(1)
        assert memory.server.statistics().left_namespaces == 3


async def test_a_client_that_is_disconnected_with_its_connection_leaves_every_namespace(
    autojump_clock: MockClock,
) -> None:
    async with serving(Router(), Router("/other")) as memory:
        client = await memory.connect()
        other = await client.connection.join("/other")
        memory.server.of("/").sockets()[0].disconnect(close=True)
        assert await client.wait_disconnected(1) == "io server disconnect"
        assert await other.wait_disconnected(1) == "io server disconnect"
        with pytest.raises(Closed):
            await client.connection.engine.inbox.get()


async def test_observers_are_told_once_that_a_connection_has_ended(autojump_clock: MockClock) -> None:
    async with serving(Router(), Router("/other")) as memory:
        notebook = Notebook()
        memory.server.observe(notebook)
        client = await memory.connect()
        await client.connection.join("/other")
        await client.connection.engine.drop()
        await trio.sleep(1)
        assert [told for told in notebook.told if told[0] == "closed"] == [("closed", "transport close")]


async def test_a_connection_that_finishes_handles_what_came_and_takes_nothing_more(autojump_clock: MockClock) -> None:
    root = Router()
    done = flooded(root)
    async with serving(root) as memory, trio.open_nursery() as nursery:
        engine = await joined(memory)
        await engine.send(Outgoing(b'42["event",1]'))
        await wait_all_tasks_blocked()
        nursery.start_soon(only_session(memory).finish)
        await wait_all_tasks_blocked()
        await engine.send(Outgoing(b'42["event",2]'))
        await trio.sleep(5)
        assert done == [1]


# ---- the connect deadline -------------------------------------------------------------------------------------------


@both
async def test_a_connection_that_joins_nothing_is_closed_in_time(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    async with serving(Router(), config=Config(connect_timeout_seconds=7)) as memory:
        engine = await memory.open_engine(transport)
        with pytest.raises(Closed):
            await engine.inbox.get()
        assert trio.current_time() == 7


async def test_a_connection_that_joined_in_time_may_stay_also_without_a_namespace(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        client = await memory.connect()
        await client.disconnect()
        await trio.sleep(1000)
        assert (await client.connection.join()).id


# ---- back-pressure --------------------------------------------------------------------------------------------------


def flooded(router: Router) -> list[int]:
    """Register a handler that takes a second for each event."""
    done: list[int] = []

    @router.on("event")
    async def event(socket: Socket, number: int, *padding: object) -> None:
        await trio.sleep(1)
        done.append(number)

    return done


@both
async def test_a_flood_is_read_no_further_than_the_limit_and_runs_in_order_in_the_end(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    root = Router()
    done = flooded(root)
    async with serving(root, config=Config(max_pending_events=4)) as memory:
        engine = await joined(memory, transport)
        session = only_session(memory)
        most = 0

        async def watch() -> None:
            nonlocal most
            while True:
                most = max(most, memory.server.statistics().waiting_events)
                await trio.sleep(0.5)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch)
            if transport == "polling":
                packets = b"\x1e".join(b'42["event",%d]' % number for number in range(200))
                nursery.start_soon(engine.send, Outgoing(packets))
            else:
                for number in range(200):
                    await engine.send(Outgoing(b'42["event",%d]' % number))
            await trio.sleep(250)
            nursery.cancel_scope.cancel()
        assert done == list(range(200)), "nothing lost, nothing overtaken, and no heartbeat came between"
        assert most == 4
        assert not session.closed


@pytest.mark.parametrize("attempt", range(6))  # two tasks become ready at once; either may run first
async def test_a_pong_behind_a_flood_counts_as_one_in_time(autojump_clock: MockClock, attempt: int) -> None:
    root = Router()
    done = flooded(root)
    config = Config(max_pending_events=2, ping_interval_seconds=5, ping_timeout_seconds=5)
    async with serving(root, config=config) as memory:
        engine = await joined(memory)
        for number in range(60):
            await engine.send(Outgoing(b'42["event",%d]' % number))
        await trio.sleep(70)
        assert done == list(range(60))
        assert engine.inbox.closed is None


async def test_a_client_that_is_silent_after_its_flood_is_given_up(autojump_clock: MockClock) -> None:
    root = Router()
    done = flooded(root)
    config = Config(max_pending_events=2, ping_interval_seconds=5, ping_timeout_seconds=5)
    async with serving(root, config=config) as memory:
        engine = await joined(memory)
        engine.pace.silent = True
        for number in range(30):
            await engine.send(Outgoing(b'42["event",%d]' % number))
        with pytest.raises(Closed):
            await engine.inbox.get()
        assert trio.current_time() < 50
        assert done == list(range(30))


async def test_large_events_are_bounded_by_their_bytes(autojump_clock: MockClock) -> None:
    root = Router()
    done = flooded(root)
    async with serving(root, config=Config(max_payload_bytes=1000)) as memory:
        engine = await joined(memory)
        for number in range(20):
            await engine.send(Outgoing(b'42["event",%d,"%s"]' % (number, b"x" * 600)))
        await trio.sleep(0.5)
        assert memory.server.statistics().waiting_events == 2
        await trio.sleep(30)
        assert done == list(range(20))
        assert memory.server.statistics().waiting_event_bytes == 0


async def test_one_large_event_does_not_stop_the_reading(autojump_clock: MockClock) -> None:
    # Its handler may wait for the client's answer, and ends when the client leaves.
    root, log = Router(), list[object]()

    @root.on("upload", until_disconnect=True)
    async def upload(socket: Socket, first: bytes, second: bytes) -> None:
        log.append(await socket.call("name?"))
        try:
            await trio.sleep_forever()
        finally:
            log.append("cancelled")

    async with serving(root, config=Config(max_payload_bytes=1000)) as memory:
        client = await memory.connect()
        await client.emit("upload", b"x" * 600, b"y" * 600)
        await client.acknowledge(await client.next(), "holiday.jpg")
        await wait_all_tasks_blocked()
        assert log == ["holiday.jpg"]
        await client.disconnect()
        await wait_all_tasks_blocked()
        assert log == ["holiday.jpg", "cancelled"]


def asking(router: Router) -> list[object]:
    """Register a handler that asks its own client in the first of its events, and notes what comes."""
    log: list[object] = []

    @router.on("event")
    async def event(socket: Socket, number: int, *padding: object) -> None:
        if number == 0:
            try:
                log.append(await socket.call("question"))
            except AckTimeout:
                log.append("timeout")
        else:
            log.append(number)

    return log


async def send_at_once(engine: EngineClient, transport: TransportName, packets: list[bytes]) -> None:
    """Send as a client does that has them ready: by polling in few requests, by WebSocket one frame each."""
    if transport == "websocket":
        for packet in packets:
            await engine.send(Outgoing(packet))
        return
    for start in range(0, len(packets), 5000):
        await engine.send(Outgoing(b"\x1e".join(packets[start : start + 5000])))


@both
@pytest.mark.parametrize("events", [300, 10_000])
async def test_an_answer_behind_many_events_reaches_the_handler_that_waits_for_it(
    autojump_clock: MockClock, transport: TransportName, events: int
) -> None:
    root = Router()
    log = asking(root)
    async with serving(root) as memory:
        engine = await joined(memory, transport)
        await engine.send(Outgoing(b'42["event",0]'))
        question = await engine.inbox.get()
        assert question.data == b'20["question"]'
        await send_at_once(engine, transport, [b'42["event",%d]' % number for number in range(1, events)])
        await engine.send(Outgoing(b'430["answer"]'))
        await trio.sleep(1)
        assert log == ["answer", *range(1, events)]
        assert trio.current_time() < 5


@both
@pytest.mark.parametrize(("max_pending_bytes", "outcome"), [(60_000, "answer"), (50_000, "timeout")])
async def test_what_is_read_for_the_sake_of_an_answer_is_bounded_by_its_bytes(
    autojump_clock: MockClock, transport: TransportName, max_pending_bytes: int, outcome: str
) -> None:
    root = Router()
    log = asking(root)
    config = Config(max_pending_events=4, max_pending_bytes=max_pending_bytes)
    async with serving(root, config=config) as memory:
        engine = await joined(memory, transport)
        honest = await memory.connect()
        await engine.send(Outgoing(b'42["event",0]'))
        await engine.inbox.get()
        padding = b"x" * 480
        packets = [b'42["event",%d,"%s"]' % (number, padding) for number in range(1, 54)]  # some 1000 bytes each
        async with trio.open_nursery() as nursery:

            async def send() -> None:
                await send_at_once(engine, transport, packets)
                await engine.send(Outgoing(b'430["answer"]'))

            nursery.start_soon(send)
            await trio.sleep(1)
            await honest.emit("event", 1)  # nobody else is held up
        await trio.sleep(10)
        assert outcome in log
        assert sorted(entry for entry in log if isinstance(entry, int)) == sorted([1, *range(1, 54)]), "none is lost"


async def test_two_that_wait_for_room_are_both_let_go(autojump_clock: MockClock) -> None:
    root = Router()

    @root.on("slow")
    async def slow(socket: Socket) -> None:
        await trio.sleep(1)

    async with serving(root, config=Config(max_pending_events=2)) as memory:
        client = await memory.connect()
        session = only_session(memory)
        for _ in range(2):
            await client.emit("slow")
        await wait_all_tasks_blocked()
        assert session.backlogged
        with trio.fail_after(1.5):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(session.wait_ready)
                await wait_all_tasks_blocked()
                nursery.start_soon(session.wait_ready)


@both
@pytest.mark.parametrize("leaving", ["drop", "server", "namespace"])
async def test_closing_while_backlogged_leaves_nothing_behind(
    autojump_clock: MockClock, transport: TransportName, leaving: str
) -> None:
    root, gone = Router(), list[str]()
    done = flooded(root)
    root.on_disconnect(lambda socket, reason: gone.append(reason))
    async with serving(root, config=Config(max_pending_events=2)) as memory:
        engine = await joined(memory, transport)
        async with trio.open_nursery() as nursery:

            async def flood() -> None:
                packets = [b'42["event",%d]' % number for number in range(50)]
                with suppress(Closed, trio.BrokenResourceError, trio.ClosedResourceError):
                    if transport == "polling":
                        await engine.send(Outgoing(b"\x1e".join(packets)))
                    else:
                        for packet in packets:
                            await engine.send(Outgoing(packet))

            nursery.start_soon(flood)
            await wait_all_tasks_blocked()
            (socket,) = memory.server.of("/").sockets()
            if leaving == "drop":
                await engine.drop()  # found out when it is read from again, or written to
                await trio.sleep(100)
            else:
                socket.disconnect(close=leaving == "server")
                await trio.sleep(100)
            nursery.cancel_scope.cancel()
        assert len(gone) == 1
        if leaving != "drop":
            assert done == []
        if leaving == "namespace":
            assert memory.server.statistics().waiting_events == 0


async def test_back_pressure_of_one_namespace_goes_when_the_client_leaves_it(autojump_clock: MockClock) -> None:
    root, other = Router(), Router("/other")
    other.on("ping")(lambda socket: "pong")

    @root.on("stuck")
    async def stuck(socket: Socket) -> None:
        await trio.sleep_forever()

    async with serving(root, other, config=Config(max_pending_events=2)) as memory:
        client = await memory.connect()
        second = await client.connection.join("/other")
        await client.emit("stuck")
        await client.emit("stuck")
        with pytest.raises(Exception, match="no acknowledgement"):
            await second.call("ping", timeout=3)
        memory.server.of("/").volatile.disconnect()
        assert await second.call("ping") == "pong"


# ---- attachments ----------------------------------------------------------------------------------------------------


async def test_attachments_before_the_client_is_in_are_refused(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        engine = await memory.open_engine()
        await engine.send(Outgoing(b'451-["event",{"_placeholder":true,"num":0}]'))
        with pytest.raises(Closed):
            await engine.inbox.get()


async def test_announced_attachments_that_never_come_cost_the_connection(autojump_clock: MockClock) -> None:
    async with serving(Router(), config=Config(request_body_seconds=3, max_payload_bytes=1000)) as memory:
        engine = await joined(memory)
        await engine.send(Outgoing(b'452-["event",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'))
        await trio.sleep(2)
        await engine.send(Outgoing(None, (b"one",)))
        await trio.sleep(0.9)
        assert engine.inbox.closed is None
        with pytest.raises(Closed) as caught:
            await engine.inbox.get()
        assert caught.value.code == 1008
        assert trio.current_time() == pytest.approx(3, abs=0.1), "what has come buys no time"


async def test_attachments_that_come_leave_no_deadline(autojump_clock: MockClock) -> None:
    root, seen = Router(), list[bytes]()

    @root.on("event")
    def event(socket: Socket, data: bytes) -> None:
        seen.append(data)

    async with serving(root, config=Config(request_body_seconds=3)) as memory:
        client = await memory.connect()
        for _ in range(3):
            await client.emit("event", b"data")
        await trio.sleep(10)
        assert seen == [b"data"] * 3
        assert client.connection.engine.inbox.closed is None


async def test_late_attachments_for_a_namespace_that_was_closed_are_ignored(autojump_clock: MockClock) -> None:
    async with serving(Router(), Router("/other")) as memory:
        engine = await joined(memory)
        memory.server.of("/").volatile.disconnect()
        await engine.send(Outgoing(b'451-["event",{"_placeholder":true,"num":0}]', (b"data",)))
        await engine.send(Outgoing(b"40/other,"))
        assert [text[:8] for text in await texts(engine, 2)] == [b"1", b"0/other,"]


async def test_a_namespace_that_is_joined_again_is_none_that_was_left(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        engine = await joined(memory)
        await engine.send(Outgoing(b"41"))
        await wait_all_tasks_blocked()
        assert memory.server.statistics().left_namespaces == 1
        await engine.send(Outgoing(b"40"))
        await wait_all_tasks_blocked()
        assert memory.server.statistics().left_namespaces == 0
