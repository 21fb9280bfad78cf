"""What trio-websocket takes for the connection, and what it alone sees: pings. Messages it never sees."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import (
    MockClock,
    lockstep_stream_one_way_pair,
    memory_stream_one_way_pair,
    wait_all_tasks_blocked,
)

from slysock import Config
from slysock.engineio.cold_stream import ColdStream
from slysock.engineio.lane import Lane
from slysock.engineio.outbox import Outbox
from slysock.engineio.reading import StreamSource
from tests.slysock.engineio.frames import PING, PONG, TEXT, connected, event, fragmented, frame
from tests.slysock.engineio.outboxes import bench


@asynccontextmanager
async def cold_stream(cold: bytes = b"") -> AsyncGenerator[tuple[ColdStream, Outbox, trio.abc.ReceiveStream]]:
    """One whose client says a ping and leaves; its outbox, and the client's end of that."""
    to_client, client = lockstep_stream_one_way_pair()
    to_server, server = memory_stream_one_way_pair()
    await to_server.send_all(frame(PING, b"later"))
    await to_server.aclose()
    async with bench() as made:
        box = made.box(to_client)
        lane = Lane(StreamSource(server), b"", Config(max_payload_bytes=1000), trio.Lock())
        yield ColdStream(lane, box, cold), box, client


async def test_the_request_comes_first_and_its_answer_goes_nowhere() -> None:
    async with cold_stream(b"cold") as (stream, box, _):
        assert (await stream.receive_some()).startswith(b"GET / HTTP/1.1\r\n")
        await stream.send_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        assert box.statistics().waiting_bytes == 0
        assert await stream.receive_some() == b"cold"
        assert await stream.receive_some() == frame(PING, b"later")
        assert await stream.receive_some() == b""


async def test_nothing_cold_is_given_before_the_request_is_answered(nursery: trio.Nursery) -> None:
    async with cold_stream(b"cold") as (stream, _, _):
        await stream.receive_some()
        nursery.start_soon(stream.receive_some)
        await wait_all_tasks_blocked()
        assert nursery.child_tasks
        await stream.send_all(b"answer")


async def test_what_the_library_says_goes_out_behind_what_waits() -> None:
    async with cold_stream() as (stream, box, client):
        await stream.send_all(b"answer")
        box.push(b"first")
        await stream.send_all(b"second")
        assert not stream.said_goodbye
        await stream.wait_send_all_might_not_block()
        await stream.send_all(b"\x88\x00")
        assert stream.said_goodbye
        received = b""
        while len(received) < len(b"firstsecond\x88\x00"):
            received += await client.receive_some(100)
        assert received == b"firstsecond\x88\x00"


async def test_an_outbox_that_is_shut_is_a_broken_stream() -> None:
    async with cold_stream() as (stream, box, _):
        await stream.send_all(b"answer")
        box.give_up()
        with pytest.raises(trio.BrokenResourceError):
            await stream.send_all(b"more")


async def test_closing_waits_until_everything_has_been_written_and_ends_the_reading(nursery: trio.Nursery) -> None:
    async with cold_stream(b"cold") as (stream, box, client):
        await stream.receive_some()
        await stream.send_all(b"answer")
        await stream.send_all(b"last words")
        nursery.start_soon(stream.aclose)
        await wait_all_tasks_blocked()
        assert box.statistics().waiting_bytes == len(b"last words")
        with pytest.raises(trio.ClosedResourceError):
            await stream.receive_some()
        assert await client.receive_some(100) == b"last words"


async def test_a_cancelled_close_leaves_what_waits_to_the_outbox() -> None:
    async with cold_stream() as (stream, box, client):
        await stream.send_all(b"answer")
        await stream.send_all(b"last words")
        with trio.CancelScope() as scope:
            scope.cancel()
            await stream.aclose()
        assert scope.cancelled_caught
        assert await client.receive_some(100) == b"last words"
        assert not box.shut


# ---- end to end -----------------------------------------------------------------------------------------------------


async def test_a_ping_is_answered_with_its_data(autojump_clock: MockClock) -> None:
    async with connected() as (client, _, _):
        await client.send(frame(PING, b"data"), frame(TEXT, event("after")), frame(PONG, b"unasked"))
        frames = [await client.next() for _ in range(2)]
        assert sorted(frames) == sorted([(PONG, b"data"), (TEXT, event("after"))])


async def test_a_ping_inside_a_fragmented_message_is_answered(autojump_clock: MockClock) -> None:
    async with connected() as (client, _, _):
        await client.send(fragmented(event("whole"), 2, between=frame(PING, b"1")))
        assert sorted([await client.next(), await client.next()]) == [(TEXT, event("whole")), (PONG, b"1")]
