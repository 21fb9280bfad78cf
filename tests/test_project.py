"""What a reader of the repository or a user of the packages takes for granted."""

import importlib
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.coverage import FOLDERS, own_test

ROOT = Path(__file__).parents[1]
PACKAGES = ("slysock", "slysock_protocol", "slysock_store")

MAX_LINES = 600

# module that has the name of a standard one -> why nobody mistakes it
NAMED_LIKE_STANDARD_ONES: Mapping[str, str] = {
    "slysock/http/__init__.py": "the protocol's name; a package of ours is never imported by its last name alone",
}

# name of a test file -> what it is about, where that is no one module
FEATURE_TESTS: Mapping[str, str] = {
    "test_room.py": "what is refused when a disk is nearly full, in each system's shape",
    "test_api.py": "the public names and signatures",
    "test_behind_a_proxy.py": "names, paths, health and clients, as proxies and monitoring see them",
    "test_clients.py": "stock clients and a whole system",
    "test_connection_contexts.py": "context variables, where one task reads for all",
    "test_connection_limits.py": "what one client may ask of a connection, and what is kept for it",
    "test_contract.py": "what every backend of the store keeps; the requests of the systems",
    "test_crash.py": "kill -9 in the middle of it",
    "test_cut_off.py": "a network that dies silently between a server and a recipient",
    "test_cross_origin.py": "CORS on sockets and HTTP alike",
    "test_document.py": "a system's document, replayed in its order",
    "test_documents.py": "OpenAPI and AsyncAPI of all systems",
    "test_durability.py": "what is there after a restart",
    "test_guide.py": "the guide to adding a system",
    "test_head.py": "the requests that the benchmark's generator writes, a file of C",
    "test_injection.py": "objects in place of scalars, everywhere",
    "test_kills.py": "kill -9 in the middle of all systems",
    "test_large.py": "chats with many messages",
    "test_layers.py": "who imports whom",
    "test_litestar.py": "a real ASGI application",
    "test_leaving.py": "stock clients that leave in the middle of things",
    "test_member_entering.py": "the beginning of a member's life, which fills a file",
    "test_member_leaving.py": "its end, which fills another",
    "test_server_stopping.py": "starts and ends that hang, which fill a file",
    "test_session_silence.py": "who is given up and who is not, which fills a file",
    "test_message_deadlines.py": "how long messages may take, on both transports",
    "test_mongod.py": "the mongod that the tests start",
    "test_outage.py": "a store that is away",
    "test_promises.py": "what a document promises beside its order",
    "test_rates.py": "how the four systems show that something was too much",
    "test_receiving.py": "what recipients are handed until they have it",
    "test_refusals.py": "every refusal leaves its reason, and no secret",
    "test_sharing.py": "the root namespace, which systems share",
    "test_strangers.py": "what somebody gets who has no business there",
}

# Put together here, so that this file is not an offender itself.
MACHINE_PATHS = tuple(f"/{folder}/" for folder in ("root", "work", "home", "Users"))
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("npm", "pkg", "github", "com"),
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
    )
)


def project_files() -> list[Path]:
    """List the files that are in the repository, or are about to be: all that git does not ignore."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: what belongs to the project is not known")
    command = [git, "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def lines_with(needles: tuple[str, ...]) -> list[str]:
    """Return `file:line: text` of every line of the project that has one of the needles."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in project_files()
        for number, line in enumerate(path.read_bytes().decode(errors="replace").splitlines(), start=1)
        if any(needle in line for needle in needles)
    ]


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    assert lines_with(MACHINE_PATHS) == []


def test_no_file_names_a_package_registry() -> None:
    assert lines_with(REGISTRY_HOSTS) == []


def test_locks_hold_exact_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [line for line in lines if line.count("==") != 1 or set(line) & set(" ;@/*<>~!")] == []
    assert '"resolved"' not in (ROOT / "tests" / "clients" / "package-lock.json").read_text()


def test_no_file_is_longer_than_one_sitting() -> None:
    code = [path for path in project_files() if path.suffix in {".py", ".c", ".h"}]
    long = [path for path in code if len(path.read_text(encoding="utf-8").splitlines()) > MAX_LINES]
    assert [str(path.relative_to(ROOT)) for path in long] == []


def test_no_module_has_the_name_of_a_standard_one() -> None:
    ours = [path for folder in FOLDERS for path in folder.rglob("*.py") if path.name != "__main__.py"]
    named = {path: path.parent.name if path.name == "__init__.py" else path.stem for path in ours}
    standard = [path for path, name in named.items() if name in sys.stdlib_module_names]
    assert {path.relative_to(ROOT).as_posix() for path in standard} == set(NAMED_LIKE_STANDARD_ONES)


def test_each_test_file_belongs_to_a_module_or_says_what_else_it_is_about() -> None:
    owned = {own_test(module) for folder in FOLDERS for module in folder.rglob("*.py")}
    tests = {path for folder in FOLDERS.values() for path in folder.rglob("test_*.py")}
    others = tests - owned
    assert sorted(str(path.relative_to(ROOT)) for path in others if path.name not in FEATURE_TESTS) == []
    assert set(FEATURE_TESTS) - {path.name for path in others} == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_everything_exported_can_be_imported(package: str) -> None:
    module = importlib.import_module(package)
    exported: list[str] = module.__all__
    assert [name for name in exported if not hasattr(module, name)] == []
    assert len(set(exported)) == len(exported)


@pytest.mark.parametrize("package", PACKAGES)
def test_package_says_that_it_is_typed(package: str) -> None:
    origin = importlib.import_module(package).__file__
    assert origin is not None
    assert (Path(origin).parent / "py.typed").is_file()


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "LICENSE", "Makefile", ".ci/run"])
def test_project_has(name: str) -> None:
    assert (ROOT / name).stat().st_size > 0
