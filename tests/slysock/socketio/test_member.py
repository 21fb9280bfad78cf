"""One client in one namespace: coming in, its events in their order, leaving; over both transports."""

import functools

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import ConnectionRefused, Disconnected, Router, Socket
from slysock.config import TransportName
from slysock.ids import DisconnectReason
from slysock.testing import Closed
from slysock_protocol.engineio import Outgoing
from tests.slysock.handlers.recorder import recorder
from tests.slysock.notebook import Notebook
from tests.slysock.serving import both, logged, serving

# ---- coming in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("waits", [False, True])
async def test_middleware_runs_in_order_and_the_first_refusal_ends_it(autojump_clock: MockClock, waits: bool) -> None:
    root, log = Router(), list[str]()

    @root.use
    def first(socket: Socket) -> None:
        log.append("first")

    if waits:

        @root.use
        async def second(socket: Socket) -> None:
            await trio.sleep(1)
            log.append("second")

    @root.use
    def third(socket: Socket) -> None:
        log.append("third")
        if socket.handshake.auth != {"token": "good"}:
            raise ConnectionRefused("no entry", data={"code": 7})

    root.use(lambda socket: log.append("last"))
    root.on_connect(lambda socket: log.append("in"))
    root.on_disconnect(lambda socket, reason: log.append("out"))
    async with serving(root) as memory:
        with pytest.raises(ConnectionRefused) as caught:
            await memory.connect(auth={"token": "bad"})
        assert (caught.value.message, caught.value.data) == ("no entry", {"code": 7})
        assert memory.server.of("/").sockets() == []
        refused = log.copy()
        log.clear()
        await memory.connect(auth={"token": "good"})
        await trio.sleep(2)
        middle = ["second"] if waits else []
        assert refused == ["first", *middle, "third"], "who was never in is not out"
        assert log == ["first", *middle, "third", "last", "in"]


async def test_a_refused_client_may_try_again_on_the_same_connection(autojump_clock: MockClock) -> None:
    root = Router()

    @root.use
    def gate(socket: Socket) -> None:
        if not socket.handshake.auth:
            raise ConnectionRefused("who are you?")

    async with serving(root) as memory:
        connection = await memory.open_connection()
        with pytest.raises(ConnectionRefused, match="who are you") as caught:
            await connection.join()
        assert caught.value.data is None
        assert (await connection.join(auth={"name": "me"})).id


@both
@pytest.mark.parametrize("waits", [False, True])
async def test_failing_middleware_keeps_the_client_out_without_internals(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, waits: bool, transport: TransportName
) -> None:
    root = Router()
    if waits:
        root.use(functools.partial(sleep_and_fail, 1))
    root.use(lambda socket: 1 / 0)
    async with serving(root) as memory:
        with pytest.raises(ConnectionRefused, match=r"^Internal error$") as caught:
            await memory.connect(transport=transport)
        assert caught.value.data is None
    assert len(logged(caplog)) == 1


async def sleep_and_fail(seconds: float, socket: Socket) -> None:
    await trio.sleep(seconds)
    raise ValueError("a secret")


@both
@pytest.mark.parametrize("waits", [False, True])
async def test_a_refusal_that_cannot_be_encoded_still_refuses_and_ends_nobody_else(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, waits: bool, transport: TransportName
) -> None:
    root, other = Router(), Router("/other")

    @root.use
    def gate(socket: Socket) -> None:
        raise ConnectionRefused("no", data=object())

    if waits:

        @root.use
        async def never(socket: Socket) -> None: ...

    async with serving(root, other) as memory:
        bystander = await memory.connect("/other", transport=transport)
        with pytest.raises(ConnectionRefused, match="Internal error"):
            await memory.connect(transport=transport)
        memory.server.of("/other").emit("still here")
        await bystander.expect("still here")
    assert len(logged(caplog)) == 1


@pytest.mark.parametrize("close", [False, True])
async def test_middleware_may_disconnect(autojump_clock: MockClock, close: bool) -> None:
    root, log = Router(), list[str]()

    @root.use
    async def gate(socket: Socket) -> None:
        socket.disconnect(close=close)

    root.on_connect(lambda socket: log.append("in"))
    root.on_disconnect(lambda socket, reason: log.append("out"))
    async with serving(root) as memory:
        with pytest.raises(Closed):
            await memory.connect()
    assert log == []


async def test_a_connect_hook_that_sends_the_client_away_is_the_last_one(autojump_clock: MockClock) -> None:
    root, log = Router(), list[str]()

    @root.on_connect
    def away(socket: Socket) -> None:
        socket.emit("sorry")
        socket.disconnect()

    root.on_connect(lambda socket: log.append("in"))
    root.on_disconnect(lambda socket, reason: log.append("out"))
    async with serving(root) as memory:
        client = await memory.connect()
        assert await client.expect("sorry") == ()
        assert await client.wait_disconnected(5) == "io server disconnect"
    assert log == ["out"]


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_a_connect_hook_that_waits_runs_before_the_first_event(
    autojump_clock: MockClock, concurrency: int
) -> None:
    root, log = Router(), list[str]()

    @root.on_connect
    async def connected(socket: Socket) -> None:
        await trio.sleep(3)
        log.append("connected")

    @root.on("event", concurrency=concurrency)
    async def event(socket: Socket) -> None:
        log.append("event")

    async with serving(root) as memory:
        client = await memory.connect()
        await client.emit("event")
        await client.call("event")
        assert log == ["connected", "event", "event"]


async def test_a_client_that_leaves_while_middleware_runs_was_never_in(autojump_clock: MockClock) -> None:
    root, log = Router(), list[str]()

    @root.use
    async def slow(socket: Socket) -> None:
        try:
            await trio.sleep(10)
        finally:
            log.append("middleware ended")

    root.on_connect(lambda socket: log.append("in"))
    root.on_disconnect(lambda socket, reason: log.append("out"))
    async with serving(root) as memory:
        engine = await memory.open_engine()
        await engine.send(Outgoing(b"40"))
        await wait_all_tasks_blocked()
        await engine.drop()
        await trio.sleep(1)
        assert log == ["middleware ended"]


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_an_event_before_the_client_is_in_reaches_neither_handler_nor_listener(
    autojump_clock: MockClock, concurrency: int
) -> None:
    root, log = Router(), list[str]()

    @root.use
    async def slow(socket: Socket) -> None:
        await trio.sleep(10)

    @root.on("event", concurrency=concurrency)
    async def event(socket: Socket) -> None:
        log.append("event")

    root.on_any(lambda socket, event, args: log.append("listener"))
    async with serving(root) as memory:
        engine = await memory.open_engine()
        await engine.send(Outgoing(b"40"))
        await engine.send(Outgoing(b'42["event"]'))
        with pytest.raises(Closed):
            await engine.inbox.get()
    assert log == []


# ---- events ---------------------------------------------------------------------------------------------------------


@both
async def test_events_of_one_socket_run_in_order_whatever_their_handlers_are(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    root = Router()
    log = recorder(root)
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        await client.emit("quick", "0")
        await client.emit("slow", "1", 3)
        await client.emit("quick", "2")
        await client.emit("slow", "3", 1)
        assert await client.call("quick", "4") == "4"
    assert log == ["0", "1 begins", "1 ends", "2", "3 begins", "3 ends", "4"]


async def test_a_plain_handler_runs_inline_without_a_task(autojump_clock: MockClock) -> None:
    root, tasks = Router(), list[object]()

    @root.on("here")
    def here(socket: Socket) -> None:
        tasks.append(trio.lowlevel.current_statistics().tasks_living)

    async with serving(root) as memory:
        client = await memory.connect()
        await client.call("here")
        await client.call("here")
    assert tasks[0] == tasks[1]


async def test_a_slow_handler_holds_up_no_other_client(autojump_clock: MockClock) -> None:
    root = Router()
    recorder(root)
    async with serving(root) as memory:
        one, other = await memory.connect(), await memory.connect()
        await one.emit("slow", "1", 100)
        assert await other.call("quick", "2") == "2"
        assert trio.current_time() == 0


@both
async def test_an_ack_never_waits_behind_a_handler(autojump_clock: MockClock, transport: TransportName) -> None:
    root = Router()

    @root.on("ask me")
    async def ask(socket: Socket) -> object:
        return await socket.call("question", 1)

    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        async with trio.open_nursery() as nursery:

            async def answer() -> None:
                question = await client.next()
                assert (question.name, question.args) == ("question", (1,))
                await client.emit("nobody listens")
                await client.acknowledge(question, "answer", b"binary")

            nursery.start_soon(answer)
            assert await client.call("ask me") == ("answer", b"binary")
    assert trio.current_time() < 5


@pytest.mark.parametrize("limit", [2, 3])
async def test_concurrency_of_an_event_is_bounded_and_beside_the_others(autojump_clock: MockClock, limit: int) -> None:
    root = Router()
    log, most, running = recorder(root), 0, 0

    @root.on("many", concurrency=limit)
    async def many(socket: Socket, seconds: float) -> float:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await trio.sleep(seconds)
        running -= 1
        return seconds

    async with serving(root) as memory:
        client = await memory.connect()
        await client.emit("slow", "s", 50)
        for seconds in (5, 1, 1, 1, 1):
            await client.emit("many", seconds)
        assert await client.call("many", 2) == 2
        assert trio.current_time() < 10
        assert log == ["s begins"]
    assert most == limit


async def test_a_concurrent_plain_handler_is_called(autojump_clock: MockClock) -> None:
    root = Router()

    @root.on("plain", concurrency=2)
    def plain(socket: Socket) -> int:
        return 1

    async with serving(root) as memory:
        assert await (await memory.connect()).call("plain") == 1


async def test_an_event_whose_client_a_listener_sends_away_is_not_handled(autojump_clock: MockClock) -> None:
    root, handled = Router(), list[str]()
    root.on_any(lambda socket, event, args: socket.disconnect())
    root.on("event")(lambda socket: handled.append("event"))
    async with serving(root) as memory:
        client = await memory.connect()
        await client.emit("event")
        assert await client.wait_disconnected(1) == "io server disconnect"
        await wait_all_tasks_blocked()
        assert handled == []


async def test_an_event_for_a_client_that_is_joining_waits_until_it_is_in(autojump_clock: MockClock) -> None:
    root = Router()

    @root.use
    async def greet(socket: Socket) -> None:
        socket.emit("first")
        await trio.sleep(1)
        socket.emit("second")

    async with serving(root) as memory:
        client = await memory.connect()
        assert [await client.expect("first"), await client.expect("second")] == [(), ()]


async def test_failing_listeners_are_logged_and_change_nothing(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root, seen = Router(), list[tuple[str, str, object]]()
    recorder(root)
    root.on_any(lambda socket, event, args: 1 / 0)
    root.on_any(lambda socket, event, args: seen.append(("in", event, args)))
    root.on_any_outgoing(lambda socket, event, args: 1 / 0)
    root.on_any_outgoing(lambda socket, event, args: seen.append(("out", event, args)))
    async with serving(root) as memory:
        client = await memory.connect()
        assert await client.call("quick", "x") == "x"
        await client.emit("nobody listens", 1)
        memory.server.of("/").emit("news", b"1")
        memory.server.of("/").sockets()[0].emit("letter")
        assert await client.expect("news") == (b"1",)
        assert await client.expect("letter") == ()
    assert set(seen) == {
        ("in", "quick", ("x",)),
        ("in", "nobody listens", (1,)),
        ("out", "news", (b"1",)),
        ("out", "letter", ()),
    }
    assert len(seen) == 4
    assert len(logged(caplog)) == 4
    assert all(client.id in text for text in logged(caplog))


async def test_an_event_goes_to_the_handler_that_its_arguments_fit(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root = Router()

    @root.on("set")
    def number(socket: Socket, value: int) -> str:
        return "number"

    @root.on("set")
    def text(socket: Socket, value: str) -> str:
        return "text"

    async with serving(root) as memory:
        client = await memory.connect()
        assert [await client.call("set", value) for value in (1, "1")] == ["number", "text"]
        answer = await client.call("set", None)
        assert answer == {"error": "Invalid payload: no handler of this event takes null"}
        await client.connection.engine.send(Outgoing(b'42["set",'))
        assert await client.wait_disconnected(10) == "transport close"
    assert logged(caplog) == []


async def test_observers_hear_of_a_member_from_its_coming_to_its_going(autojump_clock: MockClock) -> None:
    root, notebook = Router(), Notebook()
    recorder(root)
    async with serving(root) as memory:
        memory.server.observe(notebook)
        client = await memory.connect()
        await client.call("quick", "x")
        await client.call("quick", 1)
        await client.disconnect()
        await wait_all_tasks_blocked()
        assert notebook.told == [
            ("joined", "/"),
            ("handled", "quick", 0.0),
            ("failed", "quick", "InvalidPayload"),
            ("left", "/", "client namespace disconnect"),
        ]


# ---- rooms and answers ----------------------------------------------------------------------------------------------


async def test_rooms_are_kept_from_before_the_client_is_in_until_it_has_left(autojump_clock: MockClock) -> None:
    root = Router()

    @root.use
    def arrange(socket: Socket) -> None:
        socket.join("a", "b", "c")
        socket.leave("c")

    async with serving(root) as memory:
        client = await memory.connect()
        (socket,) = memory.server.of("/").sockets()
        socket.join("d")
        socket.leave("b")
        assert socket.rooms == {socket.id, "a", "d"}
        await client.disconnect()
        await wait_all_tasks_blocked()
        socket.join("e")
        socket.leave("a")
        assert socket.rooms == {socket.id, "a", "d"}, "those that it was in"


async def test_an_answer_counts_once_and_only_while_somebody_waits_for_it(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory, trio.open_nursery() as nursery:
        client = await memory.connect()
        (socket,) = memory.server.of("/").sockets()
        answers: list[object] = []

        async def ask() -> None:
            answers.append(await socket.call("question"))

        nursery.start_soon(ask)
        question = await client.next()
        assert memory.server.statistics().awaited_acks == 1
        await client.acknowledge(question, "first")
        await client.acknowledge(question, "second")
        await wait_all_tasks_blocked()
        assert answers == ["first"]
        assert memory.server.statistics().awaited_acks == 0
        assert socket.connected


async def test_who_waits_for_the_answer_of_a_client_that_leaves_or_has_left_learns_it(
    autojump_clock: MockClock,
) -> None:
    async with serving(Router()) as memory, trio.open_nursery() as nursery:
        client = await memory.connect()
        (socket,) = memory.server.of("/").sockets()

        async def ask() -> None:
            with pytest.raises(Disconnected):
                await socket.call("question")

        nursery.start_soon(ask)
        await client.next()
        await client.disconnect()
        await wait_all_tasks_blocked()
        assert nursery.child_tasks == frozenset()
        await ask()
        assert trio.current_time() == 0


# ---- going ----------------------------------------------------------------------------------------------------------


async def test_a_refusal_behind_a_disconnect_says_nothing_more(autojump_clock: MockClock) -> None:
    root = Router()

    @root.use
    async def gate(socket: Socket) -> None:
        socket.disconnect()
        raise ConnectionRefused("too late to say")

    async with serving(root) as memory:
        engine = await memory.open_engine()
        await engine.send(Outgoing(b"40"))
        assert (await engine.inbox.get()).data == b"1"
        await engine.send(Outgoing(b"40"))
        assert (await engine.inbox.get()).data == b"1"


async def test_an_answer_of_a_handler_that_has_sent_its_client_away_is_forgotten(autojump_clock: MockClock) -> None:
    root = Router()

    @root.on("leave")
    def leave(socket: Socket) -> str:
        socket.disconnect()
        socket.emit("forgotten")
        return "forgotten"

    async with serving(root) as memory:
        engine = await memory.open_engine()
        await engine.send(Outgoing(b"40"))
        await engine.inbox.get()
        await engine.send(Outgoing(b'421["leave"]'))
        await engine.send(Outgoing(b"40"))
        assert (await engine.inbox.get()).data == b"1"
        assert (await engine.inbox.get()).data.startswith(b"0{")


async def test_a_client_that_has_left_one_namespace_can_still_lose_its_connection(autojump_clock: MockClock) -> None:
    async with serving(Router(), Router("/other")) as memory:
        client = await memory.connect()
        other = await client.connection.join("/other")
        (socket,) = memory.server.of("/").sockets()
        socket.disconnect()
        assert await client.wait_disconnected(1) == "io server disconnect"
        socket.disconnect(close=True)
        assert await other.wait_disconnected(1) == "io server disconnect"


async def test_a_member_that_a_hook_takes_out_while_its_connection_ends_leaves_once(autojump_clock: MockClock) -> None:
    root, other, gone = Router(), Router("/other"), list[tuple[str, DisconnectReason]]()

    @root.on_disconnect
    def take_along(socket: Socket, reason: DisconnectReason) -> None:
        gone.append((socket.namespace.name, reason))
        memory.server.of("/other").except_().disconnect()

    other.on_disconnect(lambda socket, reason: gone.append((socket.namespace.name, reason)))
    async with serving(root, other) as memory:
        client = await memory.connect()
        await client.connection.join("/other")
        await client.connection.engine.drop()
        await trio.sleep(1)
        assert gone == [("/", "transport close"), ("/other", "server namespace disconnect")]


async def test_a_connect_hook_that_fails_behind_its_clients_leaving_closes_nothing(autojump_clock: MockClock) -> None:
    root = Router()

    @root.on_connect
    async def connect(socket: Socket) -> None:
        await trio.sleep(1)
        raise ValueError("oh")

    async with serving(root, Router("/other")) as memory:
        client = await memory.connect()
        other = await client.connection.join("/other")
        await client.disconnect()
        await trio.sleep(2)
        assert memory.server.of("/other").get(other.id) is not None
