"""A store on a file or in memory keeps the contract under many callers, cancellation, closing and reopening."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from slysock_store import open_store
from slysock_store.testing import DURABLE_CHECKS, Check, OpenStore
from slysock_store.testing.races import CHECKS
from tests.store.conftest import opener
from tests.store.contract import each_of
from tests.store.opening import fails


@each_of(CHECKS)
async def test_contract(check: Check, open_sqlite: OpenStore) -> None:
    await check(open_sqlite)


@each_of(DURABLE_CHECKS)
async def test_durable_contract(check: Check, tmp_path: Path) -> None:
    await check(opener(f"sqlite:///{tmp_path}/chat.db"))


async def test_a_damaged_file_is_refused_and_let_go(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    async with open_store(f"sqlite:///{path}"):
        pass
    sound = path.read_bytes()
    path.write_bytes(sound[:100] + b"\xff" * 400 + sound[500:])
    assert "is damaged" in str(await fails(f"sqlite:///{path}"))
    path.write_bytes(sound)
    async with open_store(f"sqlite:///{path}"):
        pass


async def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    path.write_bytes(b"not a database " * 1000)
    assert "is not a database" in str(await fails(f"sqlite:///{path}"))


async def test_another_programs_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE users (name TEXT)")
    assert "another program" in str(await fails(f"sqlite:///{path}"))


async def test_a_database_that_another_process_holds_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "chat.db"
    async with open_store(f"sqlite:///{path}"):
        pass
    monkeypatch.setattr("slysock_store.sqlite.connection.PRAGMAS", ("PRAGMA busy_timeout = 1",))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "is locked by another process" in str(await fails(f"sqlite:///{path}"))
    async with open_store(f"sqlite:///{path}"):
        pass
