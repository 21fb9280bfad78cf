"""`socket.received` and `socket.when_received`: what they promise, and what they do not."""

import itertools
from contextvars import ContextVar
from typing import Final

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, ConnectionRefused, Disconnected, Router, Socket
from slysock.config import TransportName
from slysock.testing import Memory, MemoryClient, PollingClient
from slysock_protocol.engineio import Outgoing
from tests.slysock.serving import both, logged, only_session, serving

PONG: Final = Outgoing(b"3")


def only_socket(memory: Memory) -> Socket:
    (socket,) = memory.server.of("/").sockets()
    return socket


async def silent(memory: Memory, transport: TransportName = "websocket") -> tuple[MemoryClient, Socket]:
    """Connect a client whose pongs are the test's to send."""
    client = await memory.connect(transport=transport)
    client.connection.engine.pace.silent = True
    return client, only_socket(memory)


async def pong(client: MemoryClient) -> None:
    await client.connection.engine.send(PONG)
    await wait_all_tasks_blocked()


@both
async def test_what_was_emitted_has_arrived_when_it_is_received(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    async with serving(Router()) as memory:
        client = await memory.connect(transport=transport)
        socket = only_socket(memory)
        for number in range(20):  # the first of them as fast as the client answers, the others at a ping a second
            socket.emit("page", number)
            await socket.received()
            await wait_all_tasks_blocked()
            assert [event.args for event in client.waiting()] == [(number,)]
        assert 11 < trio.current_time() < 14


@both
async def test_one_who_does_not_read_receives_nothing_until_it_does(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    async with serving(Router()) as memory:
        client = await memory.connect(transport=transport)
        socket, told = only_socket(memory), list[bool]()
        client.connection.engine.pace.stall()
        if transport == "polling":
            await client.emit("anything")  # the poll that waits goes on; the one behind it does not begin
            socket.emit("for the poll that waits")
            await wait_all_tasks_blocked()
        socket.emit("page", "x" * 100_000)
        socket.when_received(told.append)
        await trio.sleep(10)
        assert told == []
        client.connection.engine.pace.resume()
        await trio.sleep(6)
        assert told == [True]


@both
async def test_the_pong_of_a_heartbeat_from_before_the_event_proves_nothing(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    async with serving(Router()) as memory:
        client, socket = await silent(memory, transport)
        await trio.sleep(26)  # the heartbeat's ping is on its way
        told = list[bool]()
        socket.emit("later")
        socket.when_received(told.append)
        await pong(client)
        assert told == []
        await pong(client)
        assert told == [True]


@both
async def test_unsolicited_pongs_count_for_nothing(autojump_clock: MockClock, transport: TransportName) -> None:
    async with serving(Router()) as memory:
        client, socket = await silent(memory, transport)
        for _ in range(100):
            await client.connection.engine.send(PONG)
        await wait_all_tasks_blocked()
        told = list[bool]()
        socket.emit("later")
        socket.when_received(told.append)
        await wait_all_tasks_blocked()
        assert told == []
        await pong(client)
        assert told == [True]


@both
async def test_asking_all_the_time_keeps_no_silent_client(autojump_clock: MockClock, transport: TransportName) -> None:
    async with serving(Router()) as memory:
        _, socket = await silent(memory, transport)
        told = list[bool]()
        while socket.connected:
            socket.when_received(told.append)
            await trio.sleep(0.5)
        assert 45 <= trio.current_time() <= 46
        assert set(told) == {False}
        assert len(told) == round(trio.current_time() / 0.5)


async def test_an_answer_is_a_sign_of_life_as_a_heartbeats_is(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        client, socket = await silent(memory)
        await trio.sleep(20)
        socket.when_received(lambda received: None)
        await pong(client)
        await trio.sleep(44.9)
        assert socket.connected
        await trio.sleep(0.2)
        assert not socket.connected


async def test_nobody_is_pinged_who_is_not_asked_about(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        client, socket = await silent(memory)
        socket.emit("event")
        await trio.sleep(24)
        assert only_session(memory)._receipts is None
        assert [event.name for event in client.waiting()] == ["event"]
        await pong(client)
        await trio.sleep(20.9)
        assert socket.connected, "the unsolicited pong has moved nothing"
        await trio.sleep(0.2)
        assert not socket.connected


# ---- when it cannot be known ----------------------------------------------------------------------------------------


@both
async def test_leaving_ends_every_wait(autojump_clock: MockClock, transport: TransportName) -> None:
    async with serving(Router()) as memory:
        client, socket = await silent(memory, transport)
        told = list[bool]()
        async with trio.open_nursery() as nursery:

            async def wait() -> None:
                with pytest.raises(Disconnected, match="may not have received"):
                    await socket.received()

            nursery.start_soon(wait)
            socket.when_received(told.append)
            await wait_all_tasks_blocked()
            await client.connection.engine.drop()
        assert told == [False]
        socket.when_received(told.append)
        assert told == [False, False]
        with pytest.raises(Disconnected):
            await socket.received()


async def test_one_who_leaves_a_namespace_ignores_what_comes_for_it_and_so_has_not_received_it(
    autojump_clock: MockClock,
) -> None:
    async with serving(Router(), Router("/other")) as memory:
        client, socket = await silent(memory)
        await client.connection.join("/other")
        (other,) = memory.server.of("/other").sockets()
        told = list[tuple[str, bool]]()
        socket.when_received(lambda received: told.append(("/", received)))
        other.when_received(lambda received: told.append(("/other", received)))
        await client.disconnect()
        await wait_all_tasks_blocked()
        assert told == [("/", False)]
        await pong(client)
        await pong(client)
        assert told == [("/", False), ("/other", True)]


async def test_namespaces_share_pings_and_each_is_told_of_its_own(autojump_clock: MockClock) -> None:
    async with serving(Router(), Router("/other")) as memory:
        client, socket = await silent(memory)
        await client.connection.join("/other")
        (other,) = memory.server.of("/other").sockets()
        told = list[str]()
        socket.emit("one")
        socket.when_received(lambda _: told.append("/"))
        other.emit("two")
        other.when_received(lambda _: told.append("/other"))
        await pong(client)
        assert told == ["/"]
        await pong(client)
        assert told == ["/", "/other"]


@pytest.mark.parametrize("close", [False, True])
async def test_a_kick_right_behind_an_emit_leaves_it_unknown_although_it_arrives(
    autojump_clock: MockClock, close: bool
) -> None:
    async with serving(Router()) as memory:
        client = await memory.connect()
        socket, told = only_socket(memory), list[bool]()
        socket.emit("last words")
        socket.when_received(told.append)
        socket.disconnect(close)
        assert told == [False]
        await client.expect("last words")
        await client.wait_disconnected(5)


async def test_who_waits_before_the_kick_knows(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        client = await memory.connect()
        socket = only_socket(memory)
        socket.emit("last words")
        await socket.received()
        socket.disconnect()
        await client.expect("last words")
        assert await client.wait_disconnected(5) == "io server disconnect"


async def test_a_volatile_event_that_was_left_out_is_not_waited_for(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        client = await memory.connect()
        socket, told = only_socket(memory), list[bool]()
        client.connection.engine.pace.stall()
        socket.emit("large", "x" * 1_000_000)
        await wait_all_tasks_blocked()  # the line is full
        socket.volatile.emit("left out")
        socket.when_received(told.append)
        client.connection.engine.pace.resume()
        await trio.sleep(1)
        assert (told, [event.name for event in client.waiting()]) == ([True], ["large"])


async def test_middleware_may_not_ask_as_nothing_is_sent_yet(autojump_clock: MockClock) -> None:
    root, told = Router(), list[bool]()

    @root.use
    async def ask(socket: Socket) -> None:
        socket.emit("early")
        with pytest.raises(RuntimeError, match="let in"):
            socket.when_received(told.append)
        with pytest.raises(RuntimeError, match="let in"):
            await socket.received()
        raise ConnectionRefused("asked")

    async with serving(root) as memory:
        with pytest.raises(ConnectionRefused, match="asked"):
            await memory.connect()
        assert told == []


async def test_a_connect_hook_may(autojump_clock: MockClock) -> None:
    root, told = Router(), list[str]()

    @root.on_connect
    async def greet(socket: Socket) -> None:
        socket.emit("hello")
        await socket.received()
        told.append("received")

    async with serving(root) as memory:
        client = await memory.connect()
        await client.expect("hello")
        await wait_all_tasks_blocked()
        assert told == ["received"]


# ---- whoever is told ------------------------------------------------------------------------------------------------


async def test_a_handler_that_waits_does_not_keep_the_pong_from_being_read(autojump_clock: MockClock) -> None:
    root, done = Router(), list[int]()

    @root.on("work")
    async def work(socket: Socket, number: int) -> None:
        if not number:
            await trio.sleep(1)  # until more is waiting than is read for a handler that waits for nothing
            await socket.received()
        done.append(number)

    async with serving(root, config=Config(max_pending_events=5)) as memory:
        client = await memory.connect()
        for number in range(20):
            await client.emit("work", number)
        await trio.sleep(10)
        assert done == list(range(20))
        assert memory.server.statistics().awaited_acks == 0


async def test_a_call_that_fails_is_logged_and_nobody_else_notices(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(Router()) as memory:
        client = await memory.connect()
        socket, told = only_socket(memory), list[bool]()
        for call in (told.append, lambda received: 1 / 0, told.append):
            socket.when_received(call)
        await wait_all_tasks_blocked()
        assert (told, client.connection.engine.inbox.closed) == ([True, True], None)
    assert logged(caplog) == ["what was to follow a receipt failed"]


async def test_a_coroutine_function_is_refused(autojump_clock: MockClock) -> None:
    async def note(received: bool) -> None:
        raise AssertionError(received)

    async with serving(Router()) as memory:
        await memory.connect()
        with pytest.raises(TypeError, match=r"note must be a plain function.*received"):
            only_socket(memory).when_received(note)


async def test_the_call_is_made_in_the_context_of_whoever_asked(autojump_clock: MockClock) -> None:
    who: ContextVar[str] = ContextVar("who", default="nobody")
    root, told = Router(), list[str]()

    @root.on("ask")
    def ask(socket: Socket, name: str) -> None:
        who.set(name)
        socket.when_received(lambda _: told.append(who.get()))

    async with serving(root) as memory:
        first, second = await memory.connect(), await memory.connect()
        await first.emit("ask", "first")
        await second.emit("ask", "second")
        await wait_all_tasks_blocked()
        assert sorted(told) == ["first", "second"]
        assert who.get() == "nobody"


async def test_one_whose_wait_is_cancelled_leaves_the_others_theirs(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        client, socket = await silent(memory)
        told = list[bool]()
        with trio.move_on_after(1) as scope:
            await socket.received()
        assert scope.cancelled_caught
        socket.when_received(told.append)
        assert memory.server.statistics().awaited_acks == 0
        await pong(client)
        assert told == []
        await pong(client)
        assert told == [True]


async def test_another_thread_may_ask_but_not_wait(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        await memory.connect()
        socket, told = only_socket(memory), list[bool]()

        def ask() -> None:
            socket.emit("from a thread")
            socket.when_received(told.append)
            with pytest.raises(RuntimeError, match="event loop"):
                socket.received().send(None)

        await trio.to_thread.run_sync(ask)
        await wait_all_tasks_blocked()
        assert told == [True]


# ---- an upgrade in between ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["before", "during", "after"])
async def test_a_receipt_survives_an_upgrade(autojump_clock: MockClock, moment: str) -> None:
    async with serving(Router()) as memory:
        client = await memory.connect(transport="polling")
        engine = client.connection.engine
        assert isinstance(engine, PollingClient)
        socket, told = only_socket(memory), list[bool]()
        engine.pace.silent = True
        if moment == "before":
            socket.emit("event")
            socket.when_received(told.append)
            await wait_all_tasks_blocked()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(engine.upgrade)
            if moment == "during":
                for _ in itertools.takewhile(lambda _: only_session(memory).state != "upgrading", itertools.count()):
                    await trio.lowlevel.checkpoint()
                socket.emit("event")
                socket.when_received(told.append)
        if moment == "after":
            socket.emit("event")
            socket.when_received(told.append)
        await wait_all_tasks_blocked()
        assert (told, [event.name for event in client.waiting()]) == ([], ["event"])
        assert only_session(memory).transport.name == "websocket"
        await pong(client)
        assert told == [True]
