"""Arrows point down: what the C sources include and the Python modules import, read from them, makes no circle."""

import ast
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from bench.build import BENCH

GENERATOR = BENCH / "generator"
MOST_LINES = 600

# module -> the modules it needs
Graph = Mapping[str, set[str]]


def circle(graph: Graph) -> list[str]:
    """Return the modules of a circle, the first once more at its end; none where all arrows point down."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def includes_in(folder: Path) -> Graph:
    """Read the graph of C modules; a .c and its .h are one."""
    graph: dict[str, set[str]] = {}
    for path in sorted(folder.glob("*.[ch]")):
        included = {Path(name).stem for name in re.findall(r'^#include "(.+)"', path.read_text(), re.MULTILINE)}
        graph.setdefault(path.stem, set()).update(included - {path.stem})
    return graph


def declared_functions(header: Path) -> set[str]:
    """Read the names of the functions that a header declares."""
    text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.DOTALL)
    return set(re.findall(r"^\w[\w *]*?\b(\w+)\([^()]*\)[^{};]*;", text, re.MULTILINE))


def module_of(path: Path, root: Path) -> str:
    """Name the module that a file is."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_in(package: Path) -> Graph:
    """Read the graph of Python modules: every import, those inside functions and for type checkers among them."""
    modules = {
        module_of(path, package.parent): path for path in package.rglob("*.py") if "node_modules" not in path.parts
    }
    return {
        name: {imported for imported in imports_of(path, set(modules)) if imported != name}
        for name, path in modules.items()
    }


def imports_of(path: Path, modules: set[str]) -> Iterator[str]:
    """Yield which of these modules a file imports; `from a import b` is a.b where that is a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from modules & {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: a relative import"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from modules & names
            if names - modules:
                yield from modules & {str(node.module)}


def test_the_generator_has_no_circle_of_includes() -> None:
    assert circle(includes_in(GENERATOR)) == []


def test_a_circle_of_includes_that_is_put_back_is_found(tmp_path: Path) -> None:
    shutil.copytree(GENERATOR, tmp_path, dirs_exist_ok=True)
    with (tmp_path / "link.c").open("a") as file:
        file.write('#include "client.h"\n')
    assert sorted(set(circle(includes_in(tmp_path)))) == ["client", "link"]


@pytest.mark.parametrize("header", sorted(GENERATOR.glob("*.h")), ids=lambda path: path.name)
def test_what_a_header_declares_its_own_source_defines(header: Path) -> None:
    # A function that somebody above has to define would be an arrow upwards which no #include shows.
    source = header.with_suffix(".c")
    text = source.read_text() if source.exists() else ""
    undefined = {name for name in declared_functions(header) if not re.search(rf"^\w.*\b{name}\(", text, re.MULTILINE)}
    assert undefined == set()


def test_a_function_defined_elsewhere_is_found(tmp_path: Path) -> None:
    header = tmp_path / "low.h"
    header.write_text("/* f(x); */\nint low(int one,\n        char *two);\nvoid *upper(void) __attribute__((pure));\n")
    assert declared_functions(header) == {"low", "upper"}


def test_the_modules_of_the_suite_make_no_circle() -> None:
    assert circle(imports_in(BENCH)) == []


def test_a_circle_of_imports_that_is_put_back_is_found(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    for name, text in {
        "__init__": "",
        "top": "from package import bottom",
        "bottom": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from package.middle import Middle",
        "middle": "def late() -> None:\n    import package.top",
    }.items():
        (package / f"{name}.py").write_text(text)
    assert set(circle(imports_in(package))) == {"package.top", "package.middle", "package.bottom"}


@pytest.mark.parametrize("module", sorted(imports_in(BENCH)))
def test_no_module_has_the_name_of_one_of_the_standard_library(module: str) -> None:
    assert module.rpartition(".")[2] not in sys.stdlib_module_names


def test_no_file_is_too_long_to_be_read_at_once() -> None:
    sources = [path for path in (*BENCH.rglob("*"), *Path(__file__).parent.rglob("*")) if is_source(path)]
    assert [str(path) for path in sources if len(path.read_text().splitlines()) > MOST_LINES] == []


def is_source(path: Path) -> bool:
    """Say whether a file was written by hand; lock files and what they install were not."""
    return path.suffix in {".py", ".c", ".h", ".mjs"} and "node_modules" not in path.parts
