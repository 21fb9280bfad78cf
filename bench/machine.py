"""The machine that measures: what it is, and which of its cores do what."""

import os
import platform
import resource
import subprocess
from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from bench.build import BENCH

GIT_SECONDS: Final = 10
SPARE_DESCRIPTORS: Final = 200


class Machine(msgspec.Struct, frozen=True):
    """What figures depend on, besides the servers."""

    processor: str
    cores: int
    kernel: str
    memory_gib: float
    commit: str
    load_before: float


@dataclass(frozen=True, slots=True)
class Cores:
    """Where the server and the generator run; -1 is anywhere."""

    server: int
    generator: int

    @property
    def apart(self) -> bool:
        """Whether the two do not compete for a core."""
        return self.server != self.generator


def describe() -> Machine:
    """Describe this machine and the state of this tree."""
    return Machine(
        processor=_processor(),
        cores=os.cpu_count() or 0,
        kernel=platform.release(),
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        commit=_commit(),
        load_before=os.getloadavg()[0],
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    """Return the commit, with a + if the tree differs from it; empty outside of a repository."""
    answers = [
        subprocess.run(["git", *words], cwd=BENCH, capture_output=True, text=True, timeout=GIT_SECONDS, check=False)
        for words in (("rev-parse", "--short=12", "HEAD"), ("status", "--porcelain"))
    ]
    if any(answer.returncode for answer in answers):
        return ""
    return answers[0].stdout.strip() + ("+" if answers[1].stdout.strip() else "")


def choose_cores() -> Cores:
    """Choose two of the cores that we may use, on different physical cores if possible."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) == 1:
        return Cores(-1, -1)
    server = allowed[0]
    siblings = _siblings(server)
    strangers = [core for core in allowed[1:] if core not in siblings]
    return Cores(server, (strangers or allowed[1:])[0])


@contextmanager
def keeping_off(core: int) -> Generator[None]:
    """Stay off a core while the block runs: that of the server. -1 keeps off none."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, allowed - {core} or allowed)
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _siblings(core: int) -> Collection[int]:
    try:
        text = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        return ()
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def raise_descriptor_limit() -> int:
    """Raise the limit of open files as far as allowed, for us and what we start.

    Returns:
        How many connections a server may have.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard - SPARE_DESCRIPTORS
