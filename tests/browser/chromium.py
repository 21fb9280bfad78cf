"""Which Chromium the tests run, and its process.

`SLYSOCK_TEST_CHROMIUM` names one; else one on PATH is taken, else that of the npm package (bundled.py).
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO, Final, final

from tests.browser.bundled import bundled_browser

SETTING: Final = "SLYSOCK_TEST_CHROMIUM"
NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""How distributions and Google call it."""

FLAGS: Final = (
    "--headless",
    "--no-sandbox",  # needs what containers and the root user lack; the pages are our own
    "--disable-gpu",
    "--disable-software-rasterizer",
    "--disable-dev-shm-usage",  # often tiny in containers
    # Nothing but the servers of the tests is talked to.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pings",
    "--metrics-recording-only",
    "--disable-breakpad",
    # A page that one leaves is gone. From this cache it could come back, and until then its open poll is kept open,
    # so that servers learn of it by their heartbeat only; the headless shell has no such cache.
    "--disable-features=BackForwardCache",
    # What DevTools say and what tests wait for must not wait for a window to be looked at.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--remote-debugging-port=0",
    "--remote-debugging-pipe",
)
# With a pipe for DevTools the browser ends when the pipe does, also where the tests were killed. It wants to read from
# descriptor 3 and write to 4; nothing is said through them.
_WITH_PIPE: Final = ("/bin/sh", "-c", 'exec "$0" "$@" 3<&0 4>&1 </dev/null')
_START_SECONDS: Final = 30.0  # a cold disk and two busy cores; it takes a tenth of a second otherwise
_EXIT_SECONDS: Final = 5.0
_ADDRESS: Final = re.compile(rb"DevTools listening on (ws://\S+)")


class ChromiumBroken(Exception):
    """A Chromium did not start; says what it wrote instead."""


@final
@dataclass(frozen=True)
class Program:
    """A Chromium on this machine."""

    path: Path
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


def browsers() -> Iterator[Program]:
    """Give those that may be tried, the preferred one first.

    Raises:
        LookupError: where there is no other; says what to install.
    """
    chosen = os.environ.get(SETTING)
    if chosen is not None:
        yield Program(Path(chosen))
        return
    for path in filter(None, map(shutil.which, NAMES)):
        yield Program(Path(path))
    program, libraries = bundled_browser()
    yield Program(program, {"LD_LIBRARY_PATH": str(libraries)})


@contextmanager
def running_browser(folder: Path) -> Generator[str, None, None]:
    """Run the first browser that starts for the length of the block; give the address of its DevTools.

    Raises:
        LookupError: there is none; says what to install.
        ChromiumBroken: the one that `SLYSOCK_TEST_CHROMIUM` names does not start.
    """
    problems: list[str] = []
    with ExitStack() as stack:
        address = _first_that_starts(stack, folder, problems)
        if address is not None:
            yield address
            return
    hint = f"install Debian's package chromium, or name a Chromium or Chrome in {SETTING}"
    raise LookupError(f"no browser ({'; '.join(problems)}): {hint}")


def _first_that_starts(stack: ExitStack, folder: Path, problems: list[str]) -> str | None:
    try:
        for program in browsers():
            try:
                return stack.enter_context(running_chromium(program, folder))
            except ChromiumBroken as error:
                if SETTING in os.environ:
                    raise
                problems.append(str(error))
    except LookupError as error:
        problems.append(str(error))
    return None


@contextmanager
def running_chromium(program: Program, folder: Path) -> Generator[str, None, None]:
    """Run a browser with a profile of its own for the length of the block; give the address of its DevTools.

    Raises:
        ChromiumBroken: it does not start.
    """
    with subprocess.Popen(
        [*_WITH_PIPE, str(program.path), *FLAGS, f"--user-data-dir={folder / 'profile'}", "about:blank"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, **program.environment, "HOME": str(folder)},
        start_new_session=True,  # so that all its processes can be ended by one signal
    ) as process:
        assert process.stderr is not None
        lines: SimpleQueue[bytes] = SimpleQueue()
        reader = Thread(target=_read_lines, args=(process.stderr, lines), daemon=True)
        reader.start()
        try:
            yield _address(program, lines)
        finally:
            _end(process)
            reader.join(_EXIT_SECONDS)


def _read_lines(stderr: IO[bytes], lines: SimpleQueue[bytes]) -> None:
    """Read to the end, as Chromium would wait for a full pipe; the empty line is the end."""
    for line in stderr:
        lines.put(line)
    lines.put(b"")


def _address(program: Program, lines: SimpleQueue[bytes]) -> str:
    written: list[bytes] = []
    with suppress(Empty):
        while line := lines.get(timeout=_START_SECONDS):
            if found := _ADDRESS.match(line):
                return found[1].decode()
            written.append(line.strip())
    text = b" ".join(written).decode(errors="replace") or "it says nothing"
    raise ChromiumBroken(f"{program.path} does not start: {text}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let it tidy up, then end what is left of it."""
    assert process.stdin is not None
    process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_EXIT_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
