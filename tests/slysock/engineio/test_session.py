"""Heartbeats and the end of a session, end to end on a MockClock."""

from contextlib import suppress
from typing import final

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, Router
from slysock.config import TransportName
from slysock.engineio.polling import PollingTransport
from slysock.engineio.session import Session
from slysock.engineio.timers import Timers
from slysock.engineio.transport import Ending
from slysock.ids import DisconnectReason, SessionId
from slysock.states import IllegalStep
from slysock.testing import Closed
from slysock_protocol.engineio import BinaryMessage, Message, Outgoing
from slysock_protocol.errors import CloseCode
from tests.slysock.engineio.above import OPENING, Above
from tests.slysock.engineio.outboxes import consumers
from tests.slysock.serving import both, only_session, serving


def reasons() -> tuple[Router, list[DisconnectReason]]:
    root, log = Router(), list[DisconnectReason]()
    root.on_disconnect(lambda socket, reason: log.append(reason))
    return root, log


@both
async def test_pings_keep_a_session_that_says_nothing(autojump_clock: MockClock, transport: TransportName) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        await trio.sleep(1000)
        assert client.connection.engine.inbox.closed is None
        assert log == []
        assert memory.server.statistics().timers < 5


@both
async def test_a_client_that_does_not_answer_is_given_up_in_time(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        client.connection.engine.pace.silent = True
        await trio.sleep(44.9)
        assert log == []
        await trio.sleep(0.2)
        assert log == ["ping timeout"]


async def test_a_client_that_vanishes_is_given_up(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        client = await memory.connect()
        client.connection.engine.pace.vanish()
        await trio.sleep(100)
        assert len(log) == 1


async def test_a_pong_that_comes_just_in_time_starts_a_new_interval(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        client = await memory.connect()
        engine = client.connection.engine
        engine.pace.silent = True
        await trio.sleep(44)
        await engine.send(Outgoing(b"3"))
        await trio.sleep(24)
        assert log == []
        await trio.sleep(1.1 + 20)
        assert log == ["ping timeout"]


async def test_a_pong_that_comes_too_late_changes_nothing(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        client = await memory.connect(transport="polling")
        engine = client.connection.engine
        engine.pace.silent = True
        await trio.sleep(46)
        with pytest.raises(Closed, match="unknown"):
            await engine.send(Outgoing(b"3"))
        assert log == ["ping timeout"]


async def test_unasked_pongs_make_no_timers_and_buy_no_time(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        client = await memory.connect()
        engine = client.connection.engine
        engine.pace.silent = True
        for _ in range(100):
            await engine.send(Outgoing(b"3"))
        await wait_all_tasks_blocked()
        assert memory.server.statistics().timers < 5
        await trio.sleep(45.1)
        assert log == ["ping timeout"]


@both
@pytest.mark.parametrize("packet", [b"5", b"6", b'0{"sid":"mine"}'.partition(b"{")[0]])
async def test_packets_without_meaning_here_are_ignored(
    autojump_clock: MockClock, transport: TransportName, packet: bytes
) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        await client.connection.engine.send(Outgoing(packet))
        await trio.sleep(1)
        assert log == []


@both
@pytest.mark.parametrize("packet", [b"2", b"2probe", b"7", b"", b"b!", b"45", b"b"])
async def test_packets_that_break_the_protocol_close_the_session(
    autojump_clock: MockClock, transport: TransportName, packet: bytes
) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        with suppress(Closed):  # by polling, the answer to the POST says so
            await client.connection.engine.send(Outgoing(packet))
        await client.wait_disconnected(10)
        assert log in (["parse error"], ["transport error"])


@both
async def test_a_client_that_says_close_is_gone(autojump_clock: MockClock, transport: TransportName) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        await client.connection.engine.send(Outgoing(b"1"))
        await trio.sleep(1)
        assert log == ["transport close"]
        assert memory.server.statistics().connections == 0


async def test_base64_over_websocket_is_binary(autojump_clock: MockClock) -> None:
    root, seen = Router(), list[object]()
    root.on_any(lambda socket, event, args: seen.append(args))
    async with serving(root) as memory:
        client = await memory.connect()
        await client.connection.engine.send(Outgoing(b'451-["event",{"_placeholder":true,"num":0}]'))
        await client.connection.engine.send(Outgoing(b"bZGF0YQ=="))
        await trio.sleep(1)
        assert seen == [(b"data",)]


async def test_nothing_is_received_or_sent_once_it_is_closed_and_closing_twice_is_closing_once(
    autojump_clock: MockClock,
) -> None:
    root, log = reasons()
    seen: list[str] = []
    root.on_any(lambda socket, event, args: seen.append(event))
    async with serving(root) as memory:
        await memory.connect()
        session = only_session(memory)
        session.close("forced close")
        session.close("transport error")
        session.receive_text(b'42["event"]')
        session.receive_binary(b"data")
        session.receive_packet(None)  # type: ignore[arg-type]  # not looked at
        session.send(Outgoing(b"4"))
        await session.wait_ready()
        assert not session.backlogged
        session.lose(session.transport, "transport error")
        assert (log, seen) == (["forced close"], [])


async def test_losing_a_transport_that_is_not_the_sessions_own_changes_nothing(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        client = await memory.connect(transport="polling")
        engine = client.connection.engine
        session = only_session(memory)
        old = session.transport
        await engine.upgrade()  # type: ignore[union-attr]  # a PollingClient
        await trio.sleep(1)
        session.lose(old, "transport error")
        assert log == []


# ---- by itself ------------------------------------------------------------------------------------------------------


@final
class Alone:
    """A session on a polling transport, with nothing but a layer above it."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.timers, self.above, self.closed = Timers(), Above(), list[Session]()
        nursery.start_soon(self.timers.run)
        self.session = Session(
            SessionId("alone"),
            OPENING,
            way(),
            config=Config(),
            timers=self.timers,
            on_joined=lambda _: None,
            on_closed=self.closed.append,
        )
        self.session.attach(self.above)


def way() -> PollingTransport:
    return PollingTransport(consumers=consumers(1000), on_full=lambda: None, turn=trio.Lock())


async def test_every_kind_of_message_goes_to_the_layer_above(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    alone = Alone(nursery)
    alone.session.receive_text(b"4one")
    alone.session.receive_binary(b"two")
    alone.session.receive_packet(Message(b"three"))
    alone.session.receive_packet(BinaryMessage(b"four"))
    await alone.session.finish()
    assert alone.above.notes == [b"one", b"two", b"three", b"four", "finished"]
    assert alone.session.statistics() == alone.above.statistics()


async def test_what_the_layer_above_refuses_closes_the_session(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    for receive in (
        lambda session: session.receive_text(b"4wrong"),
        lambda session: session.receive_binary(b"wrong"),
        lambda session: session.receive_packet(BinaryMessage(b"wrong")),
    ):
        one = Alone(nursery)
        receive(one.session)
        assert (one.session.closed, one.above.notes, one.closed) == (True, ["parse error"], [one.session])


async def test_silence_is_forgiven_while_the_answer_may_be_among_what_was_not_read(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    alone = Alone(nursery)
    alone.above.backlogged = True
    await trio.sleep(200)
    assert not alone.session.closed
    alone.above.ready.set()
    await alone.session.wait_ready()
    await alone.session.wait_ready()  # nothing to wait for
    await trio.sleep(Config().ping_timeout_seconds - 0.1)
    assert not alone.session.closed
    await trio.sleep(Config().ping_timeout_seconds)
    assert alone.above.notes == ["ping timeout"]


async def test_a_session_goes_over_to_the_transport_that_was_tried(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    alone = Alone(nursery)
    old, tried = alone.session.transport, way()
    alone.session.probe(Tried())
    alone.session.send(Outgoing(b"4old"))
    alone.session.adopt(tried)
    alone.session.send(Outgoing(b"4new"))
    assert alone.session.transport is tried
    assert (old.waiting_bytes, tried.waiting_bytes) == (4, 4)


async def test_a_probe_that_was_given_up_leaves_the_session_where_it_was(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    alone = Alone(nursery)
    old, tried = alone.session.transport, Tried()
    alone.session.probe(tried)
    alone.session.give_up_probe()
    assert (alone.session.state, alone.session.transport) == ("open", old)
    alone.session.close("forced close")
    assert tried.endings == []


async def test_a_session_that_ends_tells_the_transport_that_is_tried(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    alone = Alone(nursery)
    tried = Tried()
    alone.session.probe(tried)
    alone.session.close("forced close", Ending.GRACEFUL, CloseCode.GOING_AWAY, "bye")
    assert tried.endings == [(Ending.GRACEFUL, CloseCode.GOING_AWAY, "bye")]


class Tried:
    """A transport that is tried; it notes how its session ends."""

    def __init__(self) -> None:
        self.endings: list[tuple[Ending, CloseCode, str]] = []

    def session_closed(self, ending: Ending, code: CloseCode, text: str) -> None:
        self.endings.append((ending, code, text))


async def test_steps_of_an_upgrade_out_of_order_are_our_mistake(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    alone = Alone(nursery)
    with pytest.raises(IllegalStep):
        alone.session.adopt(way())
    alone.session.close("forced close")
    with pytest.raises(IllegalStep):
        alone.session.probe(way())
