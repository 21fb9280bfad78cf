"""Shows what each module's own test file covers of it: `python -m tests.coverage [PATH …]`, or `make coverage`.

A line that only other modules' tests reach is one whose purpose no test states. So each test file is run by itself, and
counts for its own module only: tests/slysock/a/test_b.py for slysock/a/b.py, test_init.py for an __init__.py. What a
test has another process do is not seen. Paths, of modules, of their tests or of folders, restrict it to these.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import trio
from coverage import Coverage
from coverage.exceptions import NoDataError

ROOT: Final = Path(__file__).parents[1]

# of modules -> of their tests
FOLDERS: Final[Mapping[Path, Path]] = {
    ROOT / "slysock": ROOT / "tests" / "slysock",
    ROOT / "protocol" / "slysock_protocol": ROOT / "tests" / "protocol",
    ROOT / "store" / "slysock_store": ROOT / "tests" / "store",
    ROOT / "bench": ROOT / "tests" / "bench",
}


def modules() -> Iterator[Path]:
    """Yield every module that has something to test, in order."""
    for folder in FOLDERS:
        yield from (path for path in sorted(folder.rglob("*.py")) if path.name != "__main__.py" and has_logic(path))


def has_logic(module: Path) -> bool:
    """Say whether a module has a function; names, constants and records are tested where they are used."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(tree))


def own_test(module: Path) -> Path:
    """Return where a module's test file is or would be."""
    (folder,) = (folder for folder in FOLDERS if module.is_relative_to(folder))
    name = module.stem.strip("_")  # the tests of a package's __init__ are in its test_init.py
    return FOLDERS[folder] / module.parent.relative_to(folder) / f"test_{name}.py"


def chosen(paths: Sequence[str]) -> list[Path]:
    """List the modules that the paths name; all without any."""
    named = [Path(path).absolute() for path in paths] or [ROOT]
    return [
        module
        for module in modules()
        if any(module.is_relative_to(path) or own_test(module).is_relative_to(path) for path in named)
    ]


async def measure(module: Path, data_file: Path) -> str:
    """Run a module's test file; return what it printed if it failed, nothing otherwise."""
    done = await trio.run_process(
        [
            *(sys.executable, "-m", "coverage", "run", f"--include={module}", f"--data-file={data_file}"),
            *("-m", "pytest", "--quiet", "-p", "no:cacheprovider", str(own_test(module))),
        ],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_stdout=True,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.stdout.decode(errors="replace") if done.returncode else ""


async def measure_all(tested: Sequence[Path], data_folder: Path) -> list[str]:
    """Run the test files of modules, as many at once as there are processors; return what the failed ones printed."""
    limit = trio.CapacityLimiter(os.cpu_count() or 1)
    failures: list[str] = []

    async def run_one(number: int, module: Path) -> None:
        async with limit:
            if failure := await measure(module, data_folder / f"coverage.{number}"):
                failures.append(failure)

    async with trio.open_nursery() as nursery:
        for number, module in enumerate(tested):
            nursery.start_soon(partial(run_one, number, module))
    return failures


def report(data_folder: Path) -> None:
    """Print what is not covered, most first."""
    measured = Coverage(data_file=str(data_folder / "coverage"), config_file=str(ROOT / "pyproject.toml"))
    try:
        measured.combine([str(data_folder)])
        measured.report(show_missing=True, skip_covered=True, sort="-miss")
    except NoDataError:
        print("Nothing was run.")


def main(paths: Sequence[str]) -> int:
    """Measure and report.

    Args:
        paths: of modules, of their tests or of folders; all without any.

    Returns:
        The exit status: 0, 1 if a test failed, or 2 if the paths name nothing that could be measured.
    """
    selected = chosen(paths)
    if not selected:
        print("no module or test of a module:", *paths, file=sys.stderr)
        return 2
    tested = [module for module in selected if own_test(module).is_file()]
    with TemporaryDirectory() as folder:
        failures = trio.run(measure_all, tested, Path(folder))
        report(Path(folder))
    untested = [str(module.relative_to(ROOT)) for module in selected if module not in tested]
    if untested:
        print(f"\nWithout a test file of their own ({len(untested)}):", *untested, sep="\n")
    print(*failures, sep="\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
