"""A client leaves: its handlers are cancelled, then the disconnect hooks have their turn; over both transports."""

from collections.abc import Awaitable

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, Router, Socket
from slysock.config import TransportName
from slysock.ids import DisconnectReason
from slysock.testing import Closed
from tests.slysock.handlers.recorder import recorder
from tests.slysock.serving import both, logged, serving

# ---- handlers -------------------------------------------------------------------------------------------------------


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


# ---- hooks ----------------------------------------------------------------------------------------------------------


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
