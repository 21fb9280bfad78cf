"""One request over in-memory streams: its body and its answer. Time is a MockClock's; a wait takes none."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock, lockstep_stream_pair, wait_all_tasks_blocked

from slysock.http import BodyTooLarge, HttpConnection, InvalidResponse, Request, RequestBroken
from slysock.http.request import FULL_CHUNK_BYTES, MAX_WASTE_BYTES, PIECES_PER_TURN
from tests.slysock.http.peer import CONFIG, GET, OK, Resetting, arrived, chunked, everything, piece_of, post


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


# ---- the request's body ---------------------------------------------------------------------------------------------


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


async def test_a_body_in_thousands_of_tiny_chunks_is_refused() -> None:
    """What counts is what chunks lack to be of a decent size: of those of 64 bytes there may be any number."""
    tiny = MAX_WASTE_BYTES // (FULL_CHUNK_BYTES - 1)
    legal = [b"a" * FULL_CHUNK_BYTES] * 2000 + [b"a"] * (tiny - 20)  # segments of TCP end in the middle of some
    _client, _connection, request = await arrived(chunked(*legal))
    assert await request.read_body(10_000_000) == b"".join(legal)
    _client, _connection, request = await arrived(chunked(*[b"a"] * (tiny + 1)))
    with pytest.raises(RequestBroken, match="too many chunks") as caught:
        await request.read_body(10_000_000)
    assert caught.value.status == 400


async def test_others_get_turns_while_a_body_in_tiny_chunks_is_read() -> None:
    _client, _connection, request = await arrived(chunked(*[b"a"] * 1000))
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(count)
        assert len(await request.read_body(1000)) == 1000
        nursery.cancel_scope.cancel()
    assert turns >= 1000 // PIECES_PER_TURN


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
    assert await piece_of(client) == OK


async def expect_body(request: Request, expected: bytes) -> None:
    assert await request.read_body(100) == expected


# ---- the answer -----------------------------------------------------------------------------------------------------


async def test_an_answer_goes_out_in_one_piece() -> None:
    client, _connection, request = await arrived(GET)
    await request.respond(200, [(b"x-a", b"b")], b"ok")
    assert await piece_of(client) == b"HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 2\r\n\r\nok"


async def test_an_answer_has_one_date_also_where_the_caller_gives_it() -> None:
    client, _connection, request = await arrived(GET)
    request.start(200, [(b"Date", b"Sun, 06 Nov 1994 08:49:37 GMT"), (b"content-length", b"0")])
    await request.end()
    answer = bytes(await client.receive_some(1000))
    assert answer == b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: 0\r\n\r\n"


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
    assert await piece_of(client) == b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
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


# ---- holding back the answer ----------------------------------------------------------------------------------------


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


async def test_wait_next_returns_when_something_comes_behind_the_request(autojump_clock: MockClock) -> None:
    client, connection, request = await arrived(GET)
    heard: list[bool] = []

    async def wait() -> None:
        heard.append(await request.wait_next())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        await client.send_all(b"\r\n")
        await wait_all_tasks_blocked()
        assert heard == [], "an empty line is nothing"
        await client.send_all(b"POST /next HTTP/1.1\r\n")
    assert heard == [True]
    assert await request.wait_next(), "it is still there"
    await request.respond(200)
    await client.send_all(b"host: a\r\n\r\n")
    following = await connection.next_request()
    assert following is not None
    assert following.path == "/next"


async def test_wait_next_tells_when_the_client_leaves() -> None:
    client, _connection, request = await arrived(GET)
    await client.send_eof()
    assert not await request.wait_next()
    connection = HttpConnection(Resetting(GET), CONFIG, secure=False, peer="")
    reset = await connection.next_request()
    assert reset is not None
    assert not await reset.wait_next()


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


async def test_a_reset_is_someone_gone() -> None:
    connection = HttpConnection(Resetting(GET), CONFIG, secure=False, peer="")
    request = await connection.next_request()
    assert request is not None
    await request.wait_gone()
    with pytest.raises(RequestBroken):
        await request.respond(200)


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
