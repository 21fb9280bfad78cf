"""A database comes to a version from any earlier one, once, and not while a server works on it that cannot read it."""

import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import pytest

from slysock_store import SchemaTooNew, StoreError, StoreUnavailable, formats, open_store
from slysock_store.formats import SILENT_SECONDS, Format, Heartbeat
from slysock_store.sqlite.connection import connect
from slysock_store.sqlite.ledger import SqliteLedger
from slysock_store.sqlite.schema import APPLICATION_ID, MIGRATIONS, Migration
from slysock_store.testing import SettableClock
from slysock_store.testing.harness import ANNA, SYSTEM
from slysock_store.times import system_clock
from tests.store.opening import fails, write_on

FIRST = Migration(("CREATE TABLE a (x)",))


def fill(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO b SELECT x FROM a")
    connection.execute("DELETE FROM a")


SECOND = Migration(("ALTER TABLE a ADD COLUMN y", "CREATE TABLE b (x)"), fill)


class MakeLedger(Protocol):
    """Makes the ledger of a server that knows these migrations, with a connection of its own."""

    def __call__(self, *migrations: Migration, clock: SettableClock | None = None) -> SqliteLedger: ...


@contextmanager
def opened(path: Path) -> Generator[MakeLedger]:
    connections: list[sqlite3.Connection] = []

    def make(*migrations: Migration, clock: SettableClock | None = None) -> SqliteLedger:
        connections.append(connect(str(path)))
        return SqliteLedger(
            connections[-1], where="the database", clock=clock or SettableClock(), migrations=migrations
        )

    try:
        yield make
    finally:
        for connection in connections:
            connection.close()


def found(*, writes: int, finished: int, may_convert: bool = True) -> Format:
    return Format(writes=writes, finished=finished, may_convert=may_convert)


async def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE users (name TEXT)")
    connection.close()
    assert "another program" in str(await fails(f"sqlite:///{path}"))
    with closing(connect(str(path))) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("users",)]


async def test_a_newer_schema_is_refused_and_untouched(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    async with open_store(f"sqlite:///{path}"):
        pass
    with closing(connect(str(path))) as connection:
        connection.execute("PRAGMA user_version = 99")
    error = await fails(f"sqlite:///{path}")
    assert isinstance(error, SchemaTooNew)
    assert (error.found, error.supported) == (99, len(MIGRATIONS))
    assert "schema version 99" in str(error)
    with closing(connect(str(path))) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (99,)
        assert connection.execute("SELECT count(*) FROM servers").fetchone() == (0,)


def test_a_database_goes_forward_from_where_it_is(tmp_path: Path) -> None:
    with opened(tmp_path / "chat.db") as ledger:
        alone = ledger(FIRST)
        assert alone.beat() == found(writes=1, finished=0)
        alone.convert()
        assert alone.beat() == found(writes=1, finished=1)
        alone.leave()
        newer = ledger(FIRST, SECOND)
        for _ in range(2):
            assert newer.beat() == found(writes=2, finished=1)
        newer.convert()
        assert newer.beat() == found(writes=2, finished=2)
    with closing(connect(str(tmp_path / "chat.db"))) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("SELECT x, y FROM a").fetchall() == []


def test_a_newer_server_writes_the_older_format_until_no_older_one_beats(tmp_path: Path) -> None:
    with opened(tmp_path / "chat.db") as ledger:
        older, newer, another = ledger(FIRST), ledger(FIRST, SECOND), ledger(FIRST, SECOND)
        Heartbeat(older).beat()
        for _ in range(2):
            assert newer.beat() == found(writes=1, finished=1)
        assert another.beat() == found(writes=1, finished=1)
        older.leave()
        # Claimed; but the other newer one goes on writing the older format until it beats.
        assert newer.beat() == found(writes=2, finished=1, may_convert=False)
        assert another.beat() == found(writes=2, finished=1, may_convert=True)
        assert newer.beat() == found(writes=2, finished=1, may_convert=True)
        with pytest.raises(SchemaTooNew):
            older.beat()


def test_a_server_that_is_silent_for_long_is_gone_and_learns_it_when_it_beats_again(tmp_path: Path) -> None:
    with opened(tmp_path / "chat.db") as ledger:
        clock = SettableClock()
        older, newer = ledger(FIRST, clock=clock), ledger(FIRST, SECOND, clock=clock)
        Heartbeat(older).beat()
        clock.move(SILENT_SECONDS)
        assert newer.beat().writes == 1
        clock.move(0.001)
        assert newer.beat().writes == 2
        with pytest.raises(SchemaTooNew):
            older.beat()


def test_a_clock_that_was_once_far_ahead_holds_nobody_up(tmp_path: Path) -> None:
    with opened(tmp_path / "chat.db") as ledger:
        ahead = SettableClock()
        ahead.move(1_000_000)
        Heartbeat(ledger(FIRST, clock=ahead)).beat()
        assert ledger(FIRST, SECOND).beat().writes == 2


def test_a_claim_that_fails_changes_nothing(tmp_path: Path) -> None:
    broken = Migration(("CREATE TABLE b (x)", "NO SUCH STATEMENT"))
    with opened(tmp_path / "chat.db") as ledger:
        first = ledger(FIRST)
        Heartbeat(first).beat()
        first.leave()
        with pytest.raises(StoreError, match="refused a statement"):
            ledger(FIRST, broken).beat()
    with closing(connect(str(tmp_path / "chat.db"))) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'b'").fetchall() == []


def test_a_failure_after_sqlite_has_rolled_back_is_told_as_it_is(tmp_path: Path) -> None:
    with opened(tmp_path / "chat.db") as ledger, pytest.raises(StoreError, match="NO"):
        ledger(Migration(("ROLLBACK", "NO SUCH STATEMENT"))).beat()


def test_leaving_a_database_that_fails_says_nothing(tmp_path: Path) -> None:
    with opened(tmp_path / "chat.db") as ledger:
        gone = ledger(FIRST)
        gone.leave()  # there is no table yet


async def test_a_server_leaves_when_it_closes(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    for count in (1, 1):
        async with open_store(f"sqlite:///{path}"):
            with closing(connect(str(path))) as connection:
                assert connection.execute("SELECT count(*) FROM servers").fetchone() == (count,)


async def test_a_store_that_was_left_behind_writes_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was stopped for so long that it counted as gone, and a newer server has taken the database over."""
    path = tmp_path / "chat.db"
    monkeypatch.setattr(formats, "BEAT_SECONDS", 0.01)
    async with open_store(f"sqlite:///{path}") as store:
        await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})
        with opened(path) as ledger:
            newer = ledger(*MIGRATIONS, Migration(()), clock=ahead_of_now())
            assert newer.beat().writes == len(MIGRATIONS) + 1
        with pytest.raises(StoreUnavailable, match="schema version 3"):
            await write_on(store)
    with closing(connect(str(path))) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)


def ahead_of_now() -> SettableClock:
    return SettableClock(system_clock() + timedelta(seconds=2 * SILENT_SECONDS))
