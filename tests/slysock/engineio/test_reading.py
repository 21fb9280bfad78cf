"""The one task that reads plain sockets."""

import socket as stdlib_socket
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import memory_stream_pair, wait_all_tasks_blocked

from slysock.engineio.outbox import Flusher
from slysock.engineio.reading import Reader, SocketSource, Source, StreamSource

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no epoll elsewhere; streams read themselves")


@asynccontextmanager
async def reading(count: int = 1) -> AsyncGenerator[tuple[Reader, list[tuple[Source, stdlib_socket.socket]]]]:
    """A reader at work; sources, and the other ends of their sockets."""
    reader, pairs = Reader(Flusher()), list[tuple[Source, stdlib_socket.socket]]()
    sockets: list[stdlib_socket.socket] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader.run)
        for _ in range(count):
            ours, theirs = stdlib_socket.socketpair()
            ours.setblocking(False)
            sockets += [ours, theirs]
            pairs.append((reader.source(memory_stream_pair()[0], ours), theirs))
        yield reader, pairs
        nursery.cancel_scope.cancel()
    assert reader.watched == 0
    for sock in sockets:
        sock.close()


async def test_everything_is_given_until_there_is_enough() -> None:
    async with reading() as (_, [(source, theirs)]):
        taken: list[bytes] = []

        def take(data: bytes) -> bool:
            taken.append(data)
            return len(taken) < 2

        async with trio.open_nursery() as nursery:
            nursery.start_soon(source.read, take)
            await wait_all_tasks_blocked()
            theirs.send(b"one")
            await wait_all_tasks_blocked()
            theirs.send(b"two")
        theirs.send(b"three")
        await wait_all_tasks_blocked()
        assert taken == [b"one", b"two"], "nothing is read that nobody asked for"
        await source.read(lambda data: bool(taken.append(data)))
        assert taken[-1] == b"three"


async def test_a_read_that_is_cancelled_loses_nothing() -> None:
    async with reading() as (_, [(source, theirs)]):
        with trio.CancelScope() as scope:
            scope.cancel()
            await source.read(lambda data: True)
        theirs.send(b"data")
        await wait_all_tasks_blocked()
        taken: list[bytes] = []
        await source.read(lambda data: bool(taken.append(data)))
        assert taken == [b"data"]


async def test_the_end_is_empty_and_a_reset_is_a_broken_resource() -> None:
    async with reading(2) as (_, [(ended, theirs), (reset, other)]):
        theirs.close()
        taken: list[bytes] = []
        await ended.read(lambda data: bool(taken.append(data)))
        assert taken == [b""]
        assert isinstance(reset, SocketSource)
        reset.sock.send(b"unread, so that closing resets")
        other.close()
        with pytest.raises(trio.BrokenResourceError):
            await reset.read(lambda data: True)


async def test_a_bug_behind_one_connection_is_raised_there_and_others_are_read() -> None:
    async with reading(2) as (_, [(bad, theirs), (good, other)]):
        theirs.send(b"x")
        with pytest.raises(ZeroDivisionError):
            await bad.read(lambda data: bool(1 / 0))
        other.send(b"y")
        taken: list[bytes] = []
        await good.read(lambda data: bool(taken.append(data)))
        assert taken == [b"y"]


async def test_one_that_lays_another_to_rest_meanwhile_is_obeyed() -> None:
    async with reading(2) as (reader, [(first, theirs), (second, other)]):
        taken: list[bytes] = []

        def take(data: bytes) -> bool:
            taken.append(data)
            for source in (first, second):
                assert isinstance(source, SocketSource)
                reader.rest(source)
            return True

        async with trio.open_nursery() as nursery:
            nursery.start_soon(first.read, take)
            nursery.start_soon(second.read, take)
            await wait_all_tasks_blocked()
            theirs.send(b"1")
            other.send(b"2")
            await wait_all_tasks_blocked()
            assert len(taken) == 1
            nursery.cancel_scope.cancel()


async def test_a_read_may_end_after_the_reader() -> None:
    reader = Reader(Flusher())
    ours, theirs = stdlib_socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        source = reader.source(memory_stream_pair()[0], ours)
        async with trio.open_nursery() as reading_of_one:
            async with trio.open_nursery() as reading_of_all:
                reading_of_all.start_soon(reader.run)
                reading_of_one.start_soon(source.read, lambda data: True)
                await wait_all_tasks_blocked()
                reading_of_all.cancel_scope.cancel()
            reading_of_one.cancel_scope.cancel()
    assert reader.watched == 0


async def test_a_stream_is_read_by_its_own_task() -> None:
    client, server = memory_stream_pair()
    source = Reader(Flusher()).source(server, None)
    assert isinstance(source, StreamSource)
    taken: list[bytes] = []
    await client.send_all(b"one")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(source.read, lambda data: not taken.append(data) and data != b"")
        await wait_all_tasks_blocked()
        await client.send_all(b"two")
        await wait_all_tasks_blocked()
        await client.aclose()
    assert taken == [b"one", b"two", b""]


async def test_a_wake_up_for_nothing_is_neither_the_end_nor_a_failure() -> None:
    class Spurious(stdlib_socket.socket):
        """A real socket from which somebody else has read first, twice."""

        failures: list[type[OSError]]

        def recv(self, size: int, flags: int = 0) -> bytes:
            if self.failures:
                raise self.failures.pop()
            return super().recv(size, flags)

    async with reading() as (reader, [(_, theirs), *_]):
        ours, theirs = stdlib_socket.socketpair()
        spurious = Spurious(fileno=ours.detach())
        spurious.failures = [BlockingIOError, InterruptedError]
        spurious.setblocking(False)
        with spurious, theirs:
            taken: list[bytes] = []
            theirs.send(b"data")
            await reader.source(memory_stream_pair()[0], spurious).read(lambda data: bool(taken.append(data)))
            assert taken == [b"data"]


async def test_what_is_read_is_counted() -> None:
    async with reading(2) as (reader, [(first, _), (second, _)]), trio.open_nursery() as nursery:
        nursery.start_soon(first.read, lambda data: True)
        nursery.start_soon(second.read, lambda data: True)
        await wait_all_tasks_blocked()
        assert reader.watched == 2
        nursery.cancel_scope.cancel()
    assert reader.watched == 0


async def test_where_there_is_no_epoll_every_connection_reads_for_itself(
    monkeypatch: pytest.MonkeyPatch, nursery: trio.Nursery
) -> None:
    monkeypatch.setattr(sys, "platform", "elsewhere")
    reader = Reader(Flusher())
    ours, theirs = stdlib_socket.socketpair()
    with ours, theirs:
        assert isinstance(reader.source(memory_stream_pair()[0], ours), StreamSource)
    nursery.start_soon(reader.run)
    await wait_all_tasks_blocked()
    nursery.cancel_scope.cancel()


async def test_a_batch_that_takes_long_lets_others_have_a_turn_and_reads_each_socket_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a clock that a read moves on by 5 ms: of 64 sockets 16 are read in a row."""
    order, now = list[str](), [0.0]
    monkeypatch.setattr("slysock.engineio.reading.perf_counter", lambda: now[0])

    def take(data: bytes) -> bool:
        now[0] += 0.005
        order.append(data.decode())
        return True

    async with reading(64) as (_, pairs), trio.open_nursery() as nursery:
        for source, _theirs in pairs:
            nursery.start_soon(source.read, take)
        await wait_all_tasks_blocked()
        for number, (_source, theirs) in enumerate(pairs):
            theirs.send(b"%d" % number)
        while len(order) < 64:
            read = len(order)
            await trio.lowlevel.checkpoint()
            assert len(order) - read <= 32, "two turns: Trio shuffles the tasks of a batch"
        assert sorted(map(int, order)) == list(range(64))
        nursery.cancel_scope.cancel()
