"""Request heads: what is read out of them, and what is refused before anybody is asked."""

import pytest
from trio.testing import MockClock

from slysock.http.head import Target, split_target
from tests.slysock.http.peer import GET, arrived, connect, everything


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/", (b"/", "/", b"")),
        (b"//x", (b"//x", "//x", b"")),
        (b"/a?b?c", (b"/a", "/a", b"b?c")),
        (b"/%2e%ff%zz", (b"/%2e%ff%zz", "/.\ufffd%zz", b"")),
        (b"HTTP://a.example:80/b?c", (b"/b", "/b", b"c")),
        (b"https://a.example", (b"/", "/", b"")),
        (b"*", (b"*", "*", b"")),
        (b"*?a", None),
        (b"a.example:443", None),
        (b"ftp://a/b", None),
    ],
)
def test_targets_in_every_form(target: bytes, expected: tuple[bytes, str, bytes] | None) -> None:
    if expected is None:
        assert split_target(target) is None
    else:
        raw_path, path, query_string = expected
        assert split_target(target) == Target(raw_path=raw_path, path=path, query_string=query_string)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (b"Cookie: a=1\r\n", b"a=1"),
        (b"Cookie: a=1\r\nx: y\r\ncookie: b=2; c=3\r\nCOOKIE: d\r\n", b"a=1; b=2; c=3; d"),
        (b"x: 1\r\nx: 2\r\n", None),
    ],
)
async def test_cookies_in_several_fields_are_one(fields: bytes, expected: bytes | None) -> None:
    _client, _connection, request = await arrived(b"GET / HTTP/1.1\r\nHost: a\r\n%s\r\n" % fields)
    assert request.header(b"cookie") == expected
    assert [value for name, value in request.headers if name == b"cookie"] == ([expected] if expected else [])
    assert len([name for name, _ in request.headers if name == b"x"]) == fields.count(b"x: ")


@pytest.mark.parametrize(
    ("version", "fields", "upgrade"),
    [
        (b"1.1", b"Connection: Upgrade\r\nUpgrade: WebSocket\r\n", "websocket"),
        (b"1.1", b"Connection: keep-alive, upgrade\r\nUpgrade: websocket\r\n", "websocket"),
        (b"1.1", b"Connection: keep-alive\r\nConnection: upgrade\r\nUpgrade: websocket\r\n", "websocket"),
        (b"1.1", b"Upgrade: websocket\r\n", None),
        (b"1.1", b"Connection: upgrade\r\n", None),
        (b"1.0", b"Connection: upgrade\r\nUpgrade: websocket\r\n", None),
    ],
)
async def test_an_upgrade_is_seen_only_when_connection_names_it(
    version: bytes, fields: bytes, upgrade: str | None
) -> None:
    _client, _connection, request = await arrived(b"GET / HTTP/%s\r\nHost: a\r\n%s\r\n" % (version, fields))
    assert request.upgrade == upgrade


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"\0GET / HTTP/1.1\r\nhost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost : a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n folded: a\r\nhost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n", 400),
        (b"GET nowhere HTTP/1.1\r\nhost: a\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: %s\r\n\r\n" % (b"9" * 30), 400),
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding:\r\n\tidentity\r\n\r\n", 501),
        (b"CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n", 501),
        (b"GET / HTTP/0.9\r\nhost: a\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"x" * 3000, 431),
        (b"GET /" + b"x" * 3000, 431),
        (b"GET / HTTP/1.1\r\nhost: a\r\n" + b"x: y\r\n" * 500, 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ],
)
async def test_a_bad_head_is_answered_and_ends_the_connection(
    head: bytes, status: int, autojump_clock: MockClock
) -> None:
    client, connection = connect()
    await client.send_all(head + GET)
    assert await connection.next_request() is None
    assert await connection.next_request() is None
    await connection.aclose()
    answer = await everything(client)
    top, _, text = answer.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 %d " % status)
    assert b"connection: close" in top.lower()
    assert b"content-type: text/plain" in top
    assert text
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_a_folded_line_is_unfolded_and_hides_nothing() -> None:
    _client, _connection, request = await arrived(b"GET / HTTP/1.1\r\nhost: a\r\nx: 1\r\n  content-length: 5\r\n\r\n")
    assert request.headers == [(b"host", b"a"), (b"x", b"1 content-length: 5")]
    assert request.body_complete
