"""Arrows point down: what each package may import, read from the sources."""

import ast
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PACKAGES: dict[str, Path] = {
    "slysock": ROOT / "slysock",
    "slysock_protocol": ROOT / "protocol" / "slysock_protocol",
    "slysock_store": ROOT / "store" / "slysock_store",
}

PUBLIC_MODULES = {
    "slysock",
    "slysock.asgi",
    "slysock.extras",
    "slysock.handlers.description",
    "slysock.socketio.observer",
    "slysock.identity",
    "slysock.telemetry",
    "slysock_store",
}
"""Where systems may import from: what these name in `__all__`."""

FORBIDDEN_EVERYWHERE = {"asyncio", "tests", "bench"}
FORBIDDEN_IN: Mapping[str, set[str]] = {
    "slysock": set(),
    "slysock_protocol": {
        *("trio", "trio_websocket", "wsproto", "h11", "time", "socket", "select", "selectors", "ssl", "logging"),
        *("threading", "slysock", "slysock_store"),
    },
    "slysock_store": {"slysock", "slysock_protocol", "trio_websocket", "wsproto", "h11", "socket"},
}

# module -> the only files that may import it, as paths from the root
ONLY_IN: Mapping[str, set[str]] = {
    "trio_websocket": {"slysock/engineio/websocket.py"},
    "wsproto": {"slysock/engineio/websocket.py", "slysock/testing/"},
    "orjson": {"protocol/slysock_protocol/jsonio.py"},
    "ormsgpack": {"protocol/slysock_protocol/packio.py"},
    "sqlite3": {"store/slysock_store/"},
    "pymongo": {"store/slysock_store/"},
    "litestar": {"slysock/systems/"},
    "prometheus_client": {"slysock/telemetry/"},
    "jwt": {"slysock/identity/"},
    "cryptography": {"slysock/identity/"},
    "httpx": {"slysock/identity/", "slysock/systems/demo/", "slysock/cli/demo_command.py"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One name that a file imports: `from a.b import c` is module `a.b`, name `c`; `import a.b` has no name."""

    file: str
    line: int
    module: str
    name: str | None

    @property
    def top_level(self) -> str:
        """The distribution's package."""
        return self.module.partition(".")[0]

    def __str__(self) -> str:
        what = f"import {self.module}" if self.name is None else f"from {self.module} import {self.name}"
        return f"{self.file}:{self.line}: {what}"


@cache
def imports_of(path: Path, module: str) -> tuple[Import, ...]:
    """List what one file imports, wherever in it; relative imports are made absolute."""
    return tuple(_imports_of(path, module))


def _imports_of(path: Path, module: str) -> Iterator[Import]:
    file = path.relative_to(ROOT).as_posix()
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), file)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file=file, line=node.lineno, module=alias.name, name=None)
        elif isinstance(node, ast.ImportFrom):
            parents = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*parents, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(file=file, line=node.lineno, module=source, name=alias.name)


def imports_in(package: str) -> Iterator[Import]:
    """Yield what all files of a package import."""
    folder = PACKAGES[package]
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        yield from imports_of(path, ".".join(parts[:-1] if parts[-1] == "__init__" else parts))


AGAINST_THE_GRAIN: Mapping[tuple[str, str], str] = {
    ("slysock.handlers.router", "slysock.socketio.client_socket"): "the signatures of handlers and hooks name Socket",
    ("slysock.socketio.client_socket", "slysock.socketio.broadcast"): "Socket.to and its like return a Broadcast",
    ("slysock.socketio.client_socket", "slysock.socketio.namespace"): "Socket.namespace is a Namespace",
}
"""(module, module that it imports for annotations only) -> why it may, though the other depends on it."""


def modules_of(package: str) -> dict[str, Path]:
    """List the modules of a package: dotted name -> file. A package is the module of its `__init__`."""
    folder = PACKAGES[package]
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def module_graph(modules: Mapping[str, Path]) -> dict[str, set[str]]:
    """Say which module imports which, wherever in its file and for whatever: module -> modules.

    A name taken from a package is taken from the package's `__init__`, unless it is a module. Importing a module runs
    the packages around it, too, but they say nothing of what it needs.
    """
    graph: dict[str, set[str]] = {}
    for module, path in modules.items():
        targets = set[str]()
        for found in imports_of(path, module):
            inner = f"{found.module}.{found.name}"
            targets |= {inner} if inner in modules else {found.module} & modules.keys()
        graph[module] = targets - {module}
    return graph


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Find the groups of modules that reach one another (Tarjan's strongly connected components of more than one)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        order[module] = low[module] = len(order)
        stack.append(module)
        for other in sorted(graph[module]):
            if other not in order:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], order[other])
        if low[module] == order[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(group) > 1:
                found.append(sorted(group))

    for module in sorted(graph):
        if module not in order:
            visit(module)
    return found


def is_for_annotations(path: Path, target: str) -> bool:
    """Say whether a file imports a module under TYPE_CHECKING and nowhere else."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    guarded = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == target]
    return bool(imports) and all(node in guarded for node in imports)


def assert_none(offenders: list[Import]) -> None:
    """Fail with the place of each offender."""
    assert not offenders, "\n" + "\n".join(map(str, offenders))


@pytest.mark.parametrize("package", PACKAGES)
def test_package_imports_nothing_above_or_beside_it(package: str) -> None:
    forbidden = FORBIDDEN_EVERYWHERE | FORBIDDEN_IN[package]
    assert_none([found for found in imports_in(package) if found.top_level in forbidden])


@pytest.mark.parametrize("package", PACKAGES)
def test_no_circle_among_the_modules_of_a_package(package: str) -> None:
    graph = module_graph(modules_of(package))
    for module, other in AGAINST_THE_GRAIN:
        graph.get(module, set()).discard(other)
    assert circles(graph) == []


@pytest.mark.parametrize(("module", "other"), AGAINST_THE_GRAIN)
def test_what_goes_against_the_grain_is_an_annotation_and_still_needed(module: str, other: str) -> None:
    modules = modules_of("slysock")
    assert other in module_graph(modules)[module]
    assert is_for_annotations(modules[module], other)
    assert any({module, other} <= set(circle) for circle in circles(module_graph(modules))), "no exception is needed"


@pytest.mark.parametrize(
    "line",
    [
        "from a.two import x",
        "import a.two",
        "from a import two",
        "from . import two",
        "from .two import x",
        "def f():\n    from a.two import x",
        "if TYPE_CHECKING:\n    from a.two import x",
    ],
)
def test_a_circle_is_found_wherever_the_import_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr("tests.test_layers.ROOT", tmp_path)
    monkeypatch.setitem(PACKAGES, "a", tmp_path / "a")
    (tmp_path / "a").mkdir()
    for name, text in (("__init__", ""), ("one", line), ("two", "from a.three import y"), ("three", "import a.one")):
        (tmp_path / "a" / f"{name}.py").write_text(text)
    assert circles(module_graph(modules_of("a"))) == [["a.one", "a.three", "a.two"]]


CORE = ("http", "asgi", "engineio", "socketio", "handlers")
BELOW: Mapping[str, set[str]] = {
    # folder -> those that it may import, besides the modules beside the folders
    "http": set(),
    "asgi": {"http"},
    "engineio": {"http", "handlers"},  # of the latter, what is true of hooks everywhere
    "handlers": set(),
    "socketio": {"engineio", "handlers"},
}
FOUNDATION = {"config", "errors", "ids", "request", "states"}
"""The modules beside the folders that everybody may import; the others are made of the folders."""


@pytest.mark.parametrize("folder", CORE)
def test_the_rooms_of_the_house_stand_on_those_before_them(folder: str) -> None:
    allowed = {f"slysock.{name}" for name in {folder, *BELOW[folder], *FOUNDATION}}
    grain = {(module, other) for module, other in AGAINST_THE_GRAIN}
    modules = modules_of("slysock")
    graph = module_graph(modules)
    strangers = [
        f"{module} -> {other}"
        for module, others in graph.items()
        if module.startswith(f"slysock.{folder}")
        for other in others
        if (module, other) not in grain and ".".join(other.split(".")[:2]) not in allowed
    ]
    assert strangers == []


def test_beside_the_folders_are_few_modules() -> None:
    assert len(list(PACKAGES["slysock"].glob("*.py"))) <= 10


@pytest.mark.parametrize("module", ONLY_IN)
def test_foreign_module_is_imported_in_its_place_only(module: str) -> None:
    places = tuple(ONLY_IN[module])
    found = [found for package in PACKAGES for found in imports_in(package) if found.top_level == module]
    assert_none([each for each in found if not each.file.startswith(places)])


def test_server_does_not_know_the_systems() -> None:
    # The command line is where both meet: it starts the systems that the user names.
    allowed = ("slysock/systems/", "slysock/cli.py", "slysock/cli/")
    below = [found for found in imports_in("slysock") if not found.file.startswith(allowed)]
    assert_none([found for found in below if refers_to(found, "slysock.systems")])


def test_core_knows_no_tokens_numbers_or_store() -> None:
    # They are added to a server from outside: by middleware, by observers, by handlers.
    above = ("slysock/identity/", "slysock/telemetry/", "slysock/systems/", "slysock/cli/")
    core = [found for found in imports_in("slysock") if not found.file.startswith(above)]
    added = ("slysock.identity", "slysock.telemetry", "slysock_store")
    assert_none([found for found in core if any(refers_to(found, module) for module in added)])


@pytest.mark.parametrize("package", ["identity", "telemetry"])
def test_what_any_program_can_use_knows_the_public_api_only(package: str) -> None:
    own = [found for found in imports_in("slysock") if found.file.startswith(f"slysock/{package}/")]
    foreign = [found for found in own if not refers_to(found, f"slysock.{package}")]
    assert_none([found for found in foreign if not is_public(found) or refers_to(found, "slysock_store")])


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_imports_its_own_tests_or_test_tools(package: str) -> None:
    tools = {"pytest", "hypothesis", "trio.testing"}
    product = [found for found in imports_in(package) if not is_test_tool(found.file)]
    assert_none([found for found in product if tools & {found.module, found.top_level, f"{found.module}.{found.name}"}])


def test_systems_use_the_public_api_only() -> None:
    systems = [found for found in imports_in("slysock") if found.file.startswith("slysock/systems/")]
    assert_none([found for found in systems if not is_public(found)])


def is_test_tool(file: str) -> bool:
    """Say whether a file is one of the modules we ship for testing with."""
    return file.endswith("/testing.py") or "/testing/" in file


def refers_to(found: Import, module: str) -> bool:
    """Say whether an import reaches a module or something inside it."""
    return any(f"{name}.".startswith(f"{module}.") for name in (found.module, f"{found.module}.{found.name}"))


def is_public(found: Import) -> bool:
    """Say whether a system may import this: foreign modules, systems, and names that our packages export."""
    if found.top_level not in PACKAGES or refers_to(found, "slysock.systems"):
        return True
    if found.module not in PUBLIC_MODULES:
        return False
    return found.name is None or found.name in importlib.import_module(found.module).__all__
