"""What strangers cost a server process: its resident memory, as the kernel counts it.

On the real clock and in a process of its own, because an allocator keeps what Python has freed.
"""

import re
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, final

import pytest
import trio

from tests.robustness.scene import POLLING, WEBSOCKET
from tests.robustness.wire import opening_bytes, read_answer, read_handshake, request_bytes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what memory is resident")

PAGE_BYTES: Final = 4096
SERVER: Final = """
import trio
from slysock import Config, Router, Server
from slysock.process import return_memory, settle_in

config = Config(connect_timeout_seconds={connect_seconds}, memory_release_seconds=0.1)

async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(return_memory, config.memory_release_seconds)
        listening = await nursery.start(Server(Router("/"), config=config).serve, "127.0.0.1", 0)
        print(listening.port, flush=True)

settle_in()
trio.run(main)
"""
HEAVY: Final = [(f"x-{number}", "y" * 155) for number in range(95)]
"""As much as a head may hold, in as many lines."""


@final
class Process:
    """A server in a process of its own."""

    def __init__(self, pid: int, port: int) -> None:
        self._memory = Path(f"/proc/{pid}/statm")
        self._port = port
        self._before = self._resident()

    def _resident(self) -> int:
        return int(self._memory.read_text(encoding="ascii").split()[1]) * PAGE_BYTES

    @property
    def grown_bytes(self) -> int:
        """How much its memory has grown since it was started."""
        return self._resident() - self._before

    async def connect(self) -> trio.SocketStream:
        """Connect."""
        return await trio.open_tcp_stream("127.0.0.1", self._port)

    async def answers(self, *requests: bytes) -> bytes:
        """Make requests on one connection, a few at a time; return the answers as they came."""
        async with await self.connect() as stream:
            received = b""
            for start in range(0, len(requests), 20):
                batch = requests[start : start + 20]
                await stream.send_all(b"".join(batch))
                answered = 0
                while answered < len(batch):
                    piece = await stream.receive_some(65_536)
                    assert piece
                    answered += piece.count(b"HTTP/1.1 ")  # it stands at the beginning of a segment
                    received += piece
            return received

    async def wait_below(self, max_bytes: int) -> None:
        """Wait until it has grown by less."""
        with trio.fail_after(15):
            while self.grown_bytes >= max_bytes:  # noqa: ASYNC110 - another process's memory
                await trio.sleep(0.1)


@asynccontextmanager
async def process(connect_seconds: float = 60) -> AsyncGenerator[Process]:
    """Serve in a process of its own, which has warmed up."""
    program = SERVER.format(connect_seconds=connect_seconds)
    async with trio.open_nursery() as nursery:
        start = partial(trio.run_process, [sys.executable, "-c", program], stdout=subprocess.PIPE, check=False)
        server: trio.Process = await nursery.start(start)
        assert server.stdout is not None
        line = b""
        while not line.endswith(b"\n"):
            line += await server.stdout.receive_some()
        await Process(server.pid, int(line)).answers(*[request_bytes("GET", POLLING)] * 20)
        try:
            yield Process(server.pid, int(line))
        finally:
            nursery.cancel_scope.cancel()


async def test_handshakes_with_thousands_of_short_headers_are_refused_and_cost_nothing() -> None:
    request = request_bytes("GET", POLLING, headers=[("x", "")] * 2296)
    async with process() as server:
        for _ in range(200):
            assert (await server.answers(request)).startswith(b"HTTP/1.1 431 ")
        assert server.grown_bytes < 2_000_000


async def test_strangers_with_the_largest_heads_cost_less_than_a_hundred_megabytes_and_it_goes_back() -> None:
    """Each is worth eight of an ordinary one, of which there may be ten thousand."""
    async with process() as server:
        answers = await server.answers(*[request_bytes("GET", f"{POLLING}&x={'y' * 15_000}")] * 1500)
        sids = re.findall(rb'"sid":"([^"]+)"', answers)
        assert len(sids) == answers.count(b"HTTP/1.1 200 ") == (10_000 - 20) // 8
        assert answers.count(b"HTTP/1.1 503 ") == 1500 - len(sids)
        assert server.grown_bytes < 80_000_000
        goodbyes = (request_bytes("POST", f"{POLLING}&sid={sid.decode()}", body=b"1") for sid in sids)
        assert (await server.answers(*goodbyes)).count(b"HTTP/1.1 200 ") == len(sids)
        await server.wait_below(20_000_000)


@pytest.mark.parametrize(
    ("beginning", "max_bytes"),
    [
        (lambda: request_bytes("GET", "/nothing"), 10_000),
        (lambda: request_bytes("GET", "/nothing", headers=HEAVY), 10_000),
        (lambda: request_bytes("POST", POLLING, headers=HEAVY[:80], body=b"4" * 2000), 10_000),
    ],
    ids=["small", "large", "body"],
)
async def test_an_idle_connection_keeps_nothing_of_its_last_request(
    beginning: Callable[[], bytes], max_bytes: int
) -> None:
    async with process() as server:
        await assert_cost(server, beginning, max_bytes, 200)


async def assert_cost(server: Process, beginning: Callable[[], bytes], max_bytes: int, count: int) -> None:
    """Open connections, have a request of each answered, and look at what each costs."""
    streams = [await server.connect() for _ in range(count)]
    for stream in streams:
        await stream.send_all(beginning())
        await read_answer(stream)
    assert server.grown_bytes / count < max_bytes
    for stream in streams:
        await trio.aclose_forcefully(stream)


async def test_a_websocket_keeps_nothing_of_the_request_that_it_has_upgraded_by() -> None:
    async with process() as server:
        streams: list[trio.SocketStream] = []
        for _ in range(200):
            stream = await server.connect()
            await stream.send_all(request_bytes("GET", POLLING))
            sid = read_handshake((await read_answer(stream)).body.decode())["sid"]
            await stream.send_all(opening_bytes(f"{WEBSOCKET}&sid={sid}", HEAVY[:85]))
            assert (await stream.receive_some(1000)).startswith(b"HTTP/1.1 101")
            streams.append(stream)
        assert server.grown_bytes / len(streams) < 20_000
        for stream in streams:
            await trio.aclose_forcefully(stream)
