"""The peers, by name. To add one: a program under programs/ that speaks the application protocol of README.md, and an
entry here."""

import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

from bench.build import CannotBuild, program
from bench.peers.javascript import JAVASCRIPT, Missing, bun_program, node_program, npm_version
from bench.peers.mongod import mongod, mongod_program

Feature: TypeAlias = Literal["websocket", "polling", "upgrade", "binary", "rooms", "ask", "gc"]

Application: TypeAlias = Literal["bench", "marketplace"]
Command: TypeAlias = Callable[[Path], Sequence[str]]
Service: TypeAlias = Callable[[Path, int], AbstractContextManager[Mapping[str, str]]]

SOCKET_IO: Final[frozenset[Feature]] = frozenset({"websocket", "polling", "upgrade", "binary", "rooms", "ask", "gc"})
PYTHON_SOCKETIO: Final = ("socketio", "uvicorn", "uvloop", "httptools", "websockets")
TOKEN_SECRET: Final = {"SLYSOCK_JWT_SECRET": "a secret of the benchmark, which guards nothing"}
UNBOUNDED_RATE: Final = 1_000_000
PROGRAMS: Final = JAVASCRIPT / "programs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One server.

    Attributes:
        name: as on the command line.
        features: what it can do; scenarios that need more leave it out and say so.
        command: returns how to start it, given a folder that is removed with the process; raises Missing, with the
            reason, if it is not available.
        application: what it serves.
        environment: the environment of its process.
        service: what has to run beside it, on the generator's core; adds to the environment.
        versions: returns the versions of what it is made of.
    """

    name: str
    title: str
    features: frozenset[Feature]
    command: Command
    versions: Callable[[], dict[str, str]]
    application: Application = "bench"
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    service: Service | None = None


def _python(script: str, *modules: str) -> Command:
    def command(_folder: Path) -> Sequence[str]:
        _require(*modules)
        return (sys.executable, "-m", f"bench.peers.programs.{script}")

    return command


def _require(*modules: str) -> None:
    lacking = [module for module in modules if importlib.util.find_spec(module) is None]
    if lacking:
        raise Missing(f"not installed: {', '.join(lacking)} (pip install 'slysock[bench]')")


def _slysock_marketplace(folder: Path) -> Sequence[str]:
    """Return the command that an operator runs, with its own defaults but for the rate of users.

    No person sends thousands of messages a second, as a sender here does that is alone.
    """
    what = ("--system", "marketplace", "--port", "0", "--user-events-per-second", str(UNBOUNDED_RATE))
    return (sys.executable, "-m", "slysock.cli", "serve", *what, "--store", f"sqlite:///{folder / 'chat.db'}")


def _slysock_marketplace_mongodb(folder: Path) -> Sequence[str]:
    mongod_program()
    return _slysock_marketplace(folder)[:-2]  # the store is in the environment


def _socketio_marketplace(folder: Path) -> Sequence[str]:
    _require(*PYTHON_SOCKETIO)
    return (sys.executable, "-m", "bench.peers.programs.python_socketio_marketplace", str(folder / "chat.db"))


def _floor(_folder: Path) -> Sequence[str]:
    try:
        return (str(program("floor")),)
    except CannotBuild as error:
        raise Missing(str(error)) from error


def _distributions(*names: str) -> Callable[[], dict[str, str]]:
    return lambda: {"python": sys.version.split()[0]} | {name: importlib.metadata.version(name) for name in names}


PEERS: Final = {
    peer.name: peer
    for peer in (
        Peer(
            name="slysock",
            title="slysock",
            features=SOCKET_IO,
            command=_python("slysock_server", "slysock"),
            versions=_distributions("slysock", "trio", "msgspec"),
        ),
        Peer(
            name="node",
            title="socket.io on Node",
            features=SOCKET_IO,
            command=lambda _folder: (node_program(), str(PROGRAMS / "node.mjs")),
            versions=lambda: npm_version("socket.io", node_program()),
        ),
        Peer(
            name="bun",
            title="socket.io on Bun",
            features=SOCKET_IO - {"gc"},
            command=lambda _folder: (bun_program(), str(PROGRAMS / "bun.mjs")),
            versions=lambda: npm_version("@socket.io/bun-engine", bun_program()),
        ),
        Peer(
            name="python-socketio",
            title="python-socketio on uvicorn and uvloop",
            features=SOCKET_IO,
            command=_python("python_socketio", *PYTHON_SOCKETIO),
            versions=_distributions("python-socketio", "uvicorn", "uvloop", "websockets"),
        ),
        Peer(
            name="trio-websocket",
            title="trio-websocket used plainly",
            features=frozenset({"websocket", "binary", "rooms", "ask", "gc"}),
            command=_python("trio_websocket_server", "trio_websocket"),
            versions=_distributions("trio-websocket", "trio"),
        ),
        Peer(
            name="floor",
            title="a bare send loop in C",
            features=frozenset({"websocket", "binary"}),
            command=_floor,
            versions=dict,
        ),
        Peer(
            name="slysock-marketplace",
            title="slysock serve --system marketplace",
            features=frozenset(),
            command=_slysock_marketplace,
            versions=_distributions("slysock", "trio", "msgspec"),
            application="marketplace",
            environment=TOKEN_SECRET,
        ),
        Peer(
            name="slysock-marketplace-mongodb",
            title="slysock serve --system marketplace on MongoDB",
            features=frozenset(),
            command=_slysock_marketplace_mongodb,
            versions=_distributions("slysock", "trio", "msgspec", "pymongo"),
            application="marketplace",
            environment=TOKEN_SECRET,
            service=mongod,
        ),
        Peer(
            name="python-socketio-marketplace",
            title="the same handler on python-socketio with the same store",
            features=frozenset(),
            command=_socketio_marketplace,
            versions=_distributions("python-socketio", "uvicorn", "uvloop", "websockets"),
            application="marketplace",
            environment=TOKEN_SECRET,
        ),
    )
}
