"""A peer that runs: its port, its process, its memory."""

import os
import re
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.peers.registry import Peer
from bench.process import Lines, ProcessFailed, running

START_SECONDS: Final = 30.0
LAST_WORDS: Final = 500
IDLE_SECONDS: Final = 0.05  # without a tick of the kernel's account, which are 10 ms
IDLE_LIMIT_SECONDS: Final = 10.0
WELCOME_LINES: Final = 20
PORT: Final = re.compile(rb'"port": ?(\d+)|http://127\.0\.0\.1:(\d+)')


@dataclass(frozen=True, slots=True)
class Server:
    """A peer that listens."""

    peer: Peer
    port: int
    pid: int
    log: Path

    def last_words(self) -> str:
        """Return the end of its error output."""
        return self.log.read_text(errors="replace").strip()[-LAST_WORDS:]

    def memory_bytes(self) -> int:
        """Return the private memory of the process: without shared libraries and the kernel's buffers.

        Raises:
            ProcessFailed: it has ended.
        """
        try:
            text = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        except OSError as error:
            raise ProcessFailed(f"{self.peer.name} has ended") from error
        private = [line.split()[1] for line in text.splitlines() if line.startswith(("Private_Clean", "Private_Dirty"))]
        return sum(map(int, private)) * 1024

    def wait_idle(self) -> None:
        """Wait until the server is idle, some seconds at most: it may still be busy with clients that have left.

        Raises:
            ProcessFailed: it has ended.
        """
        deadline = time.monotonic() + IDLE_LIMIT_SECONDS
        before, now = -1, self._cpu_ticks()
        while now > before and time.monotonic() < deadline:
            time.sleep(IDLE_SECONDS)
            before, now = now, self._cpu_ticks()

    def _cpu_ticks(self) -> int:
        try:
            text = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError as error:
            raise ProcessFailed(f"{self.peer.name} has ended") from error
        user, system = text.rpartition(")")[2].split()[11:13]
        return int(user) + int(system)


@contextmanager
def serving(peer: Peer, cpu: int, logs: Path, service_cpu: int = -1) -> Generator[Server]:
    """Start a peer on a core, and end it when the block is left.

    Raises:
        Missing: it is not available.
        ProcessFailed: it does not start.
    """
    log = logs / f"{peer.name}.{os.getpid()}.{time.monotonic_ns()}.log"
    with (
        tempfile.TemporaryDirectory(prefix="peer-", dir=logs) as folder,
        (peer.service or _no_service)(Path(folder), service_cpu) as found,
        running(peer.command(Path(folder)), cpu, log, environment={**peer.environment, **found}) as process,
    ):
        try:
            port = _port(Lines(process, log))
        except ProcessFailed as error:
            raise ProcessFailed(f"{peer.name} {error}") from error
        yield Server(peer, port, process.pid, log)


def _no_service(_folder: Path, _cpu: int) -> AbstractContextManager[Mapping[str, str]]:
    return nullcontext({})


def _port(lines: Lines) -> int:
    """Return the port from the first output of a server: a line of JSON, or an address in a sentence."""
    for _ in range(WELCOME_LINES):
        found = PORT.search(lines.next(START_SECONDS))
        if found:
            return int(found[1] or found[2])
    raise ProcessFailed("does not print its port")
