"""Bytes between h11 and a stream; on plain sockets, what needs no waiting is done without Trio's streams.

The sockets come in pairs, without ports.
"""

import socket as stdlib_socket
from contextlib import ExitStack, suppress
from functools import partial

import h11
import pytest
import trio
from trio.testing import MockClock, memory_stream_pair, wait_all_tasks_blocked

from slysock.http import HttpConnection, InvalidResponse, Request, RequestBroken
from slysock.http.listeners import Address, bound
from slysock.http.pace import Pace
from slysock.http.stream import HttpStream
from tests.slysock.http.peer import CONFIG, GET, OK, Pair, Resetting, Stream, expect_none, lockstep_request

POST = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\n"
LARGE = bytes(4_000_000)  # more than a socket takes at once


def streams() -> tuple[Stream, HttpStream]:
    """A client's end, and h11 on the server's."""
    client, server = memory_stream_pair()
    return client, HttpStream(server, None, CONFIG)


# ---- reading --------------------------------------------------------------------------------------------------------


async def test_a_request_may_come_in_pieces(pair: Pair, nursery: trio.Nursery) -> None:
    async def send() -> None:
        for start in range(0, len(POST) + 4, 7):
            await wait_all_tasks_blocked()
            await pair.far.send_all((POST + b"body")[start : start + 7])

    nursery.start_soon(send)
    request = await pair.connection.next_request()
    assert request is not None
    assert await request.read_body(100) == b"body"


async def test_a_wait_for_a_request_ends_quietly_in_time(pair: Pair, autojump_clock: MockClock) -> None:
    assert await pair.connection.next_request() is None
    assert trio.current_time() == CONFIG.request_head_seconds
    await pair.connection.aclose()
    assert await pair.answer() == b""


async def test_a_head_that_stops_half_way_is_answered_in_time(pair: Pair, autojump_clock: MockClock) -> None:
    await pair.far.send_all(GET[:9])
    assert await pair.connection.next_request() is None
    assert trio.current_time() == CONFIG.request_head_seconds
    assert b" 408 " in await pair.answer()


async def test_a_body_that_stops_half_way_is_given_up_in_time(pair: Pair, autojump_clock: MockClock) -> None:
    request = await pair.arrived(POST + b"bo")
    with pytest.raises(RequestBroken) as caught:
        await request.read_body(100)
    assert caught.value.status == 408
    assert trio.current_time() == CONFIG.request_stall_seconds


async def test_a_head_over_the_bound_is_refused_without_being_read(pair: Pair) -> None:
    await pair.far.send_all(GET[:-2] + b"x" * 10_000)
    await expect_none(pair.connection)
    assert b" 431 " in await pair.answer()
    assert len(pair.server.recv(65536)) >= 10_000 - CONFIG.max_request_head_bytes


async def test_a_client_that_leaves_ends_the_connection(pair: Pair) -> None:
    pair.client.close()
    assert await pair.connection.next_request() is None


async def test_a_socket_that_fails_is_a_client_gone(pair: Pair) -> None:
    pair.server.close()
    assert await pair.connection.next_request() is None
    stream = HttpStream(pair.stream, pair.server, CONFIG)
    with pytest.raises(RequestBroken, match="while reading"):
        stream.read_now(100)
    with pytest.raises(RequestBroken, match="while reading"):
        await stream.read_more()


async def test_somebody_elses_reading_does_not_disturb_a_wait(pair: Pair, nursery: trio.Nursery) -> None:
    """A wake-up for nothing; the kernel may do the same."""
    stream = HttpStream(pair.stream, pair.server, CONFIG)
    nursery.start_soon(stream.read_more)
    await wait_all_tasks_blocked()
    pair.client.send(b"stolen")
    pair.server.recv(100)
    await wait_all_tasks_blocked()
    assert stream.buffered == 0
    pair.client.send(b"kept")
    await wait_all_tasks_blocked()
    assert stream.buffered == 4


async def test_requests_know_which_of_them_arrived_first() -> None:
    """In whatever order their connections are read."""
    async with bound(Address(host="127.0.0.1")) as (listener,):
        with ExitStack() as stack:
            clients = [stack.enter_context(stdlib_socket.create_connection(listener.getsockname())) for _ in range(2)]
            await trio.lowlevel.wait_readable(listener)
            servers = [stack.enter_context(listener.accept()[0]) for _ in clients]
            for client in reversed(clients):
                client.sendall(GET)
            requests: list[Request | None] = []
            for server in servers:
                server.setblocking(False)
                stream = trio.SocketStream(trio.socket.from_stdlib_socket(server))
                connection = HttpConnection(stream, CONFIG, secure=False, peer="", sock=server)
                requests.append(await connection.next_request())
            first, second = requests
            assert first is not None
            assert second is not None
            assert second.came_ns < first.came_ns


async def test_a_read_that_is_cancelled_loses_nothing() -> None:
    client, stream = streams()
    with trio.CancelScope() as scope:
        scope.cancel()
        await stream.read_more()
    await client.send_all(GET)
    await stream.read_more()
    assert isinstance(stream.machine.next_event(), h11.Request)


async def test_nothing_is_read_at_once_where_only_waiting_can_tell() -> None:
    client, stream = streams()
    await client.send_all(GET)
    assert not stream.read_now(1000)
    assert stream.buffered == 0


# ---- holding back an answer -----------------------------------------------------------------------------------------


async def test_wait_gone_returns_when_the_client_leaves(pair: Pair, nursery: trio.Nursery) -> None:
    request = await pair.arrived()
    nursery.start_soon(request.wait_gone)
    await wait_all_tasks_blocked()
    pair.client.close()


async def test_a_cancelled_wait_gone_loses_nothing(pair: Pair, autojump_clock: MockClock) -> None:
    request = await pair.arrived()
    with trio.move_on_after(5) as scope:
        await request.wait_gone()
    assert scope.cancelled_caught
    await request.respond(200, body=b"ok")
    assert await pair.answer() == OK
    await pair.arrived()


# ---- writing --------------------------------------------------------------------------------------------------------


async def test_an_answer_larger_than_the_socket_takes_arrives_whole(pair: Pair, nursery: trio.Nursery) -> None:
    request = await pair.arrived()
    nursery.start_soon(request.respond, 200, (), LARGE)
    await wait_all_tasks_blocked()
    data = await pair.answer(len(LARGE))
    head, _, body = data.partition(b"\r\n\r\n")
    assert b"content-length: 4000000" in head
    assert body + await pair.answer(len(LARGE) - len(body)) == LARGE


async def test_an_answer_that_nobody_reads_is_given_up_in_time(pair: Pair, autojump_clock: MockClock) -> None:
    request = await pair.arrived()
    with pytest.raises(RequestBroken, match="while writing"):
        await request.respond(200, body=LARGE)
    assert trio.current_time() == CONFIG.write_timeout_seconds
    assert await pair.connection.next_request() is None


async def test_nothing_is_written_at_once_to_a_full_socket(pair: Pair, autojump_clock: MockClock) -> None:
    with suppress(BlockingIOError):
        while True:
            pair.server.send(bytes(65536))
    request = await pair.arrived()
    with pytest.raises(RequestBroken, match="while writing"):
        await request.respond(200)


async def test_a_cancelled_write_breaks_the_connection(pair: Pair, autojump_clock: MockClock) -> None:
    request = await pair.arrived()
    with trio.move_on_after(1) as scope:
        await request.respond(200, body=LARGE)
    assert scope.cancelled_caught
    with pytest.raises(RequestBroken, match="not usable"):
        request.start(200)
    assert await pair.connection.next_request() is None


async def test_an_answer_to_a_client_that_has_left_is_broken(pair: Pair) -> None:
    request = await pair.arrived()
    pair.client.close()
    with pytest.raises(RequestBroken, match="while writing") as caught:
        await request.respond(200)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.status is None


async def test_a_streamed_answer_lets_others_run_between_its_pieces(pair: Pair, nursery: trio.Nursery) -> None:
    ran = trio.Event()
    request = await pair.arrived()
    request.start(200)

    async def run() -> None:
        ran.set()

    nursery.start_soon(run)
    await request.send(b"a")
    await request.send(b"b")  # Trio runs what is due in any order: after two turns everybody had one
    assert ran.is_set()
    await request.end()


# ---- writing to a stream that is no plain socket --------------------------------------------------------------------


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


async def test_what_http_does_not_allow_is_refused_before_it_is_sent() -> None:
    client, stream = streams()
    with pytest.raises(InvalidResponse):
        stream.encode(h11.Data(data=b"before any head"))
    await client.send_eof()
    await stream.aclose()
    assert await client.receive_some(100) == b""


# ---- the end --------------------------------------------------------------------------------------------------------


async def test_a_connection_that_was_given_up_takes_no_answer_and_is_closed_at_once(autojump_clock: MockClock) -> None:
    client, connection, request = await lockstep_request()
    request.start(200)
    request.abandon()
    with pytest.raises(RequestBroken, match="not usable"):
        await request.end()
    await connection.aclose()
    assert await client.receive_some(100) == b""
    assert trio.current_time() == 0


async def test_lingering_says_that_no_more_comes_and_drops_what_the_peer_still_sends() -> None:
    client, stream = streams()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(stream.linger, 1000, Pace(60, 1), stall_seconds=60))
        assert await client.receive_some(1) == b""
        await client.send_all(b"late")
        await wait_all_tasks_blocked()
        assert nursery.child_tasks
        await client.send_eof()
    assert stream.buffered == 0
    assert not stream.broken


async def test_lingering_drops_no_more_than_its_bound() -> None:
    client, stream = streams()
    await client.send_all(bytes(1000))
    await stream.linger(1000, Pace(60, 1), stall_seconds=60)  # though the peer has not ended
    assert await client.receive_some(1) == b""


async def test_a_reset_ends_the_lingering_also_where_there_is_no_half_close() -> None:
    await HttpStream(Resetting(b"late"), None, CONFIG).linger(1000, Pace(60, 1), stall_seconds=60)
