"""Arrows point down: what each package may import, read from the sources."""

import ast
import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

PACKAGES: Mapping[str, Path] = {
    "slysock": ROOT / "slysock",
    "slysock_protocol": ROOT / "protocol" / "slysock_protocol",
    "slysock_store": ROOT / "store" / "slysock_store",
}

PUBLIC_MODULES = {
    "slysock",
    "slysock.asgi",
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
    "sqlite3": {"store/slysock_store/"},
    "pymongo": {"store/slysock_store/"},
    "litestar": {"slysock/systems/"},
    "prometheus_client": {"slysock/telemetry/"},
    "jwt": {"slysock/identity/"},
    "cryptography": {"slysock/identity/"},
    "httpx": {"slysock/identity/", "slysock/cli/demo/", "slysock/cli/demo_command.py"},
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


def imports_of(path: Path, module: str) -> Iterator[Import]:
    """Yield what one file imports, wherever in it; relative imports are made absolute."""
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


def assert_none(offenders: list[Import]) -> None:
    """Fail with the place of each offender."""
    assert not offenders, "\n" + "\n".join(map(str, offenders))


@pytest.mark.parametrize("package", PACKAGES)
def test_package_imports_nothing_above_or_beside_it(package: str) -> None:
    forbidden = FORBIDDEN_EVERYWHERE | FORBIDDEN_IN[package]
    assert_none([found for found in imports_in(package) if found.top_level in forbidden])


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
