"""The headers of Engine.IO's answers."""

from trio.testing import MockClock

from slysock import Config, Router
from tests.slysock.engineio.polls import OPEN, quiet
from tests.slysock.serving import serving


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


async def test_an_answer_that_says_it_all_by_its_status_carries_the_cors_headers_too(autojump_clock: MockClock) -> None:
    async with serving(Router(), config=Config(max_connections=1)) as memory:
        await memory.request("GET", OPEN)
        refused = await memory.request("GET", OPEN, headers=[("origin", "https://page.example")])
        assert (refused.status, refused.body) == (503, b"")
        assert refused.headers["access-control-allow-origin"] == "*"


async def test_an_accepted_post_is_answered_as_clients_expect(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        session = await quiet(memory)
        response = await session.post(b"3")
        assert (response.status, response.body) == (200, b"ok")
        assert response.headers["content-type"] == "text/plain; charset=UTF-8"
        assert response.headers["cache-control"] == "no-store"
