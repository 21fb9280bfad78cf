"""The headers of Engine.IO's answers, and what pages of other origins get."""

import json

from trio.testing import MockClock

from slysock import Config, Router
from tests.slysock.engineio.polls import OPEN, UPGRADE, quiet
from tests.slysock.serving import serving


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


async def test_every_answer_carries_the_cors_headers(autojump_clock: MockClock) -> None:
    origin = [("origin", "https://page.example")]
    async with serving(Router()) as memory:
        for method, target, status in [
            ("GET", OPEN, 200),
            ("GET", f"{OPEN}&sid=x", 400),
            ("OPTIONS", OPEN, 204),
            ("POST", OPEN, 400),
        ]:
            response = await memory.request(method, target, headers=origin)
            assert (response.status, response.headers["access-control-allow-origin"]) == (status, "*")


async def test_a_large_answer_is_compressed_for_those_who_take_it(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        session = await quiet(memory)
        memory.server.of("/").emit("news", "x" * 5000)
        response = await session.get(headers=[("accept-encoding", "gzip")])
        assert response.headers["content-encoding"] == "gzip"
        assert len(response.body) < 500
