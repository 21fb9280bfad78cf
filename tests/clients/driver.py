"""The Node process that runs driver.mjs: started, fed, listened to, and always ended."""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from subprocess import PIPE
from typing import TypeVar, final

import trio

from tests.clients.deadline import FAILSAFE_SECONDS, ClientError, raise_only
from tests.clients.runtime import DRIVER, node_program
from tests.clients.wire import LineBuffer, Report, parse_report

EXIT_SECONDS = 5.0  # for saying goodbye to the servers; driver.mjs itself takes at most one

T = TypeVar("T")


@final
class Driver:
    """A running driver.mjs: commands in, reports out to the clients they are about."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self._ids = count(1)
        self._listeners: dict[int, Callable[[Report], None]] = {}  # client id -> what takes its reports
        self._waiting = trio.lowlevel.ParkingLot()  # woken by every report, and by the end of the process
        self._sending = trio.Lock()
        self._ended = False
        self._stderr = bytearray()

    def add_listener(self, listener: Callable[[Report], None]) -> int:
        """Return the id of a new client, whose reports go to `listener`."""
        client_id = next(self._ids)
        self._listeners[client_id] = listener
        return client_id

    async def send(self, line: bytes) -> None:
        """Write one command line.

        Raises:
            ClientError: Node has ended, or does not read.
        """
        assert self._process.stdin is not None
        with trio.move_on_after(FAILSAFE_SECONDS):
            try:
                async with self._sending:
                    await self._process.stdin.send_all(line)
            except trio.BrokenResourceError:
                raise await self._failure("Node has ended") from None
            return
        raise await self._failure("Node does not read its commands")

    async def wait_for(self, find: Callable[[], T | None], describe: Callable[[], str]) -> T:
        """Return what `find` finds, looking again after every report.

        Raises:
            ClientError: nothing was found before the deadline, or before Node ended.
        """
        with trio.move_on_after(FAILSAFE_SECONDS):
            while (found := find()) is None and not self._ended:
                await self._waiting.park()
            if found is not None:
                return found
        raise await self._failure(describe())

    async def read_reports(self) -> None:
        """Hand every report to its client, until Node ends."""
        assert self._process.stdout is not None
        buffer = LineBuffer()
        async for chunk in self._process.stdout:
            for line in buffer.feed(chunk):
                report = parse_report(line)
                self._listeners[report.id](report)
            self._waiting.unpark_all()
        self._ended = True
        self._waiting.unpark_all()

    async def read_stderr(self) -> None:
        """Keep what Node complains about, for failures."""
        assert self._process.stderr is not None
        async for chunk in self._process.stderr:
            self._stderr += chunk

    async def finish(self) -> None:
        """Let the clients leave and Node end.

        Raises:
            ClientError: Node did not end by itself, or with an error.
        """
        assert self._process.stdin is not None
        await self._process.stdin.aclose()
        with trio.move_on_after(EXIT_SECONDS):
            if await self._process.wait() == 0:
                return
        raise await self._failure("Node did not end well")

    async def _failure(self, text: str) -> ClientError:
        if self._ended:
            with trio.move_on_after(EXIT_SECONDS):
                await self._process.wait()
        complaints = self._stderr.decode(errors="replace") or "nothing"
        return ClientError(f"{text}; Node's exit code is {self._process.returncode}; its stderr: {complaints}")


@asynccontextmanager
async def running_driver(environment: Mapping[str, str]) -> AsyncIterator[Driver]:
    """Run driver.mjs for the length of the block; it is killed when the block fails or is cancelled."""
    start = partial(
        trio.run_process,
        [node_program(), str(DRIVER)],
        env={**os.environ, **environment},
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        check=False,
        deliver_cancel=kill,
    )
    with raise_only():
        async with trio.open_nursery() as nursery:
            process: trio.Process = await nursery.start(start)
            driver = Driver(process)
            nursery.start_soon(driver.read_reports)
            nursery.start_soon(driver.read_stderr)
            yield driver
            await driver.finish()


async def kill(process: trio.Process) -> None:
    """End a process without asking it."""
    process.kill()
