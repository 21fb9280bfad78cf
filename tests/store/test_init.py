"""Ids, times, pages, errors and the package's public names."""

import ast
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

import slysock_store
from slysock_store import MAX_LIMIT, NotFound, Page, SchemaTooNew, WrongStatus
from slysock_store.ids import IdGenerator
from slysock_store.paging import window
from slysock_store.sqlite.connection import mapped
from slysock_store.times import from_milliseconds, maybe_from_milliseconds, system_clock, to_milliseconds

MOMENT = datetime(2025, 6, 24, 14, 46, 2, 473_999, UTC)


def test_ids_are_object_ids_in_order_of_time() -> None:
    ids = IdGenerator()
    made = [ids.new_id(to_milliseconds(MOMENT + timedelta(seconds=second))) for second in range(100)]
    assert all(re.fullmatch("[0-9a-f]{24}", made_id) for made_id in made)
    assert made == sorted(made)
    assert int(made[0][:8], 16) == int(MOMENT.timestamp())


def test_ids_of_one_instant_differ_also_between_generators() -> None:
    generators = [IdGenerator() for _ in range(10)]
    made = {generator.new_id(0) for generator in generators for _ in range(1000)}
    assert len(made) == 10_000


def test_times_are_cut_to_milliseconds_and_come_back() -> None:
    assert from_milliseconds(to_milliseconds(MOMENT)) == MOMENT.replace(microsecond=473_000)
    there = MOMENT.astimezone(timezone(timedelta(hours=5, minutes=45)))
    assert to_milliseconds(there) == to_milliseconds(MOMENT)
    assert maybe_from_milliseconds(None) is None
    assert system_clock().tzinfo is UTC


@pytest.mark.parametrize(
    ("asked", "applied"), [((0, 0), (1, 1)), ((-1, -1), (1, 1)), ((3, 20), (3, 20)), ((1, 101), (1, MAX_LIMIT))]
)
def test_a_window_is_within_bounds(asked: tuple[int, int], applied: tuple[int, int]) -> None:
    found = window(*asked)
    assert (found.page, found.limit) == applied


@pytest.mark.parametrize(
    ("page", "total", "pages", "has_next", "has_previous"),
    [(1, 0, 0, False, False), (1, 10, 1, False, False), (1, 11, 2, True, False), (2, 11, 2, False, True)],
)
def test_a_page_knows_its_place(page: int, total: int, pages: int, has_next: bool, has_previous: bool) -> None:
    found: Page[str] = Page(items=(), page=page, limit=10, total_records=total)
    assert (found.total_pages, found.has_next, found.has_previous) == (pages, has_next, has_previous)


def test_errors_say_what_happened() -> None:
    assert str(NotFound("chat", "x")) == "no chat 'x'"
    assert str(WrongStatus("closed")) == "the chat is closed"
    assert str(SchemaTooNew(where="chat.db", found=9, supported=1)).startswith("chat.db has schema version 9,")


def test_a_bug_is_not_dressed_up_as_the_stores_error() -> None:
    bug = ZeroDivisionError()
    assert mapped(bug, "here") is bug


def test_public_names_exist_and_are_sorted() -> None:
    assert all(hasattr(slysock_store, name) for name in slysock_store.__all__)
    public = {name for name in vars(slysock_store) if name[0].isupper() or name == "open_store"}
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
