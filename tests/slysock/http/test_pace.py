"""Deadlines in all: for a body, an answer, a head, a handshake of TLS, and for what is dropped.

Each is tried just below and just above. Time is a MockClock's; what drips does so in its time.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, memory_stream_pair

from slysock import Config
from slysock.http import HttpConnection, Request, RequestBroken
from slysock.http.connection import LINGER_BYTES_PER_SECOND, LINGER_SECONDS
from slysock.http.pace import Pace
from tests.slysock.http.peer import CONFIG, GET, OK, Pair, arrived, chunked, everything, lockstep_request, post
from tests.slysock.ports import certified

ALL = CONFIG.request_body_seconds
RATE = CONFIG.min_bytes_per_second
LARGE = 100_000_000


async def drip(stream: trio.abc.SendStream, size: int, *, every: float, rounds: int) -> None:
    """Send pieces of a size; whoever has been cut off sends no more."""
    try:
        for _ in range(rounds):
            await trio.sleep(every)
            await stream.send_all(bytes(size))
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        pass


async def sip(stream: trio.abc.ReceiveStream, size: int, *, every: float, rounds: int) -> int:
    """Read pieces of a size; return how many bytes came."""
    received = 0
    for _ in range(rounds):
        await trio.sleep(every)
        if not (piece := await stream.receive_some(size)):
            break
        received += len(piece)
    return received


async def body_of(request: Request) -> int:
    """Read a body, as an application with room for it does; return how long it was."""
    size = 0
    while chunk := await request.receive_chunk():
        size += len(chunk)
    return size


# ---- the clock ------------------------------------------------------------------------------------------------------


async def test_waits_add_up_and_bytes_buy_time() -> None:
    pace = Pace(10, 100)
    assert pace.left_seconds == 10
    pace.waited(4)
    pace.moved(1000)  # what ten seconds buy anyway
    assert pace.left_seconds == 6
    pace.moved(500)
    assert pace.left_seconds == 11


async def test_a_wait_ends_when_it_stalls_or_when_all_is_used_up(autojump_clock: MockClock) -> None:
    pace = Pace(10, 100)
    with pytest.raises(trio.TooSlowError), pace.waiting(4):
        await trio.sleep_forever()
    with pace.waiting(6):
        await trio.sleep(5)
    with pytest.raises(trio.TooSlowError), pace.waiting(4):
        await trio.sleep_forever()
    assert trio.current_time() == 10
    with pytest.raises(trio.TooSlowError), pace.waiting(4):
        await trio.sleep_forever()
    assert trio.current_time() == 10


async def test_a_standstill_of_the_loop_counts_as_one_wait_at_most(autojump_clock: MockClock) -> None:
    pace, came = Pace(100, 1), trio.Event()

    async def stand_still() -> None:
        autojump_clock.jump(1000)
        came.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stand_still)
        with pace.waiting(30):
            await came.wait()
    assert pace.left_seconds == 70


# ---- bodies ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("head", [post(LARGE), chunked(end=b"5f5e100\r\n")])
async def test_a_body_that_drips_is_cut_when_its_time_is_over(autojump_clock: MockClock, head: bytes) -> None:
    """It held its connection for as long as something came every half minute."""
    client, _connection, request = await arrived(head)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: drip(client, 1, every=29, rounds=100))
        with pytest.raises(RequestBroken) as caught:
            await body_of(request)
        nursery.cancel_scope.cancel()
    assert caught.value.status == 408
    assert trio.current_time() == ALL


@pytest.mark.parametrize(("rounds", "arrives"), [(299, True), (301, False)])
async def test_a_body_that_is_whole_just_in_time_arrives(autojump_clock: MockClock, rounds: int, arrives: bool) -> None:
    client, _connection, request = await arrived(post(rounds))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: drip(client, 1, every=1, rounds=rounds))
        if arrives:
            assert await body_of(request) == rounds
        else:
            with pytest.raises(RequestBroken):
                await body_of(request)
        nursery.cancel_scope.cancel()


async def test_a_megabyte_at_ten_kilobytes_a_second_arrives(autojump_clock: MockClock) -> None:
    client, _connection, request = await arrived(post(1_000_000))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: drip(client, 10_000, every=1, rounds=100))
        assert len(await request.read_body(1_000_000)) == 1_000_000
    assert trio.current_time() == 100


@pytest.mark.parametrize(("rate", "cut_at"), [(RATE + 1000, None), (RATE - 1000, ALL)])
async def test_an_upload_goes_on_as_long_as_it_keeps_its_average(
    autojump_clock: MockClock, rate: int, cut_at: float | None
) -> None:
    rounds = 600
    client, _connection, request = await arrived(post(rounds * rate))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: drip(client, rate, every=1, rounds=rounds))
        if cut_at is None:
            assert await body_of(request) == rounds * rate
            assert trio.current_time() == rounds
        else:
            with pytest.raises(RequestBroken):
                await body_of(request)
            assert trio.current_time() == pytest.approx(cut_at, abs=1)
            nursery.cancel_scope.cancel()


async def test_an_upload_that_falls_below_its_average_later_is_cut_when_that_is_used_up(
    autojump_clock: MockClock,
) -> None:
    client, _connection, request = await arrived(post(LARGE))
    async with trio.open_nursery() as nursery:

        async def send() -> None:
            await drip(client, 20 * RATE, every=10, rounds=30)
            await drip(client, 1, every=1, rounds=10_000)

        nursery.start_soon(send)
        with pytest.raises(RequestBroken):
            await body_of(request)
        nursery.cancel_scope.cancel()
    assert trio.current_time() == pytest.approx(600, abs=2)


async def test_a_pause_of_the_reader_is_not_the_clients(autojump_clock: MockClock) -> None:
    client, _connection, request = await arrived(post(4))
    for _ in range(4):
        await trio.sleep(ALL)  # somebody else was slow: a disk, a handler
        await client.send_all(b"x")
        assert await request.receive_chunk() == b"x"
    assert request.body_complete


# ---- answers --------------------------------------------------------------------------------------------------------


async def test_an_answer_that_is_sipped_at_ten_kilobytes_a_second_arrives(
    pair: Pair, autojump_clock: MockClock
) -> None:
    """Its sender sees nothing of that for minutes: the kernel has taken it."""
    size = 2_500_000
    request = await pair.arrived()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(request.respond, 200, (), bytes(size))
        assert await sip(pair.far, 10_000, every=1, rounds=250) == size


async def test_an_answer_that_is_taken_by_drops_is_cut_when_its_time_is_over(autojump_clock: MockClock) -> None:
    client, connection, request = await lockstep_request()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: sip(client, 65_536, every=9, rounds=1000))
        with pytest.raises(RequestBroken, match="while writing"):
            await request.respond(200, body=bytes(4_000_000))
        nursery.cancel_scope.cancel()
    assert trio.current_time() == CONFIG.response_seconds
    assert await connection.next_request() is None


@pytest.mark.parametrize(("every", "arrives"), [(2, True), (3, False)])
async def test_a_large_answer_goes_on_as_long_as_it_is_taken_at_the_average(
    autojump_clock: MockClock, every: float, arrives: bool
) -> None:
    pieces = 400  # of 65 536 bytes: at 2 s each some 33 kB a second
    client, _connection, request = await lockstep_request()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: sip(client, 65_536, every=every, rounds=10 * pieces))
        if arrives:
            await request.respond(200, body=bytes(pieces * 65_536))
            assert trio.current_time() > 2 * CONFIG.response_seconds
        else:
            with pytest.raises(RequestBroken):
                await request.respond(200, body=bytes(pieces * 65_536))
            assert trio.current_time() == CONFIG.response_seconds
        nursery.cancel_scope.cancel()


async def test_a_stream_of_events_may_last_for_ever(autojump_clock: MockClock) -> None:
    """What the application waits for is nobody's fault."""
    client, _connection, request = await lockstep_request()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: sip(client, 65_536, every=0.1, rounds=10_000))
        request.start(200)
        for _ in range(200):
            await trio.sleep(10)
            await request.send(b"data: x\n\n")
        await request.end()
        nursery.cancel_scope.cancel()


async def test_each_answer_of_a_connection_has_a_time_of_its_own(autojump_clock: MockClock) -> None:
    client, connection, request = await lockstep_request()
    for _ in range(3):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: sip(client, 65_536, every=9, rounds=24))
            await request.respond(200, body=bytes(20 * 65_536))
            nursery.start_soon(client.send_all, GET)
            following = await connection.next_request()
            assert following is not None
            request = following
            nursery.cancel_scope.cancel()
    assert trio.current_time() > CONFIG.response_seconds


# ---- heads and handshakes -------------------------------------------------------------------------------------------


@asynccontextmanager
async def tls(folder: Path) -> AsyncGenerator[tuple[trio.abc.Stream, trio.SSLStream[trio.abc.Stream], HttpConnection]]:
    """A client's end below TLS and above it, and a connection on the server's."""
    for_server, for_client = certified(folder)
    client, server = memory_stream_pair()
    above = trio.SSLStream(server, for_server, server_side=True, https_compatible=True)
    connection = HttpConnection(above, CONFIG, secure=True, peer="")
    yield client, trio.SSLStream(client, for_client, server_hostname="localhost", https_compatible=True), connection
    await connection.aclose()


async def test_a_handshake_of_tls_that_drips_ends_in_time(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with tls(tmp_path) as (client, _, connection), trio.open_nursery() as nursery:
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"  # the beginning of a ClientHello of half a kilobyte

        async def drip_hello() -> None:
            await client.send_all(hello)
            await drip(client, 1, every=1, rounds=400)

        nursery.start_soon(drip_hello)
        assert await connection.next_request() is None
        assert trio.current_time() == CONFIG.request_head_seconds
        nursery.cancel_scope.cancel()


async def test_a_handshake_of_tls_on_a_slow_line_is_waited_for(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with tls(tmp_path) as (_, client, connection), trio.open_nursery() as nursery:

        async def ask() -> None:
            await trio.sleep(10)
            await client.do_handshake()
            await trio.sleep(9)
            await client.send_all(GET)

        nursery.start_soon(ask)
        request = await connection.next_request()
        assert request is not None
        await request.respond(200, body=b"ok")


async def test_a_head_that_drips_is_refused_in_time(autojump_clock: MockClock) -> None:
    client, server = memory_stream_pair()
    connection = HttpConnection(server, CONFIG, secure=False, peer="")
    async with trio.open_nursery() as nursery:

        async def send() -> None:
            await client.send_all(b"GET / HTTP/1.1\r\nx: ")
            await drip(client, 1, every=1, rounds=1000)

        nursery.start_soon(send)
        assert await connection.next_request() is None
        assert trio.current_time() == CONFIG.request_head_seconds
        nursery.cancel_scope.cancel()


# ---- what is dropped ------------------------------------------------------------------------------------------------

SMALL = Config(max_payload_bytes=500_000)


@pytest.mark.parametrize("rate", [LINGER_BYTES_PER_SECOND, 3 * LINGER_BYTES_PER_SECOND])
async def test_a_refused_client_on_a_slow_line_may_send_its_body_to_the_end(
    autojump_clock: MockClock, rate: int
) -> None:
    """Many only read what they are told then."""
    client, connection, request = await arrived(post(400_000), SMALL)
    seen = list[bytes]()

    async def send() -> None:
        await drip(client, rate // 2, every=0.5, rounds=2 * 400_000 // rate)
        seen.append(await everything(client))
        await client.aclose()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await request.respond(401, body=b"no")
        await connection.aclose()
    assert seen == [b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno"]


async def test_a_refused_body_that_drips_is_not_waited_for(autojump_clock: MockClock) -> None:
    client, connection, request = await arrived(post(400_000), SMALL)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: drip(client, 500, every=0.1, rounds=1000))
        await request.respond(401)
        await connection.aclose()
        nursery.cancel_scope.cancel()
    assert trio.current_time() == pytest.approx(LINGER_SECONDS, abs=0.1)


@pytest.mark.parametrize(("sent", "read"), [(SMALL.max_payload_bytes - 1, True), (SMALL.max_payload_bytes, False)])
async def test_of_a_refused_body_no_more_is_dropped_than_a_payload(
    autojump_clock: MockClock, sent: int, read: bool
) -> None:
    client, connection, request = await arrived(post(LARGE), SMALL)
    await request.respond(401)
    await client.send_all(bytes(sent))
    await connection.aclose()
    assert trio.current_time() == (LINGER_SECONDS if read else 0), "it waits for more, or has had enough"


async def test_where_the_client_waits_to_be_asked_lingering_is_short(autojump_clock: MockClock) -> None:
    client, connection, request = await arrived(post(LARGE, extra=b"Expect: 100-Continue\r\n"), SMALL)
    assert request.waits_to_be_asked
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: drip(client, 100_000, every=0.1, rounds=1000))
        await request.respond(401)
        await connection.aclose()
        nursery.cancel_scope.cancel()
    assert trio.current_time() == LINGER_SECONDS


async def test_a_small_body_that_nobody_wanted_may_take_its_time(autojump_clock: MockClock) -> None:
    client, connection, request = await arrived(post(1000))
    await request.respond(200, body=b"ok")
    async with trio.open_nursery() as nursery:

        async def send() -> None:
            await drip(client, 100, every=1, rounds=10)
            await client.send_all(GET)

        nursery.start_soon(send)
        assert await connection.next_request() is not None
    assert await everything(client) == OK
