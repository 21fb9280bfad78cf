"""The wheel as a user gets it: built, installed apart from the tree, alone and with each extra, and run.

What it needs comes from the package registry, in the versions of constraints.txt: what pip has kept since it installed
them for these tests. Each extra is tried by itself, in a copy of the environment without any.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
import venv
import zipfile
from collections.abc import Callable
from email.message import Message
from email.parser import HeaderParser
from functools import cache, partial
from pathlib import Path
from subprocess import PIPE, STDOUT

import pytest
import trio
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import slysock
from tests.clients.deadline import raise_only
from tests.clients.wire import LineBuffer

ROOT = Path(__file__).parents[1]
TOP_LEVEL_NAMES = {"slysock", "slysock_protocol", "slysock_store"}
PLAIN = {"trio", "sniffio", "trio-websocket", "wsproto", "h11", "msgspec", "orjson", "ormsgpack", "click"}
BUILD_SECONDS = 120.0  # this and the next: fail-safes only
START_SECONDS = 30.0

IMPORT_EACH = """
import importlib, json, sys

failures = {}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        failures[name] = str(error)
print(json.dumps(failures))
"""

SERVE_IN_MEMORY = """
import trio
from slysock import Router, Server
from slysock.testing import serve_memory

root = Router("/")


@root.on("add")
def add(socket, a: int, b: int):
    return a + b


async def main():
    async with serve_memory(Server(root)) as memory:
        for transport in ("polling", "websocket"):
            client = await memory.connect("/", transport=transport)
            print(await client.call("add", 1, 2))


trio.run(main)
"""

OPEN_MONGO = """
import trio
from slysock_store import StoreError, open_store


async def main():
    try:
        async with open_store("mongodb://127.0.0.1:1/nothing"):
            pass
    except* StoreError as group:
        print(*(f"{type(error).__name__}: {error}" for error in group.exceptions))


trio.run(main)
"""

pytestmark = pytest.mark.port

Environments = Callable[[str], Path]
"""Makes the environment with one extra, or with none for the empty text."""


def run(*command: str | Path, cwd: Path, returns: int = 0) -> str:
    """Run a command apart from the tree and from the settings of whoever runs the tests; return what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SLYSOCK_"))}
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert done.returncode == returns, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def python(environment: Path, *arguments: str) -> str:
    """Run the environment's Python."""
    return run(environment / "bin" / "python", *arguments, cwd=environment)


def command(environment: Path) -> tuple[Path, Path]:
    """Return what runs the command `slysock`: the script of a copied environment names the Python of the original."""
    return environment / "bin" / "python", environment / "bin" / "slysock"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, with the locked back-end that is installed here."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environments:
    """Install the wheel in environments of its own."""

    @cache
    def make(extra: str) -> Path:
        folder = tmp_path_factory.mktemp("installed") / "environment"
        if extra:
            shutil.copytree(make(""), folder, symlinks=True)
        else:
            venv.create(folder, symlinks=True)
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", folder / "bin" / "python")
        locked = ("--quiet", "--no-compile", "--constraint", ROOT / "constraints.txt")
        run(*pip, "install", *locked, f"{wheel}[{extra}]" if extra else wheel, cwd=folder)
        run(*pip, "check", cwd=folder)
        return folder

    return make


# -- the wheel -------------------------------------------------------------------------------------------------------


def test_wheel_has_our_three_packages_and_nothing_else_at_its_top(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top_level = {name.partition("/")[0] for name in names}
    assert {name for name in top_level if not name.endswith(".dist-info")} == TOP_LEVEL_NAMES
    assert {f"{name}/py.typed" for name in TOP_LEVEL_NAMES} <= set(names)


def test_wheel_has_the_version_that_the_package_says(wheel: Path) -> None:
    assert metadata_of(wheel)["Version"] == slysock.__version__


def test_description_links_to_what_is_there_wherever_it_is_shown(wheel: Path) -> None:
    source = dict(value.split(", ", 1) for value in metadata_of(wheel).get_all("Project-URL", []))["Source"]
    targets = re.findall(r"\]\(([^)\s]+)\)", str(metadata_of(wheel).get_payload()))
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []
    ours = [target.removeprefix(f"{source}/blob/main/") for target in targets if target.startswith(source)]
    assert ours
    assert [target for target in ours if not (ROOT / target.partition("#")[0]).is_file()] == []


def metadata_of(wheel: Path) -> Message:
    """Read what an index and pip are told about the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(archive.read(name).decode())


def modules_in(wheel: Path) -> list[str]:
    """List all modules, but for those that run when they are imported."""
    with zipfile.ZipFile(wheel) as archive:
        files = [Path(name) for name in archive.namelist() if name.endswith(".py")]
    parts = [file.parent.parts if file.name == "__init__.py" else file.with_suffix("").parts for file in files]
    return [".".join(each) for each in parts if each[-1] != "__main__"]


# -- without an extra ------------------------------------------------------------------------------------------------


def test_plain_installation_brings_what_a_server_needs_and_nothing_of_an_extra(
    wheel: Path, installed: Environments
) -> None:
    script = "from importlib.metadata import distributions as d; print(*(each.name for each in d()))"
    present = {canonicalize_name(name) for name in python(installed(""), "-c", script).split()}
    required = [Requirement(text) for text in metadata_of(wheel).get_all("Requires-Dist", [])]
    assert {each.name for each in required if each.marker is None} == PLAIN
    assert present >= PLAIN
    assert present & {canonicalize_name(each.name) for each in required if each.marker is not None} == set()


def test_plain_installation_is_the_wheels_and_serves_clients(installed: Environments) -> None:
    environment = installed("")
    assert Path(python(environment, "-c", "import slysock; print(slysock.__file__)")).is_relative_to(environment)
    assert python(environment, "-c", SERVE_IN_MEMORY).split() == ["3", "3"]


def test_plain_installation_can_import_every_module_of_the_server(wheel: Path, installed: Environments) -> None:
    extras = ("slysock.identity", "slysock.telemetry", "slysock.systems.", "slysock.cli.", "slysock_store.mongo")
    modules = [name for name in modules_in(wheel) if not name.startswith(extras)]
    assert json.loads(python(installed(""), "-c", IMPORT_EACH, *modules)) == {}


def test_plain_command_explains_itself(installed: Environments) -> None:
    environment = installed("")
    script = environment / "bin" / "slysock"
    assert run(script, "--version", cwd=environment).split() == ["slysock", slysock.__version__]
    assert "serve" in run(script, "--help", cwd=environment)
    assert run(script, cwd=environment) == run(script, "--help", cwd=environment)


@pytest.mark.parametrize("name", ["serve", "token", "demo", "asyncapi"])
def test_a_command_names_the_extra_that_it_lacks(installed: Environments, name: str) -> None:
    environment = installed("")
    told = run(environment / "bin" / "slysock", name, "--help", cwd=environment, returns=2)
    assert told == f"slysock: slysock {name} needs the extra \"systems\": pip install 'slysock[systems]'\n"


@pytest.mark.parametrize(
    ("module", "part", "extra"),
    [
        ("slysock.identity", "slysock.identity", "identity"),
        ("slysock.telemetry", "slysock.telemetry", "metrics"),
        ("slysock.systems.assembly", "slysock.systems", "systems"),
        ("slysock.systems.system", "slysock.systems", "systems"),
        ("slysock.systems.rest", "slysock.systems", "systems"),
    ],
)
def test_a_package_names_the_extra_that_it_lacks(installed: Environments, module: str, part: str, extra: str) -> None:
    failures = json.loads(python(installed(""), "-c", IMPORT_EACH, module))
    assert failures == {module: f"{part} needs the extra \"{extra}\": pip install 'slysock[{extra}]'"}


def test_a_mongodb_url_names_the_extra_that_it_lacks(installed: Environments) -> None:
    told = python(installed(""), "-c", OPEN_MONGO)
    assert told == "BadStoreUrl: MongoDB needs the extra \"mongo\": pip install 'slysock[mongo]'\n"


# -- with each extra -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "package"),
    [("identity", "slysock.identity"), ("metrics", "slysock.telemetry"), ("mongo", "slysock_store.mongo")],
)
def test_an_extra_by_itself_brings_all_that_its_package_needs(
    wheel: Path, installed: Environments, extra: str, package: str
) -> None:
    modules = [name for name in modules_in(wheel) if f"{name}.".startswith(f"{package}.")]
    assert package in modules
    assert json.loads(python(installed(extra), "-c", IMPORT_EACH, *modules)) == {}


def test_systems_bring_all_that_every_module_but_mongodb_needs(wheel: Path, installed: Environments) -> None:
    modules = [name for name in modules_in(wheel) if not name.startswith("slysock_store.mongo")]
    assert json.loads(python(installed("systems"), "-c", IMPORT_EACH, *modules)) == {}


def test_systems_bring_no_tool_of_development(installed: Environments) -> None:
    tools = ("pytest", "socketio", "build", "pymongo")
    assert set(json.loads(python(installed("systems"), "-c", IMPORT_EACH, *tools))) == set(tools)


async def test_systems_are_served(installed: Environments, tmp_path: Path) -> None:
    arguments = ["serve", "--port", "0", "--store", f"sqlite:///{tmp_path}/test.sqlite3"]
    start = partial(trio.run_process, [*command(installed("systems")), *arguments], cwd=tmp_path)
    with raise_only():
        async with trio.open_nursery() as nursery:
            server: trio.Process = await nursery.start(partial(start, stdout=PIPE, stderr=STDOUT, check=False))
            with trio.fail_after(START_SECONDS):
                assert await healthz(await wait_address(server)) == 200
                server.terminate()
                assert await server.wait() == 0
            nursery.cancel_scope.cancel()


def test_systems_can_be_filled_and_described(installed: Environments, tmp_path: Path) -> None:
    program = command(installed("systems"))
    assert "pets: " in run(*program, "demo", cwd=tmp_path)
    assert len(run(*program, "token", "--user", "1", cwd=tmp_path).split(".")) == 3
    assert json.loads(run(*program, "asyncapi", cwd=tmp_path))["asyncapi"] == "3.0.0"


async def wait_address(server: trio.Process) -> str:
    """Return the first address that the server's start-up lines name."""
    assert server.stdout is not None
    buffer, seen = LineBuffer(), list[str]()
    async for chunk in server.stdout:
        seen += [line.decode() for line in buffer.feed(chunk)]
        if found := re.search(r"http://[\w.]+:\d+", "\n".join(seen)):
            return found[0]
    raise AssertionError("the server ended without naming an address:\n" + "\n".join(seen))


async def healthz(address: str) -> int:
    """Ask the server how it is; a blocking call, in a thread of its own."""

    def ask() -> int:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(f"{address}/healthz", timeout=START_SECONDS) as answer:
            return int(answer.status)

    return await trio.to_thread.run_sync(ask)
