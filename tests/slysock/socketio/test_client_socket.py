"""A client as handlers hold it: what is said to it, and what it says of itself."""

import math

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import AckTimeout, Disconnected, LocalProtocolError, Router, Socket
from slysock_protocol.engineio import Outgoing
from tests.slysock.serving import serving


async def test_what_middleware_emits_and_joins_counts_from_the_moment_the_client_is_in(
    autojump_clock: MockClock,
) -> None:
    root, seen = Router(), list[object]()

    @root.use
    async def greet(socket: Socket) -> None:
        socket.emit("early", 1)
        socket.join("a", "b")
        socket.leave("b")
        seen.append(socket.rooms - {socket.id})
        socket.namespace.to("a").emit("not yet in")
        await trio.sleep(1)
        assert not socket.connected

    root.on_connect(lambda socket: socket.emit("late"))
    async with serving(root) as memory:
        client = await memory.connect()
        assert client.id
        assert await client.expect("early") == (1,)
        assert await client.expect("late") == ()
        (socket,) = memory.server.of("/").to("a").sockets()
        assert socket.connected
        assert socket.rooms == {socket.id, "a"}
        assert repr(socket) == f"<Socket {client.id} in '/'>"
        assert socket.id == client.id
    assert seen == [{"a"}]


async def test_what_is_emitted_to_a_client_that_left_the_namespace_is_forgotten(autojump_clock: MockClock) -> None:
    root = Router()
    heard: list[str] = []
    root.on_any_outgoing(lambda socket, event, args: heard.append(event))
    async with serving(root, Router("/other")) as memory:
        client = await memory.connect()
        second = await client.connection.join("/other")
        (socket,) = memory.server.of("/").sockets()
        await client.disconnect()
        await trio.sleep(1)
        socket.emit("too late")
        socket.join("room")
        socket.leave("room")
        socket.disconnect()
        with pytest.raises(Disconnected):
            await socket.call("too late")
        memory.server.of("/other").emit("now")
        assert await second.expect("now") == ()
        assert memory.server.of("/").to("room").sockets() == []
        assert client.waiting() == []
        assert heard == []
        assert await client.connection.join()


async def test_a_call_times_out_and_a_late_answer_is_ignored(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        client = await memory.connect()
        (socket,) = memory.server.of("/").sockets()
        with pytest.raises(AckTimeout, match="3 s") as caught:
            await socket.call("question", timeout=3)
        assert not isinstance(caught.value, Disconnected)
        question = await client.next()
        await client.acknowledge(question)
        await client.acknowledge(question)
        await trio.sleep(1)
        assert socket.connected
        assert memory.server.statistics().awaited_acks == 0


async def test_a_call_to_a_client_that_leaves_ends_at_once(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        client = await memory.connect()
        (socket,) = memory.server.of("/").sockets()
        async with trio.open_nursery() as nursery:

            async def ask() -> None:
                with pytest.raises(Disconnected):
                    await socket.call("question", timeout=math.inf)

            nursery.start_soon(ask)
            await wait_all_tasks_blocked()
            await client.disconnect()
        assert trio.current_time() == 0


async def test_a_call_whose_answer_is_malformed_ends_with_the_client(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        client = await memory.connect()
        (socket,) = memory.server.of("/").sockets()
        async with trio.open_nursery() as nursery:

            async def ask() -> None:
                with pytest.raises(Disconnected):
                    await socket.call("question", timeout=math.inf)

            nursery.start_soon(ask)
            question = await client.next()
            await client.connection.engine.send(Outgoing(b"43%d{}" % (question.ack_id or 0)))
        assert await client.wait_disconnected(10) == "transport close"


@pytest.mark.parametrize("args", [(object(),), tuple(b"1" for _ in range(11))])
async def test_an_event_that_cannot_be_sent_raises_where_it_is_emitted(
    autojump_clock: MockClock, args: tuple[object, ...]
) -> None:
    async with serving(Router()) as memory:
        client = await memory.connect()
        (socket,) = memory.server.of("/").sockets()
        for speak in (socket.emit, socket.broadcast.emit, socket.namespace.emit):
            with pytest.raises(LocalProtocolError):
                speak("event", *args)
        for call in (socket.call, socket.namespace.call):
            with pytest.raises(LocalProtocolError):
                await call("event", *args)
        with pytest.raises(LocalProtocolError):
            socket.emit("disconnect")
        assert memory.server.statistics().awaited_acks == 0
        assert client.waiting() == []


async def test_a_socket_says_whether_its_client_is_joining_in_or_gone(autojump_clock: MockClock) -> None:
    root, seen = Router(), list[tuple[str, bool, bool, bool]]()

    def note(when: str, socket: Socket) -> None:
        seen.append((when, socket.joining, socket.connected, socket.gone))

    root.use(lambda socket: note("joining", socket))
    root.on_connect(lambda socket: note("in", socket))
    root.on_disconnect(lambda socket, reason: note("gone", socket))
    async with serving(root) as memory:
        await (await memory.connect()).disconnect()
        await trio.sleep(1)
    assert seen == [("joining", True, False, False), ("in", False, True, False), ("gone", False, False, True)]


async def test_whom_each_way_of_speaking_from_a_socket_reaches(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        clients = [await memory.connect() for _ in range(3)]
        mine, second, _ = memory.server.of("/").sockets()
        for socket in (mine, second):
            socket.join("room")
        mine.volatile.emit("me")
        mine.broadcast.emit("others")
        mine.to("room").emit("others in the room")
        mine.except_("room").emit("others outside the room")
        await wait_all_tasks_blocked()
        assert [[event.name for event in client.waiting()] for client in clients] == [
            ["me"],
            ["others", "others in the room"],
            ["others", "others outside the room"],
        ]


async def test_what_is_done_behind_an_acknowledgement_may_have_arguments_of_any_kind(autojump_clock: MockClock) -> None:
    root, done = Router(), list[tuple[int, str]]()

    def note(number: int, *, text: str) -> None:
        done.append((number, text))

    @root.on("ask")
    def ask(socket: Socket) -> None:
        socket.after_ack(note, 1, text="x")

    async with serving(root) as memory:
        await (await memory.connect()).call("ask")
    assert done == [(1, "x")]
