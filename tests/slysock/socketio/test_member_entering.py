"""Let in means let in: what middleware and connect hooks may say, and what comes of it, over both transports."""

from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock

from slysock import ConnectionRefused, Refusal, Router, Socket
from slysock.config import TransportName
from tests.slysock.serving import both, logged, serving


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


async def raise_in_a_nursery(error: Exception, *others: Exception) -> None:
    """Raise what a nursery makes of errors that its tasks raise, inside another nursery."""

    async def fail(each: Exception) -> None:
        raise each

    async with trio.open_nursery() as outer, trio.open_nursery() as inner:
        outer.start_soon(trio.sleep_forever)
        for each in (error, *others):
            inner.start_soon(fail, each)


@both
async def test_middleware_may_refuse_from_inside_of_a_nursery(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, transport: TransportName
) -> None:
    root = Router()

    @root.use
    async def middleware(socket: Socket) -> None:
        await raise_in_a_nursery(ConnectionRefused("no entry", {"come": "later"}))

    async with serving(root) as memory:
        with pytest.raises(ConnectionRefused, match="no entry") as refused:
            await memory.connect(transport=transport)
    assert refused.value.data == {"come": "later"}
    assert logged(caplog) == []


@pytest.mark.parametrize("kind", [ConnectionRefused, Refusal])
async def test_a_connect_hook_may_refuse_from_inside_of_a_nursery(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, kind: type[Exception]
) -> None:
    root, log, error = Router(), list[object](), kind("no entry")

    @root.on_connect
    async def hook(socket: Socket) -> None:
        await raise_in_a_nursery(error)

    root.on_error(lambda socket, event, error: log.append((event, error)))
    root.on_disconnect(lambda socket, reason: log.append(reason))
    async with serving(root) as memory:
        client = await memory.connect()
        assert await client.wait_disconnected(10) == "io server disconnect"
    assert log == [("connect", error), "server namespace disconnect"]
    assert logged(caplog) == []


async def test_a_refusal_beside_a_failure_is_a_failure(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root = Router()

    @root.use
    async def middleware(socket: Socket) -> None:
        await raise_in_a_nursery(ConnectionRefused("no entry"), ZeroDivisionError())

    async with serving(root) as memory:
        with pytest.raises(ConnectionRefused, match="Internal error"):
            await memory.connect()
    assert len(logged(caplog)) == 1


async def test_a_refusal_that_is_its_own_cause_is_named_and_ends(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root = Router()

    @root.use
    def middleware(socket: Socket) -> None:
        refusal = ConnectionRefused("no entry")
        raise refusal from refusal

    caplog.set_level("DEBUG", "slysock")
    async with serving(root) as memory:
        with pytest.raises(ConnectionRefused, match="no entry"):
            await memory.connect()
    (line,) = [text for text in logged(caplog, 10) if "middleware" in text]
    assert "raised ConnectionRefused from ConnectionRefused" in line
    assert len(line) < 500
