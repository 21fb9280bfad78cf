"""Compiles the programs in C at first use, and keeps them in the tree's .cache until their sources change.

The compiler comes with the `bench` extra (`ziglang`), so that none has to be installed; without it the system's own is
used.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

BENCH: Final = Path(__file__).parent
CACHE: Final = BENCH.parent / ".cache" / "bench"
FLAGS: Final = ("-std=c11", "-O2", "-fno-sanitize=undefined")
COMPILE_SECONDS: Final = 300

ALONE: Final = ("launch", "speed")  # programs of one file each, beside the generator's
PROGRAMS: Final = {
    "generator": sorted(path for path in (BENCH / "generator").glob("*.c") if path.stem not in ALONE),
    **{name: [BENCH / "generator" / f"{name}.c"] for name in ALONE},
    "floor": [BENCH / "peers" / "programs" / "floor.c"],
}


class CannotBuild(Exception):
    """There is no compiler, or it failed."""


@cache
def program(name: str) -> Path:
    """Return a compiled program of PROGRAMS, compiling it if need be.

    Raises:
        CannotBuild: there is no compiler, or it failed.
    """
    sources = PROGRAMS[name]
    compiler = _compiler()
    target = CACHE / f"{name}-{_fingerprint(sources, compiler)}"
    if not target.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        _compile(compiler, sources, target)
    return target


def _compiler() -> Sequence[str]:
    if importlib.util.find_spec("ziglang") is not None:
        return (sys.executable, "-m", "ziglang", "cc")
    for name in ("cc", "gcc", "clang"):
        found = shutil.which(name)
        if found:
            return (found,)
    raise CannotBuild("no C compiler: install the `bench` extra (it brings ziglang), or put cc on PATH")


def _fingerprint(sources: Sequence[Path], compiler: Sequence[str]) -> str:
    headers = sorted({header for source in sources for header in source.parent.glob("*.h")})
    digest = hashlib.sha256(repr((*compiler[1:], *FLAGS)).encode())
    for path in (*sources, *headers):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _compile(compiler: Sequence[str], sources: Sequence[Path], target: Path) -> None:
    unfinished = target.with_suffix(f".{os.getpid()}")
    command = [*compiler, *FLAGS, "-o", str(unfinished), *map(str, sources)]
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": str(CACHE / "zig"), "ZIG_LOCAL_CACHE_DIR": str(CACHE / "zig")}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False, env=environment
    )
    if done.returncode:
        raise CannotBuild(f"{target.name} does not compile:\n{done.stderr[-2000:]}")
    unfinished.rename(target)
