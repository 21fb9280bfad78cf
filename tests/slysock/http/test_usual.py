"""Usual heads: whatever is taken without h11, h11 takes, too, and reads in the same way."""

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slysock.http.head import BadHead, Head, read_head
from slysock.http.proxies import TrustedProxies
from slysock.http.usual import read_upgrade

MAX_BYTES = 16_384
LEAST = b"GET /socket.io/?EIO=4 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

CHROME = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
    b"Host: 127.0.0.1:3000\r\n"
    b"Connection: Upgrade\r\n"
    b"Pragma: no-cache\r\n"
    b"Cache-Control: no-cache\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 "
    b"Safari/537.36\r\n"
    b"Upgrade: websocket\r\n"
    b"Origin: http://127.0.0.1:3000\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"Accept-Encoding: gzip, deflate, br, zstd\r\n"
    b"Accept-Language: en-US,en;q=0.9\r\n"
    b"Cookie: theme=dark; sid=1\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
)
SAFARI = (
    b"GET /socket.io/?EIO=4&transport=websocket&sid=lv_VI97HAXpY6yYWAAAC HTTP/1.1\r\n"
    b"Host: shop.example\r\n"
    b"Origin: https://shop.example\r\n"
    b"Pragma: no-cache\r\n"
    b"Cache-Control: no-cache\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
    b"Upgrade: websocket\r\n"
    b"User-Agent: Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    b"Version/18.0 Safari/605.1.15\r\n"
    b"Connection: Upgrade\r\n\r\n"
)
OKHTTP = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
    b"Host: 10.0.2.2:3000\r\n"
    b"Accept-Encoding: gzip\r\n"
    b"User-Agent: okhttp/4.12.0\r\n\r\n"
)
URL_SESSION = (
    b"GET /socket.io/?transport=websocket&EIO=4 HTTP/1.1\r\n"
    b"Host: 127.0.0.1:3000\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"Upgrade: websocket\r\n"
    b"Accept: */*\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n"
    b"User-Agent: Shop/1 CFNetwork/1568 Darwin/24.0.0\r\n"
    b"Accept-Language: en-GB,en;q=0.9\r\n"
    b"Accept-Encoding: gzip, deflate\r\n"
    b"Connection: Upgrade\r\n\r\n"
)
DART = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
    b"user-agent: Dart/3.5 (dart:io)\r\n"
    b"connection: Upgrade\r\n"
    b"cache-control: no-cache\r\n"
    b"accept-encoding: gzip\r\n"
    b"sec-websocket-version: 13\r\n"
    b"host: 127.0.0.1:3000\r\n"
    b"sec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n"
    b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"upgrade: websocket\r\n\r\n"
)
NODE_WS = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Connection: Upgrade\r\n"
    b"Upgrade: websocket\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
    b"Host: localhost:3000\r\n\r\n"
)
WEBSOCKET_CLIENT = (  # Python
    b"GET /socket.io/?transport=websocket&EIO=4&t=1764275000.5 HTTP/1.1\r\n"
    b"Upgrade: websocket\r\n"
    b"Host: 127.0.0.1:3000\r\n"
    b"Origin: http://127.0.0.1:3000\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"Connection: Upgrade\r\n\r\n"
)
AIOHTTP = (
    b"GET /socket.io/?transport=websocket&EIO=4&t=1764275000.5 HTTP/1.1\r\n"
    b"Host: 127.0.0.1:3000\r\n"
    b"Upgrade: websocket\r\n"
    b"Connection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Accept: */*\r\n"
    b"Accept-Encoding: gzip, deflate\r\n"
    b"User-Agent: Python/3.11 aiohttp/3.9.5\r\n\r\n"
)
CLIENTS = {
    "Chrome": CHROME,
    "Safari": SAFARI,
    "OkHttp": OKHTTP,
    "URLSession": URL_SESSION,
    "Dart": DART,
    "Node's ws": NODE_WS,
    "websocket-client": WEBSOCKET_CLIENT,
    "aiohttp": AIOHTTP,
}


def quickly(data: bytes) -> tuple[Head, bytes] | None:
    """What is read without h11."""
    return read_upgrade(data, max_bytes=MAX_BYTES, peer="192.0.2.1", secure=False, proxies=None)


def slowly(data: bytes) -> tuple[Head, bytes] | None:
    """What h11 reads; None where it refuses or wants more."""
    machine = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_BYTES)
    machine.receive_data(data)
    try:
        event = machine.next_event()
    except h11.RemoteProtocolError:
        return None
    if not isinstance(event, h11.Request):
        return None
    head = read_head(
        event.method,
        event.target,
        event.http_version,
        list(event.headers),
        peer="192.0.2.1",
        secure=False,
        proxies=None,
    )
    if isinstance(head, BadHead) or not isinstance(machine.next_event(), h11.EndOfMessage):
        return None  # one with a body is for h11 to the end
    return head, bytes(machine.trailing_data[0])


def check_same(data: bytes) -> None:
    """Whatever is read without h11 is what h11 reads."""
    read = quickly(data)
    assert read is None or read == slowly(data)


@pytest.mark.parametrize("name", CLIENTS)
def test_the_heads_that_clients_send_need_no_h11(name: str) -> None:
    read = quickly(CLIENTS[name] + b"\x81\x80abcd")
    assert read is not None
    assert read == slowly(CLIENTS[name] + b"\x81\x80abcd")
    head, behind = read
    assert (head.upgrade, head.header(b"sec-websocket-version"), behind) == ("websocket", b"13", b"\x81\x80abcd")


@pytest.mark.parametrize("name", CLIENTS)
def test_every_beginning_of_a_head_is_left_to_h11(name: str) -> None:
    whole = CLIENTS[name]
    assert not [end for end in range(len(whole)) if quickly(whole[:end]) is not None]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"GET", b"POST"),
        (b"GET", b"get"),
        (b"GET ", b"GET  "),
        (b"GET", b"\r\nGET"),
        (b"/socket.io/", b"http://a/socket.io/"),
        (b"/socket.io/", b"*"),
        (b"/socket.io/", b"/socket .io/"),
        (b"/socket.io/", b"/socket\x00.io/"),
        (b"/socket.io/", b"/s\xc3\xb6cket.io/"),
        (b"HTTP/1.1", b"HTTP/1.0"),
        (b"HTTP/1.1", b"HTTP/2.0"),
        (b"HTTP/1.1", b"http/1.1"),
        (b"\r\nHost", b"\nHost"),
        (b"a\r\nConn", b"a\nConn"),
        (b"Host: a", b"Host : a"),
        (b"Host: a", b"Host: a\r\n folded"),
        (b"Host: a", b"Host: a\r\nHost: a"),
        (b"Host: a", b"Host: a\r\nhOST: b"),
        (b"Host: a", b"No: a"),
        (b"Host: a", b"Host: a\r\n: x"),
        (b"Host: a", b"Host: a\r\nno colon"),
        (b"Host: a", b"Host: a\r\nx: \x00"),
        (b"Host: a", b"Host: a\r\nx: \x0b"),
        (b"Host: a", b"Host: a\r\nx: a\rb"),
        (b"Host: a", b"Host: a\r\nContent-Length: 0"),
        (b"Host: a", b"Host: a\r\nContent-Length: 5"),
        (b"Host: a", b"Host: a\r\nTransfer-Encoding: chunked"),
        (b"Host: a", b"Host: a\r\nTRANSFER-ENCODING: chunked"),
        (b"Host: a", b"Host: a\r\nExpect: 100-continue"),
        (b"Host: a", b"Host: a\r\ncookie: a=1\r\ncookie: b=2"),
        (b"Connection: Upgrade", b"Connection: keep-alive"),
        (b"Connection: Upgrade", b"X: Upgrade"),
        (b"Upgrade: websocket", b"X: websocket"),
        (b"Host: a", b"Host: a\r\n" + b"\r\n".join(b"x%d: 1" % n for n in range(62))),
        (b"Host: a", b"Host: a\r\nx: " + b"y" * MAX_BYTES),
    ],
)
def test_what_is_less_than_usual_is_left_to_h11(before: bytes, after: bytes) -> None:
    assert quickly(LEAST) is not None
    assert quickly(LEAST.replace(before, after, 1)) is None


@pytest.mark.parametrize(
    "fields",
    [
        b"\r\n".join(b"x%d: 1" % n for n in range(61)),
        b"x: " + b"y" * (MAX_BYTES - len(LEAST) - len(b"x: \r\n")),
        b"x:",
        b"x:\t y\xff \t",
    ],
)
def test_what_is_just_usual_enough_is_taken(fields: bytes) -> None:
    data = LEAST.replace(b"Host: a", b"Host: a\r\n" + fields)
    assert quickly(data) is not None
    check_same(data)


def test_what_a_trusted_proxy_says_of_the_client_counts() -> None:
    proxied = LEAST.replace(b"Host: a", b"Host: inner\r\nX-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https")
    proxies = TrustedProxies(["192.0.2.0/24"])
    read = read_upgrade(proxied, max_bytes=MAX_BYTES, peer="192.0.2.1", secure=False, proxies=proxies)
    assert read is not None
    assert (read[0].peer, read[0].secure) == ("198.51.100.7", True)


_LINES = st.one_of(
    st.sampled_from(
        [
            *[b"Host: a", b"Connection: Upgrade", b"connection: keep-alive, Upgrade", b"Upgrade: websocket"],
            *[b"Content-Length: 0", b"Transfer-Encoding: chunked", b" folded", b"X : y", b"", b"Cookie: a", b"x:\x7f"],
        ]
    ),
    st.binary(max_size=12),
    st.tuples(st.binary(min_size=1, max_size=6), st.binary(max_size=8)).map(lambda pair: b"%b: %b" % pair),
)


@given(
    start=st.sampled_from([b"GET /a?b HTTP/1.1", b"GET / HTTP/1.1", b"POST / HTTP/1.1", b"GET /\x7f HTTP/1.1"]),
    lines=st.lists(_LINES, max_size=8),
    end=st.sampled_from([b"\r\n", b"\n", b"\r\n\r\n"]),
    behind=st.binary(max_size=4),
)
@example(start=b"GET / HTTP/1.1", lines=[b"Host: a", b"Upgrade: b", b"Connection: upgrade"], end=b"\r\n", behind=b"\n")
def test_any_lines_are_read_as_h11_reads_them(start: bytes, lines: list[bytes], end: bytes, behind: bytes) -> None:
    check_same(b"\r\n".join([start, *lines, b""]) + end + behind)


@given(
    name=st.sampled_from(sorted(CLIENTS)),
    position=st.integers(0, 700),
    change=st.binary(max_size=3),
    cut=st.integers(0, 3),
)
def test_a_changed_head_is_read_as_h11_reads_it(name: str, position: int, change: bytes, cut: int) -> None:
    whole = CLIENTS[name]
    check_same(whole[:position] + change + whole[position + cut :])
