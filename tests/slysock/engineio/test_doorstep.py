"""Connections that have not said anything yet."""

import socket as stdlib_socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock.engineio.doorstep import Doorstep
from slysock.engineio.outbox import Flusher
from slysock.engineio.reading import Reader
from slysock.engineio.timers import Timers


@dataclass
class Scene:
    """A doorstep, who stands there, and what has been told of it."""

    doorstep: Doorstep
    theirs: stdlib_socket.socket
    reader: Reader
    timers: Timers
    told: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def standing() -> AsyncGenerator[Scene]:
    reader, timers, told = Reader(Flusher()), Timers(), list[bytes]()
    ours, theirs = stdlib_socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reader.run)
            nursery.start_soon(timers.run)
            doorstep = Doorstep(
                ours,
                "192.0.2.1",
                lambda _, data, __: told.append(data),
                reader=reader,
                timers=timers,
                seconds=20,
                max_bytes=10,
            )
            yield Scene(doorstep, theirs, reader, timers, told)
            assert (reader.watched, len(timers)) == (0, 0)
            nursery.cancel_scope.cancel()


async def test_what_comes_first_is_told_once_and_no_more_is_read_than_wanted(autojump_clock: MockClock) -> None:
    async with standing() as scene:
        await trio.sleep(19)
        scene.theirs.send(b"GET / HTTP/1.1")
        await wait_all_tasks_blocked()
        assert scene.told == [b"GET / HTTP"]
        assert scene.doorstep.sock.recv(100) == b"/1.1"
        await trio.sleep(5)
        assert len(scene.told) == 1


async def test_a_client_that_says_nothing_is_not_waited_for(autojump_clock: MockClock) -> None:
    async with standing() as scene:
        await trio.sleep(19)
        assert scene.told == []
        await trio.sleep(2)
        assert scene.told == [b""]


async def test_a_client_that_leaves_has_said_nothing(autojump_clock: MockClock) -> None:
    async with standing() as scene:
        scene.theirs.close()
        await wait_all_tasks_blocked()
        assert scene.told == [b""]


async def test_a_connection_that_is_reset_has_said_nothing(autojump_clock: MockClock) -> None:
    async with standing() as scene:
        scene.doorstep.sock.send(b"unread, so that closing resets")
        scene.theirs.close()
        await wait_all_tasks_blocked()
        assert scene.told == [b""]


async def test_a_doorstep_can_be_cleared(autojump_clock: MockClock) -> None:
    async with standing() as scene:
        scene.doorstep.cancel()
        assert scene.told == [b""]
