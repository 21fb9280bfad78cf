"""The table of sessions: how one is opened, and how it is forgotten."""

import json

import trio
from trio.testing import MockClock

from slysock import Config, Router
from tests.slysock.engineio.polls import OPEN, UPGRADE, quiet, reasons
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


async def test_last_words_wait_for_one_more_poll_and_not_for_ever(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        session, other = await quiet(memory), await quiet(memory)
        memory.server.of("/").emit("bye")
        memory.server.of("/").volatile.disconnect(close=True)
        for refused in (
            await session.post(b'42["event"]'),
            await memory.request("GET", session.target.replace("polling", "websocket"), headers=UPGRADE),
        ):
            assert json.loads(refused.body)["code"] == 1
        assert (await session.get()).body == b'42["bye"]\x1e41\x1e1'
        assert json.loads((await session.get()).body)["code"] == 1
        assert memory.server.statistics().lingering == 1
        await trio.sleep(31)
        assert memory.server.statistics().lingering == 0
        assert json.loads((await other.get()).body)["code"] == 1
        assert log == ["server namespace disconnect"] * 2


async def test_sessions_are_bounded_however_few_connections_they_take(autojump_clock: MockClock) -> None:
    async with serving(Router(), config=Config(max_connections=3)) as memory:
        statuses = [(await memory.request("GET", OPEN)).status for _ in range(5)]
        assert statuses == [200, 200, 200, 503, 503]


async def test_no_session_is_opened_once_the_server_stops(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        session = await quiet(memory)
        memory.server._front.engine.sessions.accepting = False
        assert (await memory.request("GET", OPEN)).status == 503
        assert (await memory.request("GET", OPEN.replace("polling", "websocket"), headers=UPGRADE)).status == 503
        assert (await session.post(b"3")).body == b"ok", "those that are open go on"
