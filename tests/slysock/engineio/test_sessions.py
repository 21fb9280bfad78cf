"""The table of sessions: how one is opened, and how it is forgotten."""

import json

import trio
from trio.testing import MockClock

from slysock import Config, Router
from slysock.engineio.polling import PollingTransport
from slysock.engineio.receiver import NOBODY
from slysock.engineio.sessions import Sessions
from slysock.engineio.timers import Timers
from slysock.engineio.transport import Ending
from slysock.http.addresses import AddressGroups
from slysock.http.proxies import TrustedProxies
from tests.slysock.engineio.above import OPENING
from tests.slysock.engineio.outboxes import consumers
from tests.slysock.engineio.polls import OPEN, quiet, reasons
from tests.slysock.serving import serving


async def test_the_handshake_says_what_clients_expect(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        response = await memory.request("GET", OPEN)
        assert response.headers["content-type"] == "text/plain; charset=UTF-8"
        assert response.headers["cache-control"] == "no-store"
        handshake = json.loads(response.body[1:])
        assert len(handshake.pop("sid")) == 20
        assert handshake == {
            "upgrades": ["websocket"],
            "pingInterval": 25000,
            "pingTimeout": 20000,
            "maxPayload": 1000000,
        }


async def test_last_words_wait_for_the_polls_that_they_take_and_not_for_ever(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        session, other = await quiet(memory), await quiet(memory)
        memory.server.of("/").emit("bye")
        memory.server.of("/").volatile.disconnect(close=True)
        assert (await session.get()).body == b'42["bye"]\x1e41'
        assert memory.server.statistics().lingering == 2
        assert (await session.get()).body == b"1"
        assert json.loads((await session.get()).body)["code"] == 1
        assert memory.server.statistics().lingering == 1
        await trio.sleep(31)
        assert memory.server.statistics().lingering == 0
        assert json.loads((await other.get()).body)["code"] == 1
        assert log == ["server namespace disconnect"] * 2


# ---- the table by itself --------------------------------------------------------------------------------------------


def polling() -> PollingTransport:
    return PollingTransport(consumers=consumers(1000), on_full=lambda: None, turn=trio.Lock())


async def test_a_session_is_found_until_it_ends_and_its_last_words_once(mock_clock: MockClock) -> None:
    timers = Timers()
    sessions = Sessions(Config(), timers, lambda _: NOBODY, lambda: 0, AddressGroups(TrustedProxies()))
    session = sessions.open(OPENING, polling())
    other = sessions.open(OPENING, polling())
    assert sessions.all() == [session, other]
    assert sessions.find(session.id) is session
    assert sessions.find(None) is None
    assert sessions.is_known(session.id)
    assert not sessions.has_last_words(session.id)
    session.close("forced close")
    assert (len(sessions), sessions.lingering, sessions.find(session.id)) == (1, 1, None)
    assert sessions.is_known(session.id)
    assert sessions.has_last_words(session.id)
    first, second, third = (sessions.take_last_words(session.id) for _ in range(3))
    assert first is not None
    assert first[0].startswith(b"0{")
    assert second == (b"1", session.transport)
    assert third is None
    assert not sessions.is_known(session.id)
    other.close("forced close")
    assert len(sessions) == 0


async def test_a_session_that_ended_by_its_clients_doing_has_no_last_words(mock_clock: MockClock) -> None:
    sessions = Sessions(Config(), Timers(), lambda _: NOBODY, lambda: 0, AddressGroups(TrustedProxies()))
    session = sessions.open(OPENING, polling())
    session.close("transport close", Ending.PEER)
    assert not sessions.is_known(session.id)
    assert sessions.lingering == 0


async def test_there_is_room_for_so_many_and_those_who_have_left_take_theirs_while_they_are_handled(
    mock_clock: MockClock,
) -> None:
    leaving = 0
    sessions = Sessions(
        Config(max_connections=2), Timers(), lambda _: NOBODY, lambda: leaving, AddressGroups(TrustedProxies())
    )
    sessions.open(OPENING, polling())
    assert not sessions.is_full
    leaving = 1
    assert sessions.is_full
