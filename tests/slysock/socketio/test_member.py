"""One client in one namespace: coming in, its events in their order, leaving; over both transports."""

import functools
from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import ConnectionRefused, Refusal, Router, Socket
from slysock.config import TransportName
from slysock.testing import Closed
from slysock_protocol.engineio import Outgoing
from tests.slysock.handlers.recorder import recorder
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


# ---- let in means let in --------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("is_async", [False, True])
async def test_middleware_that_returns_false_refuses_as_if_it_had_raised(
    autojump_clock: MockClock, transport: TransportName, is_async: bool
) -> None:
    root, log = Router(), list[str]()

    async def wait(socket: Socket) -> bool:
        await trio.sleep(1)
        return False

    root.use(wait if is_async else lambda socket: False)
    root.on_connect(lambda socket: log.append("connected"))
    async with serving(root) as memory:
        with pytest.raises(ConnectionRefused, match="Connection refused"):
            await memory.connect(transport=transport)
    assert log == []


@pytest.mark.parametrize("answer", [None, True])
async def test_middleware_and_connect_hooks_that_return_none_or_true_let_in(
    autojump_clock: MockClock, answer: bool | None
) -> None:
    root = Router()
    root.use(lambda socket: answer)
    root.on_connect(lambda socket: answer)
    root.on("echo")(lambda socket, text: text)
    async with serving(root) as memory:
        assert await (await memory.connect()).call("echo", "in") == "in"


@pytest.mark.parametrize("answer", [0, 1, "no", [], {"allowed": False}])
async def test_middleware_that_returns_anything_else_is_a_mistake_and_lets_nobody_in(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, answer: object
) -> None:
    root = Router()
    root.use(lambda socket: answer)
    async with serving(root) as memory:
        with pytest.raises(ConnectionRefused, match="Internal error"):
            await memory.connect()
    (record,) = [record for record in caplog.records if record.name == "slysock" and record.levelname == "ERROR"]
    assert type(answer).__name__ in str(record.exc_info)


def refuse_by_returning(socket: Socket) -> bool:
    socket.emit("greeting")
    return False


def refuse_by_raising(socket: Socket) -> None:
    socket.emit("greeting")
    raise ConnectionRefused("no entry")


async def refuse_later(socket: Socket) -> None:
    socket.emit("greeting")
    await trio.sleep(1)
    raise Refusal("no entry")


@both
@pytest.mark.parametrize("hook", [refuse_by_returning, refuse_by_raising, refuse_later])
async def test_a_connect_hook_that_refuses_disconnects_behind_what_was_emitted(
    autojump_clock: MockClock,
    caplog: pytest.LogCaptureFixture,
    transport: TransportName,
    hook: Callable[[Socket], object],
) -> None:
    root, log = Router(), list[object]()
    root.on_connect(hook)
    root.on_connect(lambda socket: log.append("the next hook"))
    root.on_error(lambda socket, event, error: log.append((event, type(error), socket.connected)))
    root.on("steal")(lambda socket: log.append("stolen"))
    root.on_disconnect(lambda socket, reason: log.append(reason))
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        await client.emit("steal")
        assert await client.expect("greeting") == ()
        assert await client.wait_disconnected(10) == "io server disconnect"
        error = Refusal if hook is refuse_later else ConnectionRefused
        assert log == [("connect", error, True), "server namespace disconnect"]
        assert logged(caplog) == [], "an expected no"
        assert (await client.connection.join()).id, "its connection is none the worse"


@both
@pytest.mark.parametrize("is_async", [False, True])
async def test_a_connect_hook_that_fails_closes_the_connection_so_that_clients_come_again(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, transport: TransportName, is_async: bool
) -> None:
    root, log = Router(), list[object]()

    def plain(socket: Socket) -> None:
        socket.emit("greeting")
        raise ValueError("oh")

    async def wait(socket: Socket) -> None:
        await trio.sleep(1)
        plain(socket)

    root.on_connect(wait if is_async else plain)
    root.on_error(lambda socket, event, error: log.append((event, type(error))))
    root.on_disconnect(lambda socket, reason: log.append(reason))
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        assert await client.expect("greeting") == ()
        assert await client.wait_disconnected(10) == "transport close", "and not by the server's word for good"
        assert memory.server.statistics().connections == 0
    assert log == [("connect", ValueError), "forced server close"]
    assert len(logged(caplog)) == 1


async def test_a_connect_hook_that_returns_anything_else_is_a_mistake_and_lets_nobody_stay(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root = Router()
    root.on_connect(lambda socket: "welcome")
    async with serving(root) as memory:
        client = await memory.connect()
        assert await client.wait_disconnected(10) == "transport close"
    assert len(logged(caplog)) == 1


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
