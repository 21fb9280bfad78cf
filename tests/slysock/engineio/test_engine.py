"""Engine.IO on HTTP: which requests are its own, and which of them become what."""

import json
from collections.abc import Callable

import pytest
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, Router
from slysock.engineio.hooks import EngineHooks
from slysock.testing import Closed, PollingClient
from slysock_protocol.engineio import Outgoing
from tests.slysock.engineio.frames import TEXT, frame, probing, raw
from tests.slysock.engineio.polls import OPEN, UPGRADE, quiet
from tests.slysock.serving import serving


@pytest.mark.parametrize("path", ["/socket.io/", "/socket.io", "/chat", "/chat/"])
@pytest.mark.parametrize("slash", ["", "/"])
async def test_a_slash_at_the_end_of_the_path_makes_no_difference(
    autojump_clock: MockClock, path: str, slash: str
) -> None:
    async with serving(Router(), config=Config(path=path)) as memory:
        target = f"{path.rstrip('/')}{slash}?EIO=4&transport=polling"
        assert (await memory.request("GET", target)).status == 200
        assert (await memory.request("GET", f"{path.rstrip('/')}x{slash}")).status == 404


async def test_the_path_may_be_the_root_where_others_are_still_found(autojump_clock: MockClock) -> None:
    async with serving(Router(), config=Config(path="/")) as memory:
        client = await memory.connect()
        await client.disconnect()
        assert (await memory.request("GET", "/?EIO=4&transport=polling")).status == 200
        assert (await memory.request("GET", "/healthz")).status == 200
        assert (await memory.request("GET", "/socket.io/?EIO=4&transport=polling")).status == 404


async def test_a_session_stays_with_polling_where_websocket_was_never_asked_for(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        engine = await memory.open_engine("polling")
        assert isinstance(engine, PollingClient)
        await engine.send(Outgoing(b"40"))
        assert (await engine.inbox.get()).data.startswith(b"0{")
        with pytest.raises(Closed):
            await memory.open_engine("polling", query={"EIO": "3"})


async def test_a_page_of_another_origin_is_refused_on_both_transports(autojump_clock: MockClock) -> None:
    evil = ("origin", "https://evil.example")
    async with serving(Router(), config=Config(cors_origins=["https://page.example"])) as memory:
        for target, headers in [(OPEN, [evil]), ("/socket.io/?EIO=4&transport=websocket", [*UPGRADE, evil])]:
            for method in ("GET", "OPTIONS"):
                response = await memory.request(method, target, headers=headers)
                assert response.status == 403
                assert json.loads(response.body) == {"code": 4, "message": "Forbidden"}
                assert "access-control-allow-origin" not in response.headers
        assert (await memory.request("GET", OPEN, headers=[("origin", "https://page.example")])).status == 200


async def test_no_session_is_opened_once_the_server_stops(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        session = await quiet(memory)
        memory.server.stop()
        assert (await memory.request("GET", OPEN)).status == 503
        assert (await memory.request("GET", OPEN.replace("polling", "websocket"), headers=UPGRADE)).status == 503
        assert (await session.post(b"3")).body == b"ok", "those that are open go on"


async def test_a_preflight_is_answered_and_opens_nothing(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        response = await memory.request("OPTIONS", OPEN, headers=[("origin", "https://page.example")])
        assert response.status == 204
        assert response.headers["access-control-allow-methods"] == "GET,POST"
        assert memory.server.statistics().connections == 0


async def test_a_websocket_opens_a_session_or_is_tried_for_one_that_polls(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        await raw(memory)
        session = await quiet(memory)
        websocket = await probing(memory, session.target)
        await websocket.send(frame(TEXT, b"2probe"))
        assert await websocket.next() == (TEXT, b"3probe")
        assert memory.server.statistics().transports == {"polling": 1, "websocket": 1}
        await websocket.send(frame(TEXT, b"5"))
        await wait_all_tasks_blocked()
        assert memory.server.statistics().transports == {"polling": 0, "websocket": 2}


async def test_a_websocket_that_is_one_too_many_is_accepted_and_closed(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        session = await quiet(memory)
        first = await probing(memory, session.target)
        second = await probing(memory, session.target)
        assert await second.closing() == 1000
        await first.send(frame(TEXT, b"2probe"))
        assert await first.next() == (TEXT, b"3probe")


async def test_a_websocket_for_a_session_that_has_ended_is_accepted_and_closed_too(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        session = await quiet(memory)
        memory.server.of("/").volatile.disconnect(close=True)
        websocket = await probing(memory, session.target)
        assert await websocket.closing() == 1000
        assert [(await session.get()).body for _ in range(2)] == [b"41", b"1"], "which its client hears by polling"


@pytest.mark.parametrize("register", [EngineHooks.use, EngineHooks.allow_request])
async def test_a_request_that_a_hook_refuses_opens_nothing(
    autojump_clock: MockClock, register: Callable[[EngineHooks, Callable[..., bool]], object]
) -> None:
    hooks = EngineHooks()
    register(hooks, lambda *_: False)
    async with serving(Router(), hooks=hooks) as memory:
        for target, headers in [(OPEN, []), (OPEN.replace("polling", "websocket"), UPGRADE)]:
            response = await memory.request("GET", target, headers=headers)
            assert (response.status, json.loads(response.body)["code"]) == (403, 4)
        assert memory.server.statistics().connections == 0
