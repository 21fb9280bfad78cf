"""Outboxes, and what they write to: sockets that fill up, and streams in memory."""

import socket as stdlib_socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import trio
from trio.testing import memory_stream_one_way_pair, wait_all_tasks_blocked

from slysock import Config
from slysock.engineio.home import InNursery
from slysock.engineio.outbox import Flusher, Outbox
from slysock.engineio.slow_consumers import SlowConsumers
from slysock.engineio.timers import Timers


class Bench:
    """An outbox with its flusher and a log of what it reported."""

    def __init__(self, nursery: trio.Nursery, flusher: Flusher) -> None:
        self.nursery = nursery
        self.flusher = flusher
        self.reports: list[str] = []
        self.timers = Timers()
        nursery.start_soon(self.timers.run)

    def box(
        self,
        stream: trio.abc.SendStream,
        sock: stdlib_socket.socket | None = None,
        *,
        max_bytes: int = 1000,
        on_full: Callable[[], None] = lambda: None,
        nursery: trio.Nursery | None = None,
    ) -> Outbox:
        return Outbox(
            stream,
            sock=sock,
            flusher=self.flusher,
            home=InNursery(nursery or self.nursery),
            consumers=consumers(max_bytes, self.timers),
            write_timeout_seconds=5,
            on_full=lambda: (self.reports.append("full"), on_full())[0],
            on_broken=lambda: self.reports.append("broken"),
        )


def consumers(hard_bytes: int, timers: Timers | None = None) -> SlowConsumers:
    """Make limits of one box; without timers that run nobody looks at the clock."""
    config = Config(max_outbox_bytes=hard_bytes, max_outbox_hard_bytes=hard_bytes)
    return SlowConsumers(config, Timers() if timers is None else timers)


@asynccontextmanager
async def bench() -> AsyncGenerator[Bench]:
    async with trio.open_nursery() as nursery:
        flusher = Flusher()
        nursery.start_soon(flusher.run)
        await wait_all_tasks_blocked()
        yield Bench(nursery, flusher)
        nursery.cancel_scope.cancel()


class RecordingSocket(stdlib_socket.socket):
    """A real socket that notes each send."""

    sends: list[int]

    def send(self, data: object, flags: int = 0) -> int:  # type: ignore[override]  # bytes-like
        sent = super().send(data, flags)  # type: ignore[arg-type]
        self.sends.append(sent)
        return sent


def pair() -> tuple[RecordingSocket, stdlib_socket.socket]:
    """The two ends of a connection: the server's, non-blocking, with small buffers; the client's, blocking."""
    ours, theirs = stdlib_socket.socketpair()
    recording = RecordingSocket(fileno=ours.detach())
    recording.sends = []
    recording.setblocking(False)
    recording.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_SNDBUF, 4096)
    theirs.setblocking(False)
    return recording, theirs


async def read(sock: stdlib_socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        await trio.lowlevel.wait_readable(sock)
        data += sock.recv(count - len(data))
    return data


def nothing() -> trio.abc.SendStream:
    return memory_stream_one_way_pair()[0]
