"""The package's public names, what its modules import and what they are called."""

import ast
import re
import sys
from pathlib import Path

import pytest

import slysock_store


def test_public_names_exist_and_are_sorted() -> None:
    assert all(hasattr(slysock_store, name) for name in slysock_store.__all__)
    functions = {"back_up_store", "inspect_store", "open_store"}
    public = {name for name in vars(slysock_store) if name[0].isupper()} | functions
    assert public == set(slysock_store.__all__)


def test_the_package_imports_nothing_else_of_the_project() -> None:
    (root,) = slysock_store.__path__
    for path in Path(root).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            assert not {name.partition(".")[0] for name in names} & {"slysock", "slysock_protocol", "asyncio"}, path


@pytest.mark.parametrize(("backend", "drivers"), [("sqlite", {"sqlite3"}), ("mongo", {"pymongo", "bson"})])
def test_each_driver_stays_in_its_backend(backend: str, drivers: set[str]) -> None:
    (root,) = slysock_store.__path__
    for path in Path(root).rglob("*.py"):
        if path.parent.name != backend:
            imports = re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.MULTILINE)
            assert not drivers & set(imports), path


def test_no_module_has_the_name_of_one_of_the_standard_library() -> None:
    (root,) = slysock_store.__path__
    assert not {path.stem for path in Path(root).rglob("*")} & sys.stdlib_module_names
