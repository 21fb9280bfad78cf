"""One call of one handler: its acknowledgement, and what goes wrong in it."""

from collections.abc import Awaitable

import msgspec
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import NO_ACK, AckTimeout, InvalidPayload, LocalProtocolError, Refusal, Router, Socket
from slysock.config import TransportName
from slysock_protocol.engineio import Outgoing
from tests.slysock.handlers.recorder import recorder
from tests.slysock.notebook import Notebook
from tests.slysock.serving import both, logged, serving

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


async def test_what_shall_be_done_behind_an_ack_is_done_in_order(autojump_clock: MockClock) -> None:
    root, log = Router(), list[str]()

    @root.on("ask")
    def ask(socket: Socket) -> None:
        socket.after_ack(log.append, "first")
        socket.after_ack(log.append, "second")

    async with serving(root) as memory:
        await (await memory.connect()).call("ask")
    assert log == ["first", "second"]


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


def test_after_ack_outside_a_handler_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="no handler"):
        Socket.after_ack(None, print)  # type: ignore[arg-type]  # it needs no socket to find that out


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
    is_told = event == "unserialisable"  # by the line itself
    place = ": cannot be sent: a value of type object - at `$[0]`" if is_told else ""
    assert logged(caplog) == [f"the handler of {event!r} failed for socket {client.id}{place}"] * times
    assert bool(caplog.records[-1].exc_info) is not is_told


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
        assert answer == {"error": "Invalid payload: argument 1: expected `str`, got `int`"}
        await client.emit("quick")
        assert await client.call("quick", "ok") == "ok"
    assert (log, logged(caplog)) == (["ok"], [])


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
    assert "refused, payload: 'send' does not fit its handler: argument 1" in caplog.text
    assert "secret" not in caplog.text


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


async def test_one_call_behind_the_acknowledgement_that_fails_does_not_cost_the_others(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root, log = Router(), list[object]()
    root.on_error(lambda socket, event, error: log.append("the error hook"))

    def fail() -> None:
        raise ValueError("oh")

    @root.on("event")
    def event(socket: Socket) -> str:
        socket.after_ack(log.append, "first")
        socket.after_ack(fail)
        socket.after_ack(log.append, "third")
        return "answer"

    async with serving(root) as memory:
        assert await (await memory.connect()).call("event") == "answer"
        await wait_all_tasks_blocked()
    assert log == ["first", "third"]
    assert ["'event'" in text for text in logged(caplog)] == [True]


@both
async def test_a_clean_up_that_fails_in_a_nursery_of_the_handlers_ends_nobody_else(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, transport: TransportName
) -> None:
    root, log = Router(), list[str]()
    recorder(root)

    @root.on("nursery", until_disconnect=True)
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


async def test_a_handler_whose_nursery_is_cancelled_with_it_has_not_failed(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root = Router()

    @root.on("nursery", until_disconnect=True)
    async def nursery(socket: Socket) -> None:
        async with trio.open_nursery() as inner:
            inner.start_soon(trio.sleep_forever)
            inner.start_soon(trio.sleep_forever)

    async with serving(root) as memory:
        client = await memory.connect()
        await client.emit("nursery")
        await wait_all_tasks_blocked()
        await client.disconnect()
    assert logged(caplog) == []


# ---- observers ------------------------------------------------------------------------------------------------------


async def test_observers_learn_how_long_a_handler_took_and_whose_failed(autojump_clock: MockClock) -> None:
    root, notebook = Router(), Notebook()
    recorder(root)
    failing(root)
    async with serving(root) as memory:
        memory.server.observe(notebook)
        client = await memory.connect()
        for event in ("slow", "quick"):
            await client.call(event, "x")
        for event in ("fail", "refuse"):
            await client.call(event)
    assert [told for told in notebook.told if told[0] in ("handled", "failed")] == [
        ("handled", "slow", 1.0),
        ("handled", "quick", 0.0),
        ("failed", "fail", "ValueError"),
        ("failed", "refuse", "Refusal"),
    ]


@pytest.mark.parametrize("waits", [False, True])
async def test_what_cannot_be_sent_is_one_line_that_names_its_place(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, waits: bool
) -> None:
    root = Router()
    if waits:

        @root.on("ask")
        async def ask(socket: Socket) -> object:
            await trio.sleep(1)
            return {"when": [1, object()]}
    else:

        @root.on("ask")
        def ask_now(socket: Socket) -> object:
            return {"when": [1, object()]}

    async with serving(root) as memory:
        client = await memory.connect()
        assert await client.call("ask") == {"error": "Internal error"}
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "the handler of 'ask' failed" in record.getMessage()
    assert record.getMessage().endswith("- at `$[0].when[1]`")
    assert record.exc_info is None


# ---- groups ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Refusal, InvalidPayload])
async def test_an_expected_no_out_of_a_nursery_is_an_expected_no(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, kind: type[Exception]
) -> None:
    root, notebook, heard, error = Router(), Notebook(), list[Exception](), kind("sold out")

    @root.on("buy")
    async def buy(socket: Socket) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            raise error

    @root.on_error
    def answer(socket: Socket, event: str, error: Exception) -> str:
        heard.append(error)
        return str(error)

    async with serving(root) as memory:
        memory.server.observe(notebook)
        assert await (await memory.connect()).call("buy") == str(error)
    assert heard == [error]
    assert ("failed", "buy", type(error).__name__) in notebook.told
    assert logged(caplog) == []


async def test_without_an_error_hook_a_no_out_of_a_nursery_has_its_text(autojump_clock: MockClock) -> None:
    root = Router()

    @root.on("buy")
    async def buy(socket: Socket) -> None:
        async with trio.open_nursery():
            raise Refusal("sold out")

    async with serving(root) as memory:
        assert await (await memory.connect()).call("buy") == {"error": "sold out"}
