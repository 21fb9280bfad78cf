"""A client in a namespace: order, cancellation, exceptions, joining and leaving, over both transports."""

import functools
import math
from collections.abc import Awaitable

import msgspec
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import (
    NO_ACK,
    AckTimeout,
    Config,
    ConnectionRefused,
    Disconnected,
    InvalidPayload,
    LocalProtocolError,
    Refusal,
    Router,
    Socket,
)
from slysock.config import TransportName
from slysock.ids import DisconnectReason
from slysock.testing import Closed
from slysock_protocol.engineio import Outgoing
from tests.slysock.serving import logged, serving

BOTH: list[TransportName] = ["websocket", "polling"]
both = pytest.mark.parametrize("transport", BOTH)


def recorder(router: Router) -> list[str]:
    """Register two kinds of handlers that note when they run."""
    log: list[str] = []

    @router.on("slow")
    async def slow(socket: Socket, name: str, seconds: float = 1) -> str:
        log.append(f"{name} begins")
        await trio.sleep(seconds)
        log.append(f"{name} ends")
        return name

    @router.on("quick")
    def quick(socket: Socket, name: str) -> str:
        log.append(name)
        return name

    return log


# ---- order ----------------------------------------------------------------------------------------------------------


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


# ---- acknowledgements -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "answer"),
    [
        (None, None),
        (1, 1),
        ([1, 2], [1, 2]),
        ((1, 2), (1, 2)),
        ((), None),
        ({"a": None}, {"a": None}),
        (False, False),
        (b"binary", b"binary"),
    ],
)
@pytest.mark.parametrize("waits", [False, True])
async def test_what_a_handler_returns_is_the_ack(
    autojump_clock: MockClock, result: object, answer: object, waits: bool
) -> None:
    root = Router()
    if waits:

        @root.on("ask")
        async def ask(socket: Socket) -> object:
            await trio.sleep(1)
            return result
    else:

        @root.on("ask")
        def ask_now(socket: Socket) -> object:
            return result

    async with serving(root) as memory:
        assert await (await memory.connect()).call("ask") == answer


async def test_no_ack_sends_none(autojump_clock: MockClock) -> None:
    root = Router()
    root.on("ask")(lambda socket: NO_ACK)
    async with serving(root) as memory:
        client = await memory.connect()
        with pytest.raises(AckTimeout):
            await client.call("ask")


async def test_after_ack_runs_behind_the_ack_and_only_where_the_handler_succeeds(autojump_clock: MockClock) -> None:
    root = Router()

    @root.on("say")
    async def say(socket: Socket, fail: bool) -> str:
        socket.after_ack(socket.namespace.emit, "said")
        if fail:
            raise ValueError
        return "ok"

    @root.on("say now")
    def say_now(socket: Socket) -> str:
        socket.after_ack(socket.emit, "said")
        return "ok"

    async with serving(root) as memory:
        engine = await memory.open_engine()
        await engine.send(Outgoing(b"40"))
        await engine.inbox.get()
        for event, expected in [
            (b'421["say",false]', [b'31["ok"]', b'2["said"]']),
            (b'422["say now"]', [b'32["ok"]', b'2["said"]']),
            (b'42["say",false]', [b'2["said"]']),
            (b'423["say",true]', [b'33[{"error":"Internal error"}]']),
        ]:
            await engine.send(Outgoing(event))
            assert [(await engine.inbox.get()).data for _ in expected] == expected


async def test_after_ack_in_a_task_that_outlives_its_handler_is_an_error(autojump_clock: MockClock) -> None:
    root, log = Router(), list[str]()

    async def go_on(socket: Socket) -> None:
        await trio.sleep(1)
        with pytest.raises(RuntimeError, match="no handler"):
            socket.after_ack(log.append, "lost")
        log.append("went on")

    async with trio.open_nursery() as nursery:

        @root.on("plain")
        def plain(socket: Socket) -> None:
            nursery.start_soon(go_on, socket)

        @root.on("waiting")
        async def waiting(socket: Socket) -> None:
            nursery.start_soon(go_on, socket)

        async with serving(root) as memory:
            client = await memory.connect()
            await client.call("plain")
            await client.call("waiting")
            await trio.sleep(2)
    assert log == ["went on", "went on"]


async def test_a_decorator_that_hides_a_coroutine_function_is_reported(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root = Router()

    async def save(socket: Socket, text: str) -> None:
        raise AssertionError("cannot run")

    @root.on("save")
    def wrapped(socket: Socket, text: str) -> Awaitable[None]:
        return save(socket, text)

    async with serving(root) as memory:
        client = await memory.connect()
        assert await client.call("save", "text") == {"error": "Internal error"}
    assert logged(caplog) == [f"the handler of 'save' failed for socket {client.id}"]
    assert "make it a coroutine function" in caplog.text


async def test_an_event_that_does_not_fit_leaves_a_trace_for_who_looks(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "slysock")
    root = Router()

    @root.on("send")
    def send(socket: Socket, text: str) -> None:
        raise AssertionError("does not fit")

    async with serving(root) as memory:
        client = await memory.connect()
        await client.emit("send", {"text": "secret"})
        await wait_all_tasks_blocked()
    assert f"the arguments of 'send' from socket {client.id} do not fit its handler" in caplog.text
    assert "secret" not in caplog.text


def test_after_ack_outside_a_handler_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="no handler"):
        Socket.after_ack(None, print)  # type: ignore[arg-type]  # it needs no socket to find that out


# ---- cancellation ---------------------------------------------------------------------------------------------------


def lingering(router: Router) -> list[str]:
    """Register a handler that waits for ever and hooks that note what they see."""
    log: list[str] = []

    @router.on("wait")
    async def wait(socket: Socket) -> None:
        log.append("begins")
        try:
            await trio.sleep_forever()
        finally:
            log.append("cancelled")

    @router.on("kick")
    def kick(socket: Socket, close: bool) -> None:
        socket.disconnect(close=close)

    @router.on_disconnect
    def gone(socket: Socket, reason: DisconnectReason) -> None:
        log.append(f"{reason} {sorted(socket.rooms - {socket.id})} {socket.id in socket.rooms}")

    @router.on_connect
    def joined(socket: Socket) -> None:
        socket.join("a", "b")

    return log


@both
@pytest.mark.parametrize("queued", [0, 3])
async def test_a_handler_is_cancelled_when_its_client_leaves_the_namespace(
    autojump_clock: MockClock, transport: TransportName, queued: int
) -> None:
    root = Router()
    log = lingering(root)
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        for _ in range(1 + queued):
            await client.emit("wait")
        await wait_all_tasks_blocked()
        await client.disconnect()
        await trio.sleep(1)
        assert log == ["begins", "cancelled", "client namespace disconnect ['a', 'b'] True"]
    assert len(log) == 3, "once"


@both
async def test_a_handler_is_cancelled_when_its_client_drops_the_connection(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    root = Router()
    log = lingering(root)
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        await client.emit("wait")
        await wait_all_tasks_blocked()
        await client.connection.engine.drop()
        await trio.sleep(1)
        assert log[:2] == ["begins", "cancelled"]
        assert log[2] in ("transport close ['a', 'b'] True", "transport error ['a', 'b'] True")
    assert len(log) == 3


@both
@pytest.mark.parametrize("close", [False, True])
async def test_a_handler_is_cancelled_when_the_server_disconnects_its_client(
    autojump_clock: MockClock, transport: TransportName, close: bool
) -> None:
    root = Router()
    log = lingering(root)
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        await client.emit("wait")
        await wait_all_tasks_blocked()
        (socket,) = memory.server.of("/").sockets()
        socket.emit("last words")
        socket.disconnect(close=close)
        assert not socket.connected
        assert await client.wait_disconnected(5) == "io server disconnect"
        assert await client.expect("last words") == ()
        assert log == ["begins", "cancelled", "server namespace disconnect ['a', 'b'] True"]
        if close:
            with pytest.raises(Closed):
                await client.connection.engine.inbox.get()
        else:
            await client.connection.join()


@both
async def test_a_client_sent_away_by_its_own_plain_handler_hears_it_and_no_error(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    root = Router()
    log = lingering(root)
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        await client.emit("kick", True)
        assert await client.wait_disconnected(5) == "io server disconnect"
    assert log == ["server namespace disconnect ['a', 'b'] True"]


async def test_a_handler_that_disconnects_its_own_client_is_cancelled_at_its_next_wait(
    autojump_clock: MockClock,
) -> None:
    root, log = Router(), list[str]()

    @root.on("leave")
    async def leave(socket: Socket) -> None:
        socket.disconnect()
        log.append("still here")
        await trio.lowlevel.checkpoint()
        log.append("never")

    root.on_disconnect(lambda socket, reason: log.append(reason))
    async with serving(root) as memory:
        client = await memory.connect()
        await client.emit("leave")
        await client.wait_disconnected(5)
        await trio.sleep(1)
    assert log == ["still here", "server namespace disconnect"]


async def test_one_namespace_left_cancels_nothing_in_another(autojump_clock: MockClock) -> None:
    root, other = Router(), Router("/other")
    log, other_log = lingering(root), recorder(other)
    async with serving(root, other) as memory:
        client = await memory.connect()
        second = await client.connection.join("/other")
        await client.emit("wait")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(second.call, "slow", "x", 5)
            await trio.sleep(1)
            await client.disconnect()
    assert log[:2] == ["begins", "cancelled"]
    assert other_log == ["x begins", "x ends"]


@both
async def test_the_disconnect_hook_waits_for_the_handlers_clean_up_and_may_wait_itself(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    root, log = Router(), list[str]()

    @root.on("wait")
    async def wait(socket: Socket) -> None:
        try:
            await trio.sleep_forever()
        finally:
            with trio.move_on_after(3, shield=True):
                await trio.sleep(2)
            log.append(f"clean {trio.current_time()}")

    @root.on_disconnect
    async def gone(socket: Socket, reason: DisconnectReason) -> None:
        log.append(f"hook begins {sorted(socket.rooms - {socket.id})}")
        await trio.sleep(1)
        log.append("hook ends")

    root.on_connect(lambda socket: socket.join("a"))
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        await client.emit("wait")
        await wait_all_tasks_blocked()
        await client.connection.engine.drop()
        await trio.sleep(10)
        assert log == ["clean 2.0", "hook begins ['a']", "hook ends"]


async def test_a_handler_that_takes_too_long_to_end_does_not_cost_the_disconnect_hook(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root, log = Router(), list[str]()

    @root.on("stubborn")
    async def stubborn(socket: Socket) -> None:
        with trio.CancelScope(deadline=trio.current_time() + 60, shield=True):
            await trio.sleep_forever()
        log.append("ended")

    @root.on_disconnect
    async def gone(socket: Socket, reason: DisconnectReason) -> None:
        await trio.sleep(1)
        log.append(f"hook at {trio.current_time()}")

    async with serving(root, config=Config(handler_cleanup_seconds=5)) as memory:
        client = await memory.connect()
        await client.emit("stubborn")
        await wait_all_tasks_blocked()
        await client.disconnect()
        await trio.sleep(100)
    assert log == ["hook at 6.0", "ended"]
    assert any("did not end in 5" in text for text in logged(caplog))


async def test_a_disconnect_hook_that_never_ends_is_cut_short(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root = Router()

    @root.on_disconnect
    async def gone(socket: Socket, reason: DisconnectReason) -> None:
        await trio.sleep_forever()

    async with serving(root, config=Config(handler_cleanup_seconds=5)) as memory:
        await (await memory.connect()).disconnect()
    assert trio.current_time() < 20
    assert any("did not end" in text for text in logged(caplog))


@both
async def test_a_clean_up_that_fails_in_a_nursery_of_the_handlers_ends_nobody_else(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, transport: TransportName
) -> None:
    root, log = Router(), list[str]()
    recorder(root)

    @root.on("nursery")
    async def nursery(socket: Socket) -> None:
        async with trio.open_nursery() as inner:
            inner.start_soon(trio.sleep_forever)
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError("in the clean-up")

    root.on_disconnect(lambda socket, reason: log.append(socket.id))
    async with serving(root) as memory:
        client, other = await memory.connect(transport=transport), await memory.connect(transport=transport)
        await client.emit("nursery")
        await wait_all_tasks_blocked()
        await client.disconnect()
        await trio.sleep(1)
        assert await other.call("quick", "x") == "x"
        assert log == [client.id]
    assert any("'nursery'" in text and client.id in text for text in logged(caplog))


# ---- exceptions -----------------------------------------------------------------------------------------------------


def failing(router: Router) -> None:
    @router.on("fail")
    def fail(socket: Socket, error: bool = True) -> object:
        raise ValueError("a secret")

    @router.on("fail later")
    async def fail_later(socket: Socket) -> object:
        await trio.sleep(1)
        raise KeyError("a secret")

    @router.on("unserialisable")
    def unserialisable(socket: Socket) -> object:
        return object()

    @router.on("refuse")
    async def refuse(socket: Socket) -> object:
        raise Refusal("not today")


@both
@pytest.mark.parametrize("event", ["fail", "fail later", "unserialisable"])
async def test_a_failure_is_logged_with_socket_and_event_and_answered_without_internals(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, event: str, transport: TransportName
) -> None:
    root = Router()
    failing(root)
    recorder(root)
    async with serving(root) as memory:
        client, other = await memory.connect(transport=transport), await memory.connect(transport=transport)
        assert await client.call(event) == {"error": "Internal error"}
        await client.emit(event)
        times = 1 if event == "unserialisable" else 2  # nothing is encoded where nobody asked for an acknowledgement
        assert await client.call("quick", "still here") == "still here"
        assert await other.call("quick", "me too") == "me too"
    assert logged(caplog) == [f"the handler of {event!r} failed for socket {client.id}"] * times
    assert caplog.records[-1].exc_info


async def test_a_refusal_is_answered_and_not_logged(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root = Router()
    failing(root)
    async with serving(root) as memory:
        assert await (await memory.connect()).call("refuse") == {"error": "not today"}
    assert logged(caplog) == []


async def test_a_payload_that_does_not_fit_never_reaches_the_handler(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root = Router()
    log = recorder(root)
    async with serving(root) as memory:
        client = await memory.connect()
        answer = await client.call("quick", 1)
        assert answer == {"error": "Invalid payload: Expected `str`, got `int` - at `$[1]`"}
        await client.emit("quick")
        assert await client.call("quick", "ok") == "ok"
    assert (log, logged(caplog)) == (["ok"], [])


async def test_the_error_hook_answers_for_everything_that_goes_wrong(autojump_clock: MockClock) -> None:
    root, seen = Router(), list[tuple[str, type]]()
    failing(root)

    @root.on_error
    def on_error(socket: Socket, event: str, error: Exception) -> object:
        seen.append((event, type(error)))
        return (event, b"binary") if event != "refuse" else NO_ACK

    async with serving(root) as memory:
        client = await memory.connect()
        assert await client.call("fail") == ("fail", b"binary")
        assert await client.call("fail", "no boolean") == ("fail", b"binary")
        assert await client.call("unserialisable") == ("unserialisable", b"binary")
        await client.emit("fail")
        with pytest.raises(AckTimeout):
            await client.call("refuse")
    kinds = [ValueError, InvalidPayload, LocalProtocolError, ValueError, Refusal]
    assert [kind for _, kind in seen] == kinds


async def test_an_error_hook_that_fails_is_logged_and_ends_nothing(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root = Router()
    failing(root)
    recorder(root)
    root.on_error(lambda socket, event, error: 1 / 0)
    async with serving(root) as memory:
        client = await memory.connect()
        await client.emit("refuse")
        assert await client.call("quick", "ok") == "ok"
    assert logged(caplog) == [f"the error hook for 'refuse' failed for socket {client.id}"]


@both
async def test_a_bug_in_a_type_of_the_applications_is_that_handlers_failure(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, transport: TransportName
) -> None:
    root = Router()
    recorder(root)

    @root.on("buggy")
    def buggy(socket: Socket, value: Buggy) -> None: ...

    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        assert await client.call("buggy", {"x": 1}) == {"error": "Internal error"}
        assert await client.call("quick", "ok") == "ok"
    assert len(logged(caplog)) == 1


class Buggy(msgspec.Struct):
    x: int

    def __post_init__(self) -> None:
        raise KeyError("a bug")


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


async def test_failing_connect_and_disconnect_hooks_are_logged_and_the_next_ones_run(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root, log = Router(), list[str]()
    root.on_connect(lambda socket: 1 / 0)
    root.on_connect(lambda socket: log.append("connected"))
    root.on_disconnect(lambda socket, reason: 1 / 0)
    root.on_disconnect(lambda socket, reason: log.append("gone"))
    async with serving(root) as memory:
        client = await memory.connect()
        await client.disconnect()
        await trio.sleep(1)
    assert log == ["connected", "gone"]
    assert [client.id in text for text in logged(caplog)] == [True, True]


async def test_what_runs_behind_an_ack_may_fail_without_a_second_ack(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root = Router()

    @root.on("ask")
    def ask(socket: Socket) -> str:
        socket.after_ack(divide)
        return "ok"

    def divide() -> float:
        return 1 / 0

    async with serving(root) as memory:
        engine = await memory.open_engine()
        await engine.send(Outgoing(b"40"))
        await engine.inbox.get()
        await engine.send(Outgoing(b'421["ask"]'))
        await engine.send(Outgoing(b'422["ask"]'))
        assert [(await engine.inbox.get()).data for _ in range(2)] == [b'31["ok"]', b'32["ok"]']
    assert len(logged(caplog)) == 2


class LaterHook:
    """An object whose call returns something to wait for, although it is no coroutine function."""

    def __call__(self, *args: object) -> Awaitable[None]:
        return trio.sleep(1)  # noqa: ASYNC105 - that is what this class is for


@pytest.mark.parametrize("beside_a_coroutine", [False, True])
async def test_plain_hooks_that_return_something_to_wait_for_are_failures_and_not_disasters(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, beside_a_coroutine: bool
) -> None:
    root, log = Router(), list[str]()
    root.on_connect(LaterHook())
    root.on_disconnect(LaterHook())
    root.on_disconnect(lambda socket, reason: log.append("gone"))
    if beside_a_coroutine:

        @root.on_connect
        async def wait(socket: Socket) -> None:
            await trio.sleep(1)

    async with serving(root) as memory:
        client = await memory.connect()
        await client.disconnect()
        await trio.sleep(3)
    assert log == ["gone"]
    assert len(logged(caplog)) == 2


# ---- speaking before, during and after ------------------------------------------------------------------------------


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


# ---- joining --------------------------------------------------------------------------------------------------------


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
