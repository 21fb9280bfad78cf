"""A client leaves: what has arrived is handled, what the server ends is cancelled, then disconnect hooks run.

Over both transports.
"""

from collections.abc import Awaitable

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, Disconnected, Router, Socket
from slysock.config import TransportName
from slysock.ids import DisconnectReason
from slysock.testing import Closed
from slysock_protocol.engineio import Outgoing
from tests.slysock.handlers.recorder import recorder
from tests.slysock.serving import both, logged, only_session, serving

# ---- handlers -------------------------------------------------------------------------------------------------------


def lingering(router: Router) -> list[str]:
    """Register a handler that waits for ever and hooks that note what they see."""
    log: list[str] = []

    @router.on("wait", until_disconnect=True)
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
async def test_a_handler_that_asked_for_it_is_cancelled_when_its_client_leaves_the_namespace(
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
async def test_a_handler_that_asked_for_it_is_cancelled_when_its_client_drops_the_connection(
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


# ---- hooks ----------------------------------------------------------------------------------------------------------


@both
async def test_the_disconnect_hook_waits_for_the_handlers_clean_up_and_may_wait_itself(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    root, log = Router(), list[str]()

    @root.on("wait", until_disconnect=True)
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

    @root.on("stubborn", until_disconnect=True)
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
    assert log == ["hook at 16.0", "ended"], "ten seconds for what had arrived, five for a clean-up, one in the hook"
    assert any("did not end in 10" in text for text in logged(caplog))


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


async def test_failing_disconnect_hooks_are_logged_and_the_next_ones_run(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    root, log = Router(), list[str]()
    root.on_disconnect(lambda socket, reason: 1 / 0)
    root.on_disconnect(lambda socket, reason: log.append("gone"))
    async with serving(root) as memory:
        client = await memory.connect()
        await client.disconnect()
        await trio.sleep(1)
    assert log == ["gone"]
    assert [client.id in text for text in logged(caplog)] == [True]


class LaterHook:
    """An object whose call returns something to wait for, although it is no coroutine function."""

    def __call__(self, *args: object) -> Awaitable[None]:
        return trio.sleep(1)  # noqa: ASYNC105 - that is what this class is for


@pytest.mark.parametrize("beside_a_coroutine", [False, True])
async def test_plain_hooks_that_return_something_to_wait_for_are_failures_and_not_disasters(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, beside_a_coroutine: bool
) -> None:
    root, log = Router(), list[str]()
    root.on_disconnect(LaterHook())
    root.on_disconnect(lambda socket, reason: log.append("gone"))
    if beside_a_coroutine:

        @root.on_disconnect
        async def wait(socket: Socket, reason: DisconnectReason) -> None:
            await trio.sleep(1)

    async with serving(root) as memory:
        client = await memory.connect()
        await client.disconnect()
        await trio.sleep(3)
    assert log == ["gone"]
    assert len(logged(caplog)) == 1


# ---- what has arrived is handled ------------------------------------------------------------------------------------


def saving(router: Router, seconds: float = 1) -> list[str]:
    """Register handlers that take their time, and a hook that notes who was there until then."""
    log: list[str] = []

    @router.on("save")
    async def save(socket: Socket, number: int) -> None:
        await trio.sleep(seconds)
        log.append(f"saved {number} {socket.connected} {socket.gone}")

    @router.on("note")
    def note(socket: Socket, text: str) -> None:
        log.append(text)

    @router.on_disconnect
    def gone(socket: Socket, reason: DisconnectReason) -> None:
        log.append(reason)

    return log


@both
@pytest.mark.parametrize("goodbye", ["leave the namespace", "close", "drop"])
async def test_what_arrived_before_the_clients_goodbye_is_handled_in_order(
    autojump_clock: MockClock, transport: TransportName, goodbye: str
) -> None:
    root = Router()
    log = saving(root)
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        packets = [b'42["save",1]', b'42["save",2]', b'42["note","behind them"]', b'42["save",3]']
        engine = client.connection.engine
        if goodbye == "drop":
            for packet in packets:
                await engine.send(Outgoing(packet))
            await wait_all_tasks_blocked()
            await engine.drop()
        else:
            packets.append(b"41" if goodbye == "leave the namespace" else b"1")
            if transport == "polling":
                await engine.send(Outgoing(b"\x1e".join(packets)))
            else:
                for packet in packets:
                    await engine.send(Outgoing(packet))
        await wait_all_tasks_blocked()
        assert memory.server.of("/").client_count == 0, "it has left at once"
        assert memory.server.statistics().leaving == 1
        await trio.sleep(5)
        assert log[:-1] == ["saved 1 False True", "saved 2 False True", "behind them", "saved 3 False True"]
        assert len(log) == 5, "the hook comes behind them, and once"
        assert memory.server.statistics().leaving == 0


async def test_an_event_behind_an_async_connect_hook_is_handled_though_its_client_has_left(
    autojump_clock: MockClock,
) -> None:
    root = Router()
    log = saving(root)

    @root.on_connect
    async def connect(socket: Socket) -> None:
        await trio.sleep(1)
        log.append("connected")

    async with serving(root) as memory:
        client = await memory.connect()
        await client.emit("note", "event")
        await client.disconnect()
        await trio.sleep(5)
    assert log == ["connected", "event", "client namespace disconnect"]


@pytest.mark.parametrize(("seconds", "saved"), [(4.9, 2), (5.1, 1)])
async def test_what_takes_longer_than_the_grace_is_cancelled_and_logged_once_by_name(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, seconds: float, saved: int
) -> None:
    root = Router()
    log = saving(root, seconds)
    async with serving(root) as memory:
        client = await memory.connect()
        for number in (1, 2):
            await client.emit("save", number)
        await client.disconnect()
        await trio.sleep(30)
        assert trio.current_time() == 30
    assert len(log) == saved + 1
    assert log[-1] == "client namespace disconnect"
    texts = logged(caplog)
    assert len(texts) == 2 - saved
    assert all("save" in text and "10" in text for text in texts)


async def test_from_the_moment_of_leaving_nothing_reaches_the_client_and_calls_end_at_once(
    autojump_clock: MockClock,
) -> None:
    root, log = Router(), list[object]()

    @root.on("work")
    async def work(socket: Socket) -> str:
        try:
            await socket.call("question", timeout=60)
        except Disconnected:
            log.append(trio.current_time())
        await trio.sleep(1)
        socket.emit("dropped")
        socket.join("room")
        try:
            await socket.call("question")
        except Disconnected:
            log.append(trio.current_time())
        log.append(sorted(socket.rooms - {socket.id}))
        return "an acknowledgement that nobody hears"

    async with serving(root) as memory:
        client = await memory.connect()
        (socket,) = memory.server.of("/").sockets()
        socket.join("before")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.emit, "work")
            await wait_all_tasks_blocked()
        await client.disconnect()
        again = await client.connection.join()
        await trio.sleep(5)
        assert log == [0, 1, ["before"]]
        assert again.waiting() == []
        assert memory.server.of("/").to("room").sockets() == []


async def test_a_client_that_is_kicked_takes_what_had_arrived_with_it(autojump_clock: MockClock) -> None:
    root = Router()
    log = saving(root)
    async with serving(root) as memory:
        client = await memory.connect()
        for number in (1, 2):
            await client.emit("save", number)
        await wait_all_tasks_blocked()
        memory.server.of("/").volatile.disconnect()
        await trio.sleep(5)
    assert log == ["server namespace disconnect"]


async def test_a_client_that_breaks_the_protocol_takes_what_had_arrived_with_it(autojump_clock: MockClock) -> None:
    root = Router()
    log = saving(root)
    async with serving(root) as memory:
        client = await memory.connect()
        await client.emit("save", 1)
        await client.connection.engine.send(Outgoing(b"garbage"))
        await trio.sleep(5)
    assert log == ["parse error"]


async def test_a_handler_of_many_at_once_goes_on_too_but_for_those_that_asked_to_end(
    autojump_clock: MockClock,
) -> None:
    root, log = Router(), list[str]()

    @root.on("many", concurrency=3)
    async def many(socket: Socket, name: str) -> None:
        await trio.sleep(1)
        log.append(name)

    @root.on("in order", until_disconnect=True)
    async def in_order(socket: Socket) -> None:
        await trio.sleep(1)
        log.append("never")

    @root.on("last")
    async def last(socket: Socket) -> None:
        await trio.sleep(1)
        log.append("behind one that ended")

    async with serving(root) as memory:
        client = await memory.connect()
        for name in "abcd":
            await client.emit("many", name)
        await client.emit("in order")
        await client.emit("last")
        await client.disconnect()
        await trio.sleep(5)
    assert sorted(log) == ["a", "b", "behind one that ended", "c", "d"]


async def test_clients_that_have_left_count_as_connections_while_they_are_handled(autojump_clock: MockClock) -> None:
    root = Router()
    saving(root, 5)
    async with serving(root, config=Config(max_connections=2)) as memory:
        for _ in range(2):
            client = await memory.connect(transport="polling")
            await client.emit("save", 1)
            await client.connection.engine.send(Outgoing(b"1"))
        await wait_all_tasks_blocked()
        assert (await memory.request("GET", "/socket.io/?EIO=4&transport=polling")).status == 503
        await trio.sleep(6)
        assert (await memory.request("GET", "/socket.io/?EIO=4&transport=polling")).status == 200


@both
async def test_a_graceful_stop_cuts_short_what_clients_left_behind(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, transport: TransportName
) -> None:
    root = Router()
    log = saving(root, 100)
    async with serving(root, config=Config(shutdown_seconds=4, leave_grace_seconds=50)) as memory:
        client = await memory.connect(transport=transport)
        await client.emit("save", 1)
        await client.connection.engine.send(Outgoing(b"1"))
        await wait_all_tasks_blocked()
    assert trio.current_time() <= 4
    assert log == ["transport close"]


async def test_a_stop_that_begins_as_a_client_leaves_waits_for_what_it_left_behind(autojump_clock: MockClock) -> None:
    for _ in range(20):  # whose turn it is first is a matter of chance
        root = Router()
        log = saving(root)
        async with serving(root) as memory:
            client = await memory.connect()
            await client.emit("save", 1)
            await wait_all_tasks_blocked()
            session = only_session(memory)
            session.lose(session.transport, "transport close")
            assert memory.server.statistics().leaving == 1
        assert log == ["saved 1 False True", "transport close"]


async def test_a_call_whose_client_has_left_is_counted_no_more(autojump_clock: MockClock) -> None:
    root = Router()

    @root.on("ask")
    async def ask(socket: Socket) -> None:
        await socket.call("question", timeout=60)

    async with serving(root) as memory:
        client = await memory.connect()
        await client.emit("ask")
        await wait_all_tasks_blocked()
        assert memory.server.statistics().awaited_acks == 1
        await client.disconnect()
        await trio.sleep(1)
        assert (memory.server.statistics().connections, memory.server.statistics().awaited_acks) == (1, 0)


async def test_a_graceful_stop_leaves_time_for_the_hooks_of_those_who_had_left(autojump_clock: MockClock) -> None:
    root = Router()
    log = saving(root, 100)

    @root.on_disconnect
    async def hook(socket: Socket, reason: DisconnectReason) -> None:
        await trio.sleep(0.9)
        log.append("hook ends")

    async with serving(root, config=Config(shutdown_seconds=4, leave_grace_seconds=50)) as memory:
        client = await memory.connect()
        await client.emit("save", 1)
        await client.connection.engine.send(Outgoing(b"1"))
        await wait_all_tasks_blocked()
    assert log == ["transport close", "hook ends"]
