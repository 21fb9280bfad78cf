"""CORS: which pages may, and the headers that tell them."""

import pytest
from trio.testing import memory_stream_pair

from slysock import Config
from slysock.http import HttpConnection, Request
from slysock.http.cors import Cors

PAGE = b"https://page.example"


async def request(*lines: bytes) -> Request:
    client, server = memory_stream_pair()
    await client.send_all(b"\r\n".join((b"GET / HTTP/1.1", b"host: chat.example", *lines, b"", b"")))
    made = await HttpConnection(server, Config(), secure=False, peer="").next_request()
    assert made is not None
    return made


def origin(value: bytes) -> bytes:
    return b"origin: " + value


@pytest.mark.parametrize(
    ("origins", "line", "allowed", "headers"),
    [
        (None, (), True, {}),
        (None, (origin(PAGE),), True, {b"access-control-allow-origin": b"*"}),
        (None, (origin(b"null"),), True, {b"access-control-allow-origin": b"*"}),
        (["https://page.example"], (), True, {b"vary": b"Origin"}),
        (
            ["https://page.example/"],
            (origin(PAGE),),
            True,
            {
                b"vary": b"Origin",
                b"access-control-allow-origin": PAGE,
                b"access-control-allow-credentials": b"true",
            },
        ),
        (["https://page.example"], (origin(b"https://evil.example"),), False, {b"vary": b"Origin"}),
        (["https://page.example"], (origin(b"http://page.example"),), False, {b"vary": b"Origin"}),
        (["https://page.example"], (origin(b"https://page.example.evil.example"),), False, {b"vary": b"Origin"}),
        (["https://page.example"], (origin(b"null"),), False, {b"vary": b"Origin"}),
        (
            [],
            (origin(b"http://chat.example"),),
            True,
            {
                b"vary": b"Origin",
                b"access-control-allow-origin": b"http://chat.example",
                b"access-control-allow-credentials": b"true",
            },
        ),
    ],
)
async def test_the_rule_and_its_headers(
    origins: list[str] | None, line: tuple[bytes, ...], allowed: bool, headers: dict[bytes, bytes]
) -> None:
    cors, made = Cors(origins), await request(*line)
    assert cors.allows(made) is allowed
    assert dict(cors.headers(made)) == headers


async def test_any_origin_comes_without_credentials() -> None:
    names = [name for name, _ in Cors(None).preflight(await request(origin(PAGE)))]
    assert b"access-control-allow-credentials" not in names


async def test_a_preflight_names_methods_and_allows_the_headers_asked_for() -> None:
    made = await request(origin(PAGE), b"access-control-request-headers: x-token")
    headers = dict(Cors(None).preflight(made))
    assert headers[b"access-control-allow-methods"] == b"GET,POST"
    assert headers[b"access-control-allow-headers"] == b"x-token"
    assert int(headers[b"access-control-max-age"]) > 0


async def test_a_preflight_that_asks_for_no_headers_gets_none() -> None:
    assert b"access-control-allow-headers" not in dict(Cors(None).preflight(await request(origin(PAGE))))
