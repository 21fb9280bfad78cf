"""Files and connections: what opens, how durable and private it is, and SQLite's errors as ours."""

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import cast

import pytest

from slysock_store import BadValue, NotFound, StoreError, StoreUnavailable, open_store
from slysock_store.sqlite.connection import connect, connect_reader, connect_writer, mapped
from slysock_store.sqlite.transaction import Value
from slysock_store.testing.harness import ANNA, SYSTEM
from tests.store.opening import fails


async def test_a_path_that_cannot_be_is_refused(tmp_path: Path) -> None:
    assert "is a directory" in str(await fails(f"sqlite:///{tmp_path}"))
    assert "there is no directory" in str(await fails(f"sqlite:///{tmp_path}/missing/chat.db"))
    assert not (tmp_path / "missing").exists()
    assert "File name too long" in str(await fails(f"sqlite:///{tmp_path}/{'x' * 300}"))


async def test_a_database_is_private_with_its_side_files(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/chat.db") as store:
        await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == dict.fromkeys(("chat.db", "chat.db-wal", "chat.db-shm", "chat.db.lock"), 0o600)


async def test_connections_never_make_a_file(tmp_path: Path) -> None:
    for connector in (connect_writer, connect_reader):
        with pytest.raises(sqlite3.Error) as caught:
            connector(tmp_path / "100%?.db")
        assert str(mapped(caught.value, "here")) == "here cannot be opened"
    assert list(tmp_path.iterdir()) == []


async def test_any_name_of_a_file_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "100%#&.db"
    async with open_store(f"sqlite:///{path}") as store:
        await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})
        assert await store.get_user(SYSTEM, ANNA) is not None
    assert path.exists()


async def test_an_existing_file_keeps_the_mode_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    path.touch()
    path.chmod(0o640)
    async with open_store(f"sqlite:///{path}"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(os.geteuid() == 0, reason="file modes do not bind root")
async def test_an_unwritable_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    path.touch(mode=0o400)
    assert isinstance(await fails(f"sqlite:///{path}"), StoreUnavailable)


async def test_a_file_that_is_no_database_is_refused_and_untouched(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    path.write_bytes(b"not a database " * 1000)
    error = await fails(f"sqlite:///{path}")
    assert isinstance(error, StoreUnavailable)
    assert "is not a database" in str(error)
    assert path.read_bytes() == b"not a database " * 1000


def test_connections_are_as_durable_as_promised(tmp_path: Path) -> None:
    connection = connect(f"file:{tmp_path}/chat.db")
    wanted = {"synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    assert {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted} == wanted
    connection.close()


def test_a_bug_is_not_dressed_up_as_the_stores_error() -> None:
    bug = ZeroDivisionError()
    assert mapped(bug, "here") is bug


async def test_a_reader_cannot_write(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/chat.db"):
        pass
    with closing(connect_reader(tmp_path / "chat.db")) as connection, pytest.raises(sqlite3.Error) as caught:
        connection.execute("DELETE FROM users")
    assert str(mapped(caught.value, "here")) == "here is read-only"


@pytest.mark.parametrize(
    ("statement", "parameter", "kind", "text"),
    [
        ("SELECT ?", cast("Value", object()), BadValue, "a value cannot be stored: "),
        ("SELECT ?", "\ud800", BadValue, "a value cannot be stored: "),
        ("SELECT ?", 2**63, BadValue, "a value cannot be stored: "),
        ("SELECT zeroblob(?)", 2**31 - 1, BadValue, "a value cannot be stored: "),
        ("SELECT nothing(?)", 1, StoreError, "here refused a statement: "),
    ],
)
def test_what_sqlite_refuses_is_told_by_kind(
    statement: str, parameter: Value, kind: type[StoreError], text: str
) -> None:
    refusals = (sqlite3.Error, UnicodeError, OverflowError)
    with closing(connect(":memory:")) as connection, pytest.raises(refusals) as caught:
        connection.execute(statement, (parameter,)).fetchall()
    told = mapped(caught.value, "here")
    assert type(told) is kind
    assert str(told).startswith(text)


def test_the_stores_own_error_stays_itself() -> None:
    error = NotFound("chat", "1")
    assert mapped(error, "here") is error
