"""Starts processes on a core of their own and makes sure that each of them ends: normally, on Ctrl+C, or if we are
killed."""

import os
import select
import signal
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import IO, Final

from bench.build import BENCH, program

END_SECONDS: Final = 5
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class ProcessFailed(Exception):
    """A process ended, or stayed silent, instead of printing something. The text ends with its last output."""


@contextmanager
def running(
    command: Sequence[str], cpu: int, log: Path, *, environment: Mapping[str, str] = NOTHING
) -> Generator["subprocess.Popen[bytes]"]:
    """Run a command on a core (-1: any); its standard input and output are pipes, its standard error goes to `log`.

    `environment` is added to ours.

    Leaving the block ends it: SIGTERM, then SIGKILL if it takes more than END_SECONDS.
    """
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [str(program("launch")), str(cpu), *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=BENCH.parent,
            env={**os.environ, "NO_COLOR": "1", **environment},
            start_new_session=True,  # Ctrl+C is ours to hand on
        )
        try:
            yield process
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


class Lines:
    """The lines of a process's output, each awaited with a deadline."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        assert process.stdout is not None
        self._pipe: IO[bytes] = process.stdout
        self._log = log
        self._rest = b""
        os.set_blocking(self._pipe.fileno(), False)

    def next(self, seconds: float) -> bytes:
        """Return the next line.

        Raises:
            ProcessFailed: none comes in time, or the output has ended.
        """
        deadline = time.monotonic() + seconds
        while b"\n" not in self._rest:
            readable, _, _ = select.select([self._pipe], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                raise ProcessFailed(f"silent for {seconds:.0f} s{self._last_words()}")
            data = os.read(self._pipe.fileno(), 1 << 20)
            if not data:
                raise ProcessFailed(f"ended{self._last_words()}")
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _last_words(self) -> str:
        text = self._log.read_text(errors="replace").strip()
        return f": {text[-800:]}" if text else ""
