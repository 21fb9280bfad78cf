"""The wheel as a user gets it: built, installed apart from the tree and from the tools of development, and run.

Its environment is filled from the distributions installed here, so no network is needed; `pip check` then says whether
the wheel's own requirements are met by them.
"""

import os
import re
import subprocess
import sys
import sysconfig
import urllib.request
import venv
import zipfile
from collections.abc import Iterable, Iterator
from functools import partial
from importlib.metadata import Distribution, distribution
from pathlib import Path
from subprocess import PIPE, STDOUT

import pytest
import trio
from packaging.requirements import Requirement

from tests.clients.deadline import raise_only
from tests.clients.wire import LineBuffer

ROOT = Path(__file__).parents[1]
TOP_LEVEL_NAMES = {"slysock", "slysock_protocol", "slysock_store"}
BUILD_SECONDS = 120.0  # this and the next: fail-safes only
START_SECONDS = 30.0

pytestmark = pytest.mark.port


def run(*command: str | Path, cwd: Path) -> str:
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
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, with the locked back-end that is installed here."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel in an environment of its own and return that folder."""
    folder = tmp_path_factory.mktemp("installed") / "environment"
    venv.create(folder, symlinks=True)
    paths = sysconfig.get_paths("venv", vars={"base": str(folder), "platbase": str(folder)})
    for needed in needed_by(requirements_in(wheel)):
        link_files(needed, Path(paths["purelib"]))
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", folder / "bin" / "python")
    run(*pip, "install", "--quiet", "--no-index", "--no-deps", wheel, cwd=folder)
    run(*pip, "check", cwd=folder)
    return folder


def requirements_in(wheel: Path) -> list[str]:
    """Read what the wheel says it needs."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
    return re.findall(r"^Requires-Dist: (.*)$", metadata, re.MULTILINE)


def needed_by(requirements: Iterable[str]) -> Iterator[Distribution]:
    """Yield every distribution that the requirements lead to, once."""
    pending = list(applying(requirements, extras=set()))
    seen: set[tuple[str, str]] = set()
    yielded: set[str] = set()
    while pending:
        requirement = pending.pop()
        key = (requirement.name.lower(), str(sorted(requirement.extras)))
        if key in seen:
            continue
        seen.add(key)
        found = distribution(requirement.name)
        pending.extend(applying(found.requires or (), extras=requirement.extras))
        if found.name not in yielded:
            yielded.add(found.name)
            yield found


def applying(requirements: Iterable[str], *, extras: set[str]) -> Iterator[Requirement]:
    """Yield the requirements that hold on this Python, with these extras asked for."""
    for requirement in map(Requirement, requirements):
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": each}) for each in ("", *extras)):
            yield requirement


def link_files(source: Distribution, site_packages: Path) -> None:
    """Make the importable files of a distribution appear in another environment; not its commands."""
    for file in source.files or ():
        original = Path(str(source.locate_file(file)))
        if file.parts[0] != ".." and original.is_file():
            target = site_packages / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(original.resolve())


def test_wheel_has_our_three_packages_and_nothing_else_at_its_top(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    top_level = {name.partition("/")[0] for name in names}
    assert {name for name in top_level if not name.endswith(".dist-info")} == TOP_LEVEL_NAMES
    assert {f"{name}/py.typed" for name in TOP_LEVEL_NAMES} <= set(names)


def test_installed_packages_are_the_wheels_and_can_be_imported(installed: Path) -> None:
    script = f"import {', '.join(sorted(TOP_LEVEL_NAMES))}; print(slysock.__file__)"
    output = run(installed / "bin" / "python", "-c", script, cwd=installed)
    assert Path(output.strip()).is_relative_to(installed)


def test_installed_environment_lacks_the_tools_of_development(installed: Path) -> None:
    script = "import importlib.util as u; print([n for n in ('pytest', 'socketio', 'build') if u.find_spec(n)])"
    assert run(installed / "bin" / "python", "-c", script, cwd=installed).strip() == "[]"


def test_installed_command_explains_itself(installed: Path) -> None:
    assert "serve" in run(installed / "bin" / "slysock", "--help", cwd=installed)


async def test_installed_server_answers(installed: Path, tmp_path: Path) -> None:
    command = [installed / "bin" / "slysock", "serve", "--port", "0", "--store", f"sqlite:///{tmp_path}/test.sqlite3"]
    start = partial(trio.run_process, command, cwd=tmp_path, stdout=PIPE, stderr=STDOUT, check=False)
    with raise_only():
        async with trio.open_nursery() as nursery:
            server: trio.Process = await nursery.start(start)
            with trio.fail_after(START_SECONDS):
                assert await healthz(await wait_address(server)) == 200
                server.terminate()
                assert await server.wait() == 0
            nursery.cancel_scope.cancel()


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
