"""A framework's applications: Litestar."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from litestar import Litestar, Request, get, post
from litestar.datastructures import State
from litestar.response import Stream as LitestarStream
from trio.testing import MockClock, memory_stream_pair

from slysock.asgi import asgi_lifespan
from tests.slysock.asgi.applications import ask, post_request, serve

LitestarRequest = Request[object, object, State]


@get("/json/{number:int}")
async def as_json(request: LitestarRequest) -> dict[str, int]:
    return {"twice": request.path_params["number"] * 2}


@post("/upload")
async def upload(request: LitestarRequest) -> dict[str, int]:
    sizes = [len(piece) async for piece in request.stream()]
    return {"bytes": sum(sizes)}


@get("/stream")
async def stream() -> LitestarStream:
    async def numbers() -> AsyncGenerator[bytes]:
        for number in range(3):
            await trio.sleep(1)
            yield b"%d\n" % number

    return LitestarStream(numbers())


@get("/fail")
async def fail() -> None:
    raise ZeroDivisionError("a secret")


def litestar(events: list[str]) -> Litestar:
    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        events.append("started")
        yield
        events.append("stopped")

    return Litestar([as_json, upload, stream, fail], lifespan=[lifespan], openapi_config=None)


async def test_litestar_answers_json(autojump_clock: MockClock) -> None:
    answer = await ask(litestar([]), b"GET /json/21 HTTP/1.1\r\nhost: a\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b'\r\n\r\n{"twice":42}')


async def test_litestar_streams_an_upload(autojump_clock: MockClock) -> None:
    data = post_request(bytes(100_000)).replace(b"POST /", b"POST /upload")
    assert (await ask(litestar([]), data)).endswith(b'{"bytes":100000}')


async def test_litestar_streams_an_answer(autojump_clock: MockClock) -> None:
    answer = await ask(litestar([]), b"GET /stream HTTP/1.1\r\nhost: a\r\n\r\n")
    assert answer.endswith(b"\r\n\r\n2\r\n0\n\r\n2\r\n1\n\r\n2\r\n2\n\r\n0\r\n\r\n")


async def test_litestar_stops_streaming_to_a_client_that_left(autojump_clock: MockClock) -> None:
    client, server = memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, server, litestar([]))
        await client.send_all(b"GET /stream HTTP/1.1\r\nhost: a\r\n\r\n")
        await trio.sleep(0.5)
        await client.aclose()
    assert trio.current_time() < 3


@pytest.mark.parametrize(("path", "status"), [(b"/fail", b"500"), (b"/nowhere", b"404"), (b"/json/x", b"404")])
async def test_litestar_answers_its_own_failures(path: bytes, status: bytes, autojump_clock: MockClock) -> None:
    answer = await ask(litestar([]), b"GET %s HTTP/1.1\r\nhost: a\r\n\r\n" % path)
    assert answer.startswith(b"HTTP/1.1 %s " % status)
    assert b"secret" not in answer


async def test_litestar_starts_and_stops() -> None:
    events: list[str] = []
    async with asgi_lifespan(litestar(events)):
        assert events == ["started"]
    assert events == ["started", "stopped"]
