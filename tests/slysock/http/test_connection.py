"""HTTP/1.1 over in-memory streams: request after request. Time is a MockClock's; a wait of many seconds takes none."""

import weakref
from contextlib import suppress

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from slysock.http import BodyTooLarge, HttpConnection, RequestBroken
from slysock.http.connection import LINGER_BYTES, LINGER_SECONDS
from slysock.http.head import MAX_HEADER_LINES
from slysock.http.request import DRAIN_BYTES
from tests.slysock.http.peer import (
    CONFIG,
    GET,
    OK,
    Pair,
    Resetting,
    Stream,
    arrived,
    chunked,
    connect,
    everything,
    expect_none,
    post,
)

# ---- request after request ------------------------------------------------------------------------------------------


async def test_a_refused_head_request_gets_no_body(autojump_clock: MockClock) -> None:
    client, connection = connect()
    await client.send_all(b"HEAD / HTTP/2.0\r\nhost: a\r\n\r\n")
    assert await connection.next_request() is None
    answer = await everything(client)
    assert answer.startswith(b"HTTP/1.1 505 ")
    assert answer.endswith(b"\r\n\r\n")


async def test_a_head_of_just_the_limit_is_taken_and_one_byte_more_is_not() -> None:
    def head(size: int) -> bytes:
        start = b"GET / HTTP/1.1\r\nhost: a\r\nx: "
        return start + b"x" * (size - len(start) - 4) + b"\r\n\r\n"

    await arrived(head(2000))
    client, connection = connect()
    await client.send_all(head(2002))
    assert await connection.next_request() is None
    assert (await client.receive_some(100)).startswith(b"HTTP/1.1 431 ")


def lines(count: int, first: bytes = b"host: a", line: bytes = b"x:y", end: bytes = b"\r\n") -> bytes:
    """A request of so many header lines."""
    return end.join([b"GET / HTTP/1.1", first, *[line] * (count - 1), b"", b""])


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
async def test_a_head_of_a_hundred_lines_is_taken_and_one_more_is_not(end: bytes, autojump_clock: MockClock) -> None:
    _, _, request = await arrived(lines(MAX_HEADER_LINES, end=end))
    assert len(request.headers) == MAX_HEADER_LINES
    for head in (lines(MAX_HEADER_LINES + 1, end=end), lines(MAX_HEADER_LINES + 1, line=b" folded", end=end)):
        client, connection = connect()
        await client.send_all(head)
        assert await connection.next_request() is None
        assert (await everything(client)).startswith(b"HTTP/1.1 431 ")


async def test_lines_are_counted_while_they_come(autojump_clock: MockClock) -> None:
    client, connection = connect()
    taken = lines(MAX_HEADER_LINES)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection.next_request)
        for start in range(0, len(taken), 50):
            await client.send_all(taken[start : start + 50])
            await wait_all_tasks_blocked()
    client, connection = connect()
    await client.send_all(lines(MAX_HEADER_LINES)[:-2])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(expect_none, connection)
        await wait_all_tasks_blocked()
        await client.send_all(b"one: more\r\n")
    assert (await everything(client)).startswith(b"HTTP/1.1 431 "), "before the end of the head has come"


async def test_lines_of_a_body_and_of_the_next_request_are_not_those_of_the_head() -> None:
    body = b"\n" * 1000
    _, _, request = await arrived(post(len(body), body))
    assert await request.read_body(2000) == body
    client, connection = connect()
    await client.send_all(lines(60) + lines(60))
    for _ in range(2):
        request = await connection.next_request()
        assert request is not None
        assert len(request.headers) == 60
        await request.respond(200)


async def test_nothing_of_an_answered_request_is_kept_while_the_next_is_awaited(nursery: trio.Nursery) -> None:
    client, connection = connect()
    await client.send_all(GET)
    request = await connection.next_request()
    assert request is not None
    await request.respond(200)
    kept = weakref.ref(request)
    del request
    nursery.start_soon(connection.next_request)
    await wait_all_tasks_blocked()
    assert kept() is None
    nursery.cancel_scope.cancel()


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


ENDS = [b"\r\n", b"\n", b"\r\n\r\n"]


@pytest.mark.parametrize("end", ENDS)
async def test_line_ends_behind_a_body_are_no_request(end: bytes, autojump_clock: MockClock) -> None:
    client, connection = connect()
    await client.send_all(post(2, b"hi") + end + post(2, b"ho") + end)
    for body in (b"hi", b"ho"):
        request = await connection.next_request()
        assert request is not None
        assert await request.read_body(10) == body
        await request.respond(200, body=b"ok")
    await client.send_all(end)
    assert await connection.next_request() is None, "and end quietly with the idle time"
    assert trio.current_time() - 20 < 0.001
    assert await everything(client) == OK * 2


@pytest.mark.parametrize("end", ENDS)
async def test_line_ends_in_front_of_a_request_may_come_byte_by_byte_and_buy_no_time(
    end: bytes, autojump_clock: MockClock
) -> None:
    client, connection = connect()

    async def trickle() -> None:
        for byte in end + GET:
            await client.send_all(bytes((byte,)))
            await wait_all_tasks_blocked()
        while True:
            await trio.sleep(3)
            await client.send_all(end)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trickle)
        request = await connection.next_request()
        assert request is not None
        await request.respond(200, body=b"ok")
        assert await connection.next_request() is None
        assert trio.current_time() - 20 < 0.001
        nursery.cancel_scope.cancel()
    assert await everything(client) == OK


@pytest.mark.parametrize("end", ENDS)
async def test_a_client_that_leaves_behind_a_line_end_gets_no_answer_to_it(
    end: bytes, autojump_clock: MockClock
) -> None:
    client, connection = connect()
    await client.send_all(post(2, b"hi") + end)
    await client.send_eof()
    request = await connection.next_request()
    assert request is not None
    await request.read_body(2)
    await request.respond(200, body=b"ok")
    assert await connection.next_request() is None
    assert await everything(client) == OK


async def test_requests_come_one_after_the_other(pair: Pair) -> None:
    for _ in range(2):
        request = await pair.arrived()
        await request.respond(200, body=b"ok")
        assert await pair.answer() == OK


async def test_requests_that_came_all_at_once_let_others_run_in_between(pair: Pair, nursery: trio.Nursery) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await trio.lowlevel.checkpoint()

    nursery.start_soon(count)
    await pair.far.send_all(GET * 20)
    for number in range(20):
        request = await pair.connection.next_request()
        assert request is not None
        assert turns >= number
        await request.respond(200, body=b"ok")
    nursery.cancel_scope.cancel()


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


async def test_finish_ends_a_wait_that_has_begun_or_is_about_to(pair: Pair, nursery: trio.Nursery) -> None:
    nursery.start_soon(expect_none, pair.connection)
    await wait_all_tasks_blocked()
    pair.connection.finish()

    other = Pair()
    nursery.start_soon(expect_none, other.connection)
    await trio.lowlevel.checkpoint()  # it is giving others their turn
    other.connection.finish()
    await wait_all_tasks_blocked()
    await other.connection.aclose()
    await other.far.aclose()


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


async def test_a_reset_while_lingering_is_the_end_of_it() -> None:
    stream = Resetting(post(10**9))
    connection = HttpConnection(stream, CONFIG, secure=False, peer="")
    request = await connection.next_request()
    assert request is not None
    await request.respond(413)
    await connection.aclose()
    assert stream.closed


async def test_a_cancelled_close_is_a_close_at_once() -> None:
    client, connection, request = await arrived(post(10**9))
    await request.respond(413)
    with trio.CancelScope() as scope:
        scope.cancel()
        await connection.aclose()
    with pytest.raises(trio.BrokenResourceError):
        await client.send_all(b"x")


# ---- garbage --------------------------------------------------------------------------------------------------------


fragments = st.sampled_from(
    [
        *(b"GET ", b"POST / ", b"/", b"HTTP/1.1", b"HTTP/1.0", b"\r\n", b"\n", b"\r", b":", b" ", b"\t", b"0", b"5"),
        *(b"host: a\r\n", b"content-length: ", b"transfer-encoding: chunked\r\n", b"expect: 100-continue\r\n"),
        *(b"connection: upgrade\r\n", b"upgrade: x\r\n", GET, post(3, b"abc"), chunked(b"a"), b"\xff", b"\0", b"%zz"),
    ]
)
garbage = st.lists(fragments | st.binary(max_size=20), max_size=30).map(b"".join)


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
