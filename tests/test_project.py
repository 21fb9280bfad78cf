"""What a reader of the repository or a user of the packages takes for granted."""

import importlib
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("slysock", "slysock_protocol", "slysock_store")

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
