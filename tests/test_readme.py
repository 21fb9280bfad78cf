"""What the README says works when it is pasted: its lines are run here as they stand."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.runtime import CLIENTS_FOLDER, node_program

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")

LONGEST_SECONDS = 60  # a fail-safe, not an expectation


def blocks(language: str, section: str) -> list[str]:
    """Return the code blocks of a section."""
    text = README.split(f"\n## {section}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that looks to the README's lines like the project's own."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    return tmp_path


@pytest.fixture
def url(folder: Path) -> Iterator[str]:
    """A server started by the command of `make serve`, on a port of its own."""
    command = [".venv/bin/python", "-m", "slysock.cli", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            address = next(line.split()[1] for line in server.stdout if line.lstrip().startswith("address"))
            yield address
        finally:
            server.terminate()
            assert server.wait(LONGEST_SECONDS) == 0


def paste(script: str, folder: Path, url: str) -> str:
    """Run lines in a shell and return what they print."""
    environment = {"PATH": f"{Path(node_program()).parent}{os.pathsep}{os.environ['PATH']}", "URL": url}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.port
@pytest.mark.node
def test_the_walk_chats(folder: Path, url: str) -> None:
    tokens, install, write, run = blocks("sh", "A chat in five minutes")
    assert "npm install --prefix var/walk socket.io-client" in install
    (folder / "var" / "walk").mkdir(parents=True)
    (folder / "var" / "walk" / "node_modules").symlink_to(CLIENTS_FOLDER / "node_modules")
    printed = paste(tokens + write + run, folder, url).splitlines()
    assert printed[0].startswith("stored at 20")
    assert printed[1:] == [
        "vendor: Bob asks Is it still there?",
        "customer reads It is.",
        "history: [ 'Is it still there?', 'It is.' ]",
    ]


def test_the_handlers_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = blocks("python", "Handlers")
    served: list[object] = []
    monkeypatch.setattr("slysock.run", lambda *routers, port: served.extend([*routers, port]))
    exec(compile(example, "README.md", "exec"), {"__name__": "readme"})  # the README is ours
    assert len(served) == 2


def test_the_test_is_a_test(tmp_path: Path) -> None:
    (example,) = blocks("python", "Tests without a network")
    (tmp_path / "test_example.py").write_text(example, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\ntrio_mode = true\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_example.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False)
    assert "1 passed" in done.stdout, done.stdout


@pytest.mark.parametrize("command", ["serve", "token"])
def test_the_help_of_the_commands_can_be_read(folder: Path, command: str) -> None:
    assert f".venv/bin/slysock {command} --help" in "".join(blocks("sh", "The command line"))
    done = subprocess.run(
        [".venv/bin/python", "-m", "slysock.cli", command, "--help"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: slysock")
