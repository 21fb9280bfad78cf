"""HTTP/1.1 over in-memory streams. Time is a MockClock's; a wait of many seconds takes none."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock, lockstep_stream_pair, memory_stream_pair, wait_all_tasks_blocked

from slysock.config import Config
from slysock.http import BodyTooLarge, HttpConnection, InvalidResponse, Request, RequestBroken
from slysock.http.connection import LINGER_BYTES, LINGER_SECONDS
from slysock.http.head import Target, split_target
from slysock.http.request import DRAIN_BYTES

CONFIG = Config(request_head_seconds=20, request_body_seconds=30, write_timeout_seconds=10, max_request_head_bytes=2000)
GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

Stream = trio.StapledStream[trio.testing.MemorySendStream, trio.testing.MemoryReceiveStream]


def connect(config: Config = CONFIG) -> tuple[Stream, HttpConnection]:
    """A client's end, and a connection on the server's."""
    client, server = memory_stream_pair()
    return client, HttpConnection(server, config, secure=False, peer="192.0.2.7")


async def arrived(data: bytes, config: Config = CONFIG) -> tuple[Stream, HttpConnection, Request]:
    """What `connect` gives, and the request that the bytes make."""
    client, connection = connect(config)
    await client.send_all(data)
    request = await connection.next_request()
    assert request is not None
    return client, connection, request


async def everything(client: trio.abc.ReceiveStream) -> bytes:
    """All that the server sends, until it ends or pauses for a second. Needs a clock that jumps."""
    data = b""
    with trio.move_on_after(1):
        while piece := await client.receive_some(65536):
            data += piece
    return data


def post(length: int, body: bytes = b"", extra: bytes = b"") -> bytes:
    return b"POST /up HTTP/1.1\r\nhost: a\r\n%scontent-length: %d\r\n\r\n%s" % (extra, length, body)


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + end


# ---- heads ----------------------------------------------------------------------------------------------------------


async def test_a_request_is_taken_apart() -> None:
    data = b"PUT /caf%C3%A9/a%20b?x=%20&y HTTP/1.1\r\nHost: a\r\nX-Two: 1\r\nX-Two: 2\r\n\r\n"
    _client, _connection, request = await arrived(data)
    assert (request.method, request.http_version) == ("PUT", "1.1")
    assert (request.peer, request.secure) == ("192.0.2.7", False)
    assert request.target == b"/caf%C3%A9/a%20b?x=%20&y"
    assert (request.path, request.raw_path) == ("/café/a b", b"/caf%C3%A9/a%20b")
    assert request.query_string == b"x=%20&y"
    assert request.headers == [(b"host", b"a"), (b"x-two", b"1"), (b"x-two", b"2")]
    assert request.header(b"x-two") == b"1"
    assert request.header(b"accept") is None
    assert request.upgrade is None
    assert request.body_complete


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
        (b"\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", 400),
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


async def test_a_refused_head_request_gets_no_body(autojump_clock: MockClock) -> None:
    client, connection = connect()
    await client.send_all(b"HEAD / HTTP/2.0\r\nhost: a\r\n\r\n")
    assert await connection.next_request() is None
    answer = await everything(client)
    assert answer.startswith(b"HTTP/1.1 505 ")
    assert answer.endswith(b"\r\n\r\n")


async def test_a_folded_line_is_unfolded_and_hides_nothing() -> None:
    _client, _connection, request = await arrived(b"GET / HTTP/1.1\r\nhost: a\r\nx: 1\r\n  content-length: 5\r\n\r\n")
    assert request.headers == [(b"host", b"a"), (b"x", b"1 content-length: 5")]
    assert request.body_complete


async def test_a_head_of_just_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    def head(size: int) -> bytes:
        start = b"GET / HTTP/1.1\r\nhost: a\r\nx: "
        return start + b"x" * (size - len(start) - 4) + b"\r\n\r\n"

    await arrived(head(2000))
    client, connection = connect()
    await client.send_all(head(2002))
    assert await connection.next_request() is None
    assert (await client.receive_some(100)).startswith(b"HTTP/1.1 431 ")


async def test_a_request_may_come_byte_by_byte(autojump_clock: MockClock) -> None:
    client, connection = connect()

    async def trickle() -> None:
        for byte in post(3, b"abc") + chunked(b"de", b"f"):
            await client.send_all(bytes([byte]))
            await trio.sleep(0.01)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trickle)
        for expected in (b"abc", b"def"):
            request = await connection.next_request()
            assert request is not None
            assert await request.read_body(3) == expected
            await request.respond(200)


async def test_pipelined_requests_are_answered_in_order(autojump_clock: MockClock) -> None:
    client, connection = connect()
    await client.send_all(b"GET /1 HTTP/1.1\r\nhost: a\r\n\r\n" + post(2, b"hi") + chunked(b"there") + GET)
    for body in (b"", b"hi", b"there", b""):
        request = await connection.next_request()
        assert request is not None
        assert await request.read_body(10) == body
        await request.respond(200, body=request.path.encode())
    answers = (await everything(client)).split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert [answer.rpartition(b"\r\n\r\n")[2] for answer in answers] == [b"/1", b"/up", b"/", b"/"]
    assert not any(b"close" in answer for answer in answers)


# ---- deadlines and leaving ------------------------------------------------------------------------------------------


async def test_an_idle_connection_ends_quietly(autojump_clock: MockClock) -> None:
    client, connection, request = await arrived(GET)
    await request.respond(200, body=b"ok")
    started = trio.current_time()
    assert await connection.next_request() is None
    assert trio.current_time() - started == 20
    await connection.aclose()
    assert trio.current_time() - started == 20
    assert await everything(client) == OK


@pytest.mark.parametrize("part", [b"GE", b"GET / HTTP/1.1\r\nhost: a\r\n"])
async def test_half_a_head_is_answered_408_in_time(part: bytes, autojump_clock: MockClock) -> None:
    client, connection = connect()

    async def trickle() -> None:
        await trio.sleep(19)
        await client.send_all(part)
        for _ in range(19):
            await trio.sleep(1)
            await client.send_all(b"x")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trickle)
        assert await connection.next_request() is None
    assert trio.current_time() - 39 < 0.001
    assert (await everything(client)).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


async def test_a_head_may_take_its_whole_time_after_an_idle_wait(autojump_clock: MockClock) -> None:
    client, connection = connect()

    async def late() -> None:
        await trio.sleep(19.5)
        await client.send_all(GET[:10])
        await trio.sleep(19.5)
        await client.send_all(GET[10:])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(late)
        assert await connection.next_request() is not None


@pytest.mark.parametrize("sent", [b"", b"GET / HT", GET[:-2]])
async def test_a_peer_that_leaves_before_its_request_is_whole_gets_nothing(sent: bytes) -> None:
    client, connection = connect()
    await client.send_all(sent)
    await client.send_eof()
    assert await connection.next_request() is None
    await connection.aclose()
    assert await client.receive_some(100) == b""


async def test_a_lost_connection_ends_without_an_error() -> None:
    client, connection = connect()
    await client.aclose()
    assert await connection.next_request() is None
    await connection.aclose()

    client, connection, request = await arrived(GET)
    await client.aclose()
    with pytest.raises(RequestBroken) as caught:
        await request.respond(200)
    assert caught.value.status is None
    assert isinstance(caught.value.__cause__, trio.BrokenResourceError)
    assert "lost while writing" in str(caught.value)
    with pytest.raises(RequestBroken, match="not usable"):
        await request.send(b"")
    assert await connection.next_request() is None
    await connection.aclose()


async def test_a_refusal_that_cannot_be_written_is_dropped() -> None:
    client, connection = connect()
    await client.send_all(b"nonsense\r\n\r\n")
    await client.receive_stream.aclose()
    assert await connection.next_request() is None


async def test_a_stream_closed_on_our_side_ends_a_wait_for_a_request() -> None:
    client, server = memory_stream_pair()
    connection = HttpConnection(server, CONFIG, secure=False, peer="")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(expect_none, connection)
        await wait_all_tasks_blocked()
        await server.aclose()
    assert await client.receive_some(1) == b""


async def expect_none(connection: HttpConnection) -> None:
    assert await connection.next_request() is None


async def test_http_1_0_gets_one_answer_that_ends_with_the_connection(autojump_clock: MockClock) -> None:
    client, connection, request = await arrived(b"GET / HTTP/1.0\r\n\r\n" + GET)
    assert request.http_version == "1.0"
    request.start(200)
    await request.send(b"a")
    await request.end(b"b")
    assert await connection.next_request() is None
    await connection.aclose()
    assert await everything(client) == b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nab"


async def test_finish_ends_an_idle_wait_at_once(autojump_clock: MockClock) -> None:
    _client, connection = connect()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(expect_none, connection)
        await wait_all_tasks_blocked()
        connection.finish()
    assert trio.current_time() == 0


async def test_finish_lets_the_request_under_way_be_the_last(autojump_clock: MockClock) -> None:
    client, connection, request = await arrived(GET + GET)
    connection.finish()
    await request.respond(200, body=b"ok")
    assert await connection.next_request() is None
    await connection.aclose()
    assert await everything(client) == OK.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")


# ---- request bodies -------------------------------------------------------------------------------------------------


async def test_a_body_comes_piece_by_piece_and_ends_empty() -> None:
    client, _connection, request = await arrived(post(6))
    pieces = []
    async with trio.open_nursery() as nursery:
        for part in (b"abc", b"def"):
            assert not request.body_complete
            nursery.start_soon(client.send_all, part)
            pieces.append(await request.receive_chunk())
    assert pieces == [b"abc", b"def"]
    assert request.body_complete
    assert await request.receive_chunk() == b""


async def test_a_chunked_body_is_read_to_its_end() -> None:
    _client, _connection, request = await arrived(chunked(b"a" * 20, b"b", end=b"0\r\ntrailer: x\r\n\r\n"))
    assert await request.read_body(21) == b"a" * 20 + b"b"
    assert request.body_complete


async def test_a_body_is_not_read_ahead_of_its_reader() -> None:
    client, server = lockstep_stream_pair()
    connection = HttpConnection(server, CONFIG, secure=False, peer="")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.send_all, post(4))
        request = await connection.next_request()
    assert request is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.send_all, b"abcd")
        await wait_all_tasks_blocked()
        assert not request.body_complete
        assert await request.read_body(4) == b"abcd"


async def test_a_declared_length_over_the_limit_is_refused_unread() -> None:
    client, _connection, request = await arrived(post(11, extra=b"expect: 100-continue\r\n"))
    with pytest.raises(BodyTooLarge, match="larger than 10 bytes") as caught:
        await request.read_body(10)
    assert caught.value.limit_bytes == 10
    await request.respond(413)
    assert (await client.receive_some(1000)).startswith(b"HTTP/1.1 413 ")


async def test_a_chunked_body_over_the_limit_is_refused_while_it_comes() -> None:
    _client, _connection, request = await arrived(chunked(b"a" * 10, b"b", end=b""))
    with pytest.raises(BodyTooLarge):
        await request.read_body(10)


@pytest.mark.parametrize(
    "body",
    [
        b"x\r\na\r\n",
        b"1\r\nab\r\n",
        b"-1\r\na\r\n",
        b"0x1\r\na\r\n",
        b"1 \n\r\na\r\n",
        b"%s\r\na" % (b"f" * 40),
        b"1\r\na\r\n0\r\nbad trailer\r\n\r\n",
        b"1;" + b"x" * 3000,
    ],
)
async def test_a_malformed_chunk_breaks_the_request_and_can_be_answered(body: bytes, autojump_clock: MockClock) -> None:
    client, connection, request = await arrived(chunked(end=body))
    with pytest.raises(RequestBroken, match="malformed") as caught:
        await request.read_body(100)
    assert caught.value.status == 400
    with pytest.raises(RequestBroken):
        await request.receive_chunk()
    await request.respond(400)
    assert await connection.next_request() is None
    assert b"connection: close" in (await everything(client)).lower()


@pytest.mark.parametrize("sent", [post(5, b"abc"), chunked(b"abc", end=b""), chunked(end=b"5\r\nab")])
async def test_a_body_that_ends_early_breaks_the_request(sent: bytes) -> None:
    client, connection, request = await arrived(sent)
    await client.send_eof()
    with pytest.raises(RequestBroken) as caught:
        await request.read_body(100)
    assert caught.value.status is None
    assert await connection.next_request() is None


async def test_a_body_that_stalls_breaks_the_request_with_408(autojump_clock: MockClock) -> None:
    client, connection, request = await arrived(post(5))

    async def trickle() -> None:
        for _ in range(2):
            await trio.sleep(29)
            await client.send_all(b"a")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trickle)
        with pytest.raises(RequestBroken, match="in time") as caught:
            await request.read_body(100)
    assert caught.value.status == 408
    assert trio.current_time() == 29 + 29 + 30
    await request.respond(408)
    assert await connection.next_request() is None


async def test_more_body_than_declared_is_taken_for_a_request_and_refused(autojump_clock: MockClock) -> None:
    client, connection, request = await arrived(post(2, b"ab" + b"cdef\r\n\r\n"))
    assert await request.read_body(100) == b"ab"
    await request.respond(200)
    assert await connection.next_request() is None
    assert b"HTTP/1.1 400 Bad Request" in await everything(client)


async def test_the_client_is_told_to_continue_once_the_body_is_wanted() -> None:
    client, _connection, request = await arrived(post(2, extra=b"Expect: 100-continue\r\n"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(expect_body, request, b"ab")
        assert await client.receive_some(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send_all(b"a")
        await wait_all_tasks_blocked()
        await client.send_all(b"b")
    await request.respond(200, body=b"ok")
    assert await client.receive_some(1000) == OK


async def expect_body(request: Request, expected: bytes) -> None:
    assert await request.read_body(100) == expected


# ---- bodies that nobody wants ---------------------------------------------------------------------------------------


async def test_a_small_unread_body_is_dropped_and_the_connection_kept(autojump_clock: MockClock) -> None:
    client, connection, request = await arrived(post(DRAIN_BYTES))
    await request.respond(200, body=b"ok")
    assert await everything(client) == OK
    await client.send_all(b"x" * DRAIN_BYTES + GET)
    following = await connection.next_request()
    assert following is not None
    assert following.method == "GET"


async def test_a_small_unread_body_that_never_comes_ends_the_connection(autojump_clock: MockClock) -> None:
    client, connection, request = await arrived(post(10, b"abc"))
    await request.respond(200, body=b"ok")
    assert await connection.next_request() is None
    assert trio.current_time() == 20
    await connection.aclose()
    assert await everything(client) == OK


@pytest.mark.parametrize(
    "sent",
    [
        post(DRAIN_BYTES + 1),
        chunked(b"abc"),
        post(2, extra=b"expect: 100-continue\r\n"),
    ],
)
async def test_an_unread_body_of_unknown_or_large_size_costs_the_connection(sent: bytes) -> None:
    client, connection, request = await arrived(sent)
    await request.respond(413)
    assert b"\r\nconnection: close\r\n" in await client.receive_some(1000)
    assert await connection.next_request() is None


async def test_a_refused_upload_is_dropped_until_the_client_has_seen_why(autojump_clock: MockClock) -> None:
    client, connection, request = await arrived(post(10**9, b"x" * 70_000))
    seen = []

    async def upload() -> None:
        for _ in range(10):
            await client.send_all(b"x" * 100_000)
            await trio.sleep(0.1)
        seen.append(await everything(client))
        await client.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(upload)
        await request.respond(413)
        assert await connection.next_request() is None
        await connection.aclose()
    assert seen[0].startswith(b"HTTP/1.1 413 ")
    assert trio.current_time() < LINGER_SECONDS


async def test_lingering_ends_in_time(autojump_clock: MockClock) -> None:
    client, connection, request = await arrived(post(10**9))
    await request.respond(413)
    await connection.aclose()
    assert trio.current_time() == LINGER_SECONDS
    with pytest.raises(trio.BrokenResourceError):
        await client.send_all(b"x")


async def test_lingering_ends_after_so_many_bytes(autojump_clock: MockClock) -> None:
    client, connection, request = await arrived(post(10**9))
    await request.respond(413)
    await client.send_all(bytes(LINGER_BYTES))
    await connection.aclose()
    assert trio.current_time() == 0


async def test_lingering_ends_with_a_lost_connection(autojump_clock: MockClock) -> None:
    client, connection, request = await arrived(post(10**9))
    await request.respond(413)
    await client.send_stream.aclose()
    await client.receive_stream.aclose()
    await connection.aclose()
    assert trio.current_time() == 0


class Resetting(trio.abc.Stream):
    """A stream without half-close whose peer resets it when something more is read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.closed = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        data, self.data = self.data, b""
        if not data:
            raise trio.BrokenResourceError
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self.closed = True


async def test_a_reset_while_lingering_is_the_end_of_it() -> None:
    stream = Resetting(post(10**9))
    connection = HttpConnection(stream, CONFIG, secure=False, peer="")
    request = await connection.next_request()
    assert request is not None
    await request.respond(413)
    await connection.aclose()
    assert stream.closed


async def test_a_reset_is_someone_gone() -> None:
    connection = HttpConnection(Resetting(GET), CONFIG, secure=False, peer="")
    request = await connection.next_request()
    assert request is not None
    await request.wait_gone()
    with pytest.raises(RequestBroken):
        await request.respond(200)


# ---- answers --------------------------------------------------------------------------------------------------------


async def test_an_answer_goes_out_in_one_piece() -> None:
    client, _connection, request = await arrived(GET)
    await request.respond(200, [(b"x-a", b"b")], b"ok")
    assert await client.receive_some(1000) == b"HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 2\r\n\r\nok"


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_has_no_length(status: int, autojump_clock: MockClock) -> None:
    client, _connection, request = await arrived(GET)
    await request.respond(status)
    answer = await everything(client)
    assert b"content-length" not in answer
    assert answer.endswith(b"\r\n\r\n")


async def test_an_answer_to_head_has_the_length_and_no_body(autojump_clock: MockClock) -> None:
    client, connection, request = await arrived(GET.replace(b"GET", b"HEAD") + GET.replace(b"GET", b"HEAD"))
    await request.respond(200, body=b"ok")
    following = await connection.next_request()
    assert following is not None
    following.start(200, [(b"content-length", b"2")])
    await following.send(b"o")
    await following.end(b"k")
    assert await everything(client) == OK[:-2] * 2


async def test_a_streamed_answer_comes_in_chunks_and_its_head_with_the_first() -> None:
    client, connection, request = await arrived(GET)
    request.start(200)
    await request.send(b"abc")
    assert await client.receive_some(1000) == b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    await request.send(b"")
    await request.end()
    assert await client.receive_some(1000) == b"0\r\n\r\n"
    await client.send_all(GET)
    assert await connection.next_request() is not None


async def test_an_unknown_status_has_no_reason() -> None:
    client, _connection, request = await arrived(GET)
    await request.respond(299)
    assert (await client.receive_some(1000)).startswith(b"HTTP/1.1 299 \r\n")


@pytest.mark.parametrize(
    "headers",
    [
        [(b"location", b"/\r\nset-cookie: a=b")],
        [(b"location", b"/\nset-cookie: a=b")],
        [(b"x\r\nset-cookie: a=b\r\ny", b"c")],
        [(b"x", b"a\0b")],
        [(b"content-length", b"1")],
        [(b"transfer-encoding", b"gzip")],
    ],
)
async def test_an_injected_header_is_our_bug_and_another_answer_may_follow(headers: list[tuple[bytes, bytes]]) -> None:
    client, _connection, request = await arrived(GET)
    with pytest.raises(InvalidResponse):
        await request.respond(200, headers, b"ok")
    await request.respond(500)
    assert (await client.receive_some(1000)).startswith(b"HTTP/1.1 500 ")


async def answer_twice(request: Request) -> None:
    await request.respond(200)
    await request.respond(200)


async def answer_too_much(request: Request) -> None:
    request.start(200, [(b"content-length", b"1")])
    await request.send(b"ab")


async def answer_too_little(request: Request) -> None:
    request.start(200, [(b"content-length", b"3")])
    await request.end(b"ab")


async def answer_without_start(request: Request) -> None:
    await request.send(b"ab")


@pytest.mark.parametrize("answer", [answer_twice, answer_too_much, answer_too_little, answer_without_start])
async def test_an_answer_against_the_rules_is_our_bug_and_ends_the_connection(
    answer: Callable[[Request], Awaitable[None]],
) -> None:
    _client, connection, request = await arrived(GET + GET)
    with pytest.raises(InvalidResponse):
        await answer(request)
    assert await connection.next_request() is None
    await connection.aclose()


async def test_a_request_without_an_answer_is_the_last() -> None:
    _client, connection, _request = await arrived(GET + GET)
    assert await connection.next_request() is None


async def test_an_abandoned_answer_is_broken_off() -> None:
    client, connection, request = await arrived(GET)
    request.start(200)
    await request.send(b"abc")
    request.abandon()
    assert await connection.next_request() is None
    await connection.aclose()
    data = await client.receive_some(1000)
    assert data.endswith(b"3\r\nabc\r\n")
    assert await client.receive_some(1000) == b""


async def lockstep_request() -> tuple[trio.abc.Stream, HttpConnection, Request]:
    """A request whose answer waits until the client reads."""
    client, server = lockstep_stream_pair()
    connection = HttpConnection(server, CONFIG, secure=False, peer="")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.send_all, GET)
        request = await connection.next_request()
    assert request is not None
    return client, connection, request


async def test_a_client_that_does_not_read_breaks_the_write_in_time(autojump_clock: MockClock) -> None:
    _client, connection, request = await lockstep_request()
    with pytest.raises(RequestBroken) as caught:
        await request.respond(200)
    assert isinstance(caught.value.__cause__, trio.TooSlowError)
    assert trio.current_time() == 10
    assert await connection.next_request() is None
    await connection.aclose()
    assert trio.current_time() == 10


async def test_a_client_that_reads_slowly_is_waited_for(autojump_clock: MockClock) -> None:
    client, _connection, request = await lockstep_request()
    received = bytearray()

    async def sip() -> None:
        while len(received) < 300_000:
            await trio.sleep(1)
            received.extend(await client.receive_some(8192))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(sip)
        await request.respond(200, body=bytes(300_000))
    assert trio.current_time() > CONFIG.write_timeout_seconds * 3


async def test_a_cancelled_write_closes_the_connection(autojump_clock: MockClock) -> None:
    client, connection, request = await lockstep_request()
    with trio.move_on_after(1) as scope:
        await request.respond(200)
    assert scope.cancelled_caught
    with pytest.raises(RequestBroken):
        await request.respond(200)
    assert await connection.next_request() is None
    await connection.aclose()
    assert trio.current_time() == 1
    while await client.receive_some(1000):
        pass


async def test_a_cancelled_close_is_a_close_at_once() -> None:
    client, connection, request = await arrived(post(10**9))
    await request.respond(413)
    with trio.CancelScope() as scope:
        scope.cancel()
        await connection.aclose()
    with pytest.raises(trio.BrokenResourceError):
        await client.send_all(b"x")


# ---- holding back an answer -----------------------------------------------------------------------------------------


async def test_wait_gone_returns_when_the_client_leaves() -> None:
    client, connection, request = await arrived(GET)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(request.wait_gone)
        await wait_all_tasks_blocked()
        await client.aclose()
    await request.wait_gone()
    assert await connection.next_request() is None


async def test_wait_gone_keeps_what_a_pipelining_client_sends(autojump_clock: MockClock) -> None:
    client, connection, request = await arrived(GET)
    with trio.move_on_after(5) as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.send_all, b"GET /next HTTP/1.1\r\nhost: a\r\n\r\n" + GET)
            await request.wait_gone()
    assert scope.cancelled_caught
    await request.respond(200)
    for path in ("/next", "/"):
        following = await connection.next_request()
        assert following is not None
        assert following.path == path
        await following.respond(200)


async def test_wait_gone_stops_reading_at_a_bound(autojump_clock: MockClock) -> None:
    client, server = lockstep_stream_pair()
    connection = HttpConnection(server, CONFIG, secure=False, peer="")
    taken = 0

    async def flood() -> None:
        nonlocal taken
        while True:
            await client.send_all(b"x" * 100)
            taken += 100

    async with trio.open_nursery() as nursery:
        nursery.start_soon(client.send_all, GET)
        request = await connection.next_request()
    assert request is not None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(flood)
        with trio.move_on_after(5):
            await request.wait_gone()
        nursery.cancel_scope.cancel()
    assert taken == CONFIG.max_request_head_bytes


async def test_a_client_that_half_closed_gets_its_answer_as_the_last() -> None:
    client, connection, request = await arrived(GET)
    await client.send_eof()
    await request.wait_gone()
    await request.respond(200, body=b"ok")
    assert b"connection: close" in await client.receive_some(1000)
    assert await connection.next_request() is None


@pytest.mark.parametrize("following", [GET, b"GET /"])
async def test_a_pipelined_request_of_a_client_that_half_closed_is_not_served(following: bytes) -> None:
    client, connection, request = await arrived(GET + following)
    await client.send_eof()
    await request.wait_gone()
    await request.respond(200)
    assert await connection.next_request() is None


# ---- leaving HTTP ---------------------------------------------------------------------------------------------------


async def test_an_upgrade_is_handed_over_with_what_followed_it() -> None:
    head = b"GET /ws?a=b HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    client, connection, request = await arrived(head + b"\x81\x00more")
    assert request.hand_over() == b"\x81\x00more"
    assert await connection.next_request() is None
    await connection.aclose()
    assert await client.receive_some(10) == b""


async def test_a_refused_upgrade_keeps_the_connection() -> None:
    head = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    _client, connection, request = await arrived(head + GET)
    await request.respond(400)
    assert await connection.next_request() is not None


# ---- garbage --------------------------------------------------------------------------------------------------------

fragments = st.sampled_from(
    [
        *(b"GET ", b"POST / ", b"/", b"HTTP/1.1", b"HTTP/1.0", b"\r\n", b"\n", b"\r", b":", b" ", b"\t", b"0", b"5"),
        *(b"host: a\r\n", b"content-length: ", b"transfer-encoding: chunked\r\n", b"expect: 100-continue\r\n"),
        *(b"connection: upgrade\r\n", b"upgrade: x\r\n", GET, post(3, b"abc"), chunked(b"a"), b"\xff", b"\0", b"%zz"),
    ]
)
garbage = st.lists(fragments | st.binary(max_size=20), max_size=30).map(b"".join)


@settings(deadline=None)
@given(data=garbage, cuts=st.lists(st.integers(1, 40), max_size=10))
def test_garbage_raises_nothing_but_request_broken(data: bytes, cuts: list[int]) -> None:
    async def serve() -> None:
        client, connection = connect()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(feed, client)
            while (request := await connection.next_request()) is not None:
                try:
                    await request.read_body(1000)
                    await request.respond(200)
                except (RequestBroken, BodyTooLarge):
                    await request.respond(400)
            await connection.aclose()

    async def feed(client: Stream) -> None:
        rest = data
        with suppress(trio.BrokenResourceError):
            for cut in cuts:
                await client.send_all(rest[:cut])
                rest = rest[cut:]
                await trio.sleep(1)
            await client.send_all(rest)
            await client.send_eof()

    trio.run(serve, clock=MockClock(autojump_threshold=0))
