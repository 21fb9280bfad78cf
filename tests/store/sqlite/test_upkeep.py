"""Damage is found, copies are whole or not there, and nothing is replaced."""

import resource
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from slysock_store import BadStoreUrl, SchemaTooNew, StoreFull, StoreUnavailable, open_store
from slysock_store.sqlite.upkeep import back_up, inspect
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, between, said


@pytest.fixture
async def database(tmp_path: Path) -> Path:
    """A database with a chat of forty messages."""
    path = tmp_path / "chat.db"
    async with open_store(f"sqlite:///{path}") as store:
        for number in range(40):
            await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA, f"{number} {'x' * 1000}"))
    return path


def change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement).fetchall()


@pytest.mark.parametrize(
    ("statement", "problems"),
    [
        ("UPDATE chats SET last_sequence = 41", ["the last message is number 40, recorded is 41"]),
        ("UPDATE chats SET message_count = 39", ["40 messages are not deleted, recorded are 39"]),
        ("UPDATE messages SET sequence = 50 WHERE sequence = 40", ["40 messages are numbered from 1 to 50, with gaps"]),
        ("UPDATE chats SET active_at = 0", ["it is listed at another time than that of its last message"]),
        ("DELETE FROM messages WHERE sequence = 7", ["39 messages are numbered from 1 to 40, with gaps"]),
        ("DELETE FROM chats", ["a row of messages belongs to nothing in chats"]),
    ],
)
async def test_what_does_not_agree_is_named(database: Path, statement: str, problems: list[str]) -> None:
    assert inspect(database).problems == ()
    change(database, statement)
    found = inspect(database).problems
    for problem in problems:
        assert any(line.endswith(problem) for line in found), found


async def test_a_damaged_page_is_found_and_not_copied(database: Path) -> None:
    data = bytearray(database.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096] = b"\xff" * 4096
    database.write_bytes(data)
    found = inspect(database)
    assert found.problems
    with pytest.raises(StoreUnavailable, match="damaged"):
        back_up(database, database.with_name("copy.db"))
    assert list(database.parent.glob("copy*")) == []


async def test_a_damaged_head_is_a_problem(database: Path) -> None:
    data = bytearray(database.read_bytes())
    data[100:500] = b"\xff" * 400
    database.write_bytes(data)
    assert len(inspect(database).problems) == 1


async def test_nothing_is_replaced(database: Path) -> None:
    target = database.with_name("copy.db")
    target.write_text("precious")
    with pytest.raises(BadStoreUrl, match=r"copy\.db exists"):
        back_up(database, target)
    assert target.read_text() == "precious"


async def test_a_target_that_cannot_be_is_told(database: Path) -> None:
    with pytest.raises(BadStoreUrl, match="there is no directory"):
        back_up(database, database.parent / "none" / "copy.db")
    with pytest.raises(BadStoreUrl, match="is a directory"):
        back_up(database, database.parent)


async def test_another_programs_database_and_a_newer_one_are_refused(database: Path, tmp_path: Path) -> None:
    change(tmp_path / "other.db", "CREATE TABLE users (name TEXT)")
    change(database, "PRAGMA user_version = 1000")
    for look in (inspect, lambda path: back_up(path, tmp_path / "copy.db")):
        with pytest.raises(BadStoreUrl, match="is not one of slysock"):
            look(tmp_path / "other.db")
        with pytest.raises(SchemaTooNew):
            look(database)
    assert not (tmp_path / "copy.db").exists()


@pytest.fixture
def small_files(database: Path) -> Iterator[None]:
    """Let no file of this process grow past 20 kB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_copy_that_does_not_fit_leaves_nothing(database: Path, small_files: None) -> None:
    with pytest.raises((StoreUnavailable, StoreFull)):
        back_up(database, database.with_name("copy.db"))
    assert list(database.parent.glob("copy*")) == []
