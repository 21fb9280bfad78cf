"""URLs, files and schema versions: what opens, what is refused, and how it is said."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest

from slysock_store import BadStoreUrl, SchemaTooNew, StoreError, StoreUnavailable, open_store
from slysock_store.sqlite.connection import connect
from slysock_store.sqlite.schema import APPLICATION_ID, MIGRATIONS, migrate
from slysock_store.testing.harness import ANNA, SYSTEM


async def fails(url: str) -> StoreError:
    with pytest.raises(StoreError) as caught:
        async with open_store(url):
            pass
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("url", ["sqlite://", ":memory:", "sqlite:///:memory:"])
async def test_memory_is_empty_each_time(url: str) -> None:
    for _ in range(2):
        async with open_store(url) as store:
            assert await store.get_user(SYSTEM, ANNA) is None
            await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})


async def test_three_slashes_are_relative_and_four_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite:///one.db", f"sqlite:///{tmp_path}/two.db"):
        async with open_store(url):
            pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.db", "two.db"]


@pytest.mark.parametrize(
    "url",
    ["", "chat.db", "postgres://host/db", "sqlite:chat.db", "sqlite://chat.db", "sqlite:///", "sqlite:///a.db?mode=ro"],
)
async def test_what_names_no_store_is_refused(url: str) -> None:
    assert isinstance(await fails(url), BadStoreUrl)


async def test_a_path_that_cannot_be_is_refused(tmp_path: Path) -> None:
    assert "is a directory" in str(await fails(f"sqlite:///{tmp_path}"))
    assert "there is no directory" in str(await fails(f"sqlite:///{tmp_path}/missing/chat.db"))
    assert not (tmp_path / "missing").exists()
    assert "File name too long" in str(await fails(f"sqlite:///{tmp_path}/{'x' * 300}"))


async def test_a_database_is_private_with_its_side_files(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/chat.db") as store:
        await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"chat.db": 0o600, "chat.db-wal": 0o600, "chat.db-shm": 0o600}


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


async def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE users (name TEXT)")
    connection.close()
    assert "another program" in str(await fails(f"sqlite:///{path}"))


async def test_a_newer_schema_is_refused_and_untouched(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    async with open_store(f"sqlite:///{path}"):
        pass
    connection = connect(str(path))
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    error = await fails(f"sqlite:///{path}")
    assert isinstance(error, SchemaTooNew)
    assert (error.found, error.supported) == (99, len(MIGRATIONS))
    assert "schema version 99" in str(error)
    connection = connect(str(path))
    assert connection.execute("PRAGMA user_version").fetchone() == (99,)
    connection.close()


def test_migrations_run_forward_from_where_the_database_is() -> None:
    connection = connect(":memory:")
    first = ("CREATE TABLE a (x)",)
    second = ("ALTER TABLE a ADD COLUMN y", "CREATE TABLE b (x)")
    migrate(connection, "memory", (first,))
    migrate(connection, "memory", (first, second))
    migrate(connection, "memory", (first, second))
    assert connection.execute("PRAGMA user_version").fetchone() == (2,)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert connection.execute("SELECT x, y FROM a").fetchall() == []
    connection.close()


def test_a_failing_migration_changes_nothing() -> None:
    connection = connect(":memory:")
    first = ("CREATE TABLE a (x)",)
    migrate(connection, "memory", (first,))
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, "memory", (first, ("CREATE TABLE b (x)", "NO SUCH STATEMENT")))
    assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)
    connection.close()


def test_connections_are_as_durable_as_promised(tmp_path: Path) -> None:
    connection = connect(str(tmp_path / "chat.db"))
    wanted = {"synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    assert {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in wanted} == wanted
    connection.close()
