"""How much memory this process may use: what the machine has, and what its control groups and its own limits leave.

Linux, "Control Group v2" (memory.max) and "Memory Resource Controller" (v1, memory.limit_in_bytes). A limit of any
group above ours counts, too. In a container the groups that /proc names may not be there to see: then the root of what
is mounted is our own.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

_UNKNOWN: Final = 2**32
"""Where nobody tells, as on Windows: 4 GiB."""


def memory_limit_bytes(root: Path = Path("/")) -> int:
    """Say how much memory this process may use, in bytes.

    Args:
        root: where /proc and /sys are.
    """
    return min([*_physical(), *_address_space(), *_groups(root)], default=_UNKNOWN)


def _physical() -> Iterator[int]:
    try:
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return


def _address_space() -> Iterator[int]:
    if sys.platform != "win32":
        import resource

        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft != resource.RLIM_INFINITY:
            yield soft


def _groups(root: Path) -> Iterator[int]:
    """List the limits of the control groups that this process is in, from its own up to the root."""
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _limits(root / "sys/fs/cgroup", path, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _limits(root / "sys/fs/cgroup/memory", path, "memory.limit_in_bytes")


def _limits(mount: Path, path: str, name: str) -> Iterator[int]:
    group = PurePosixPath(path.lstrip("/"))
    for each in (group, *group.parents):
        limit = _read(mount / each / name).strip()
        if limit.isdecimal():  # or "max", or nothing
            yield int(limit)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
