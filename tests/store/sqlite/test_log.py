"""The log beside the database grows only while somebody else reads, who is told of, and is cut afterwards."""

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio

from slysock_store import Store, open_store
from slysock_store import group_commit as group_commit_module
from slysock_store.sqlite import connection as connection_module
from slysock_store.sqlite import log as log_module
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, between, said

LARGE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    store: Store
    path: Path

    @property
    def log_bytes(self) -> int:
        return self.path.with_name("chat.db-wal").stat().st_size

    async def write(self, count: int) -> None:
        for _ in range(count):
            await self.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA, "x" * 20_000))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a test reaches in moments."""
    monkeypatch.setattr(connection_module, "CHECKPOINT_PAGES", 50)
    monkeypatch.setattr(connection_module, "LOG_BYTES", LARGE // 2)
    monkeypatch.setattr(log_module, "LARGE_LOG_BYTES", LARGE)
    monkeypatch.setattr(log_module, "TRY_SECONDS", 0.0)
    monkeypatch.setattr(log_module, "HELD_SECONDS", 0.0)
    monkeypatch.setattr(group_commit_module, "REST_SECONDS", 0.01)


@asynccontextmanager
async def written(tmp_path: Path) -> AsyncGenerator[Written, None]:
    path = tmp_path / "chat.db"
    async with open_store(f"sqlite:///{path}") as store:
        yield Written(store=store, path=path)


@pytest.mark.usefixtures("small")
async def test_without_others_the_log_stays_within_its_bound(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with written(tmp_path) as database:
        for _ in range(20):
            await database.write(10)
            await database.store.get_user(SYSTEM, ANNA)
            assert database.log_bytes < LARGE
    assert caplog.records == []


@pytest.mark.usefixtures("small")
async def test_a_foreign_reader_is_told_of_once_and_the_log_is_cut_when_it_has_gone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with written(tmp_path) as database:
        await database.write(1)
        with closing(sqlite3.connect(database.path, isolation_level=None)) as foreign:
            foreign.execute("BEGIN")
            foreign.execute("SELECT count(*) FROM messages").fetchall()
            await database.write(100)
            assert database.log_bytes > LARGE
            (told,) = caplog.records
            assert "another program has been reading the database for long" in told.getMessage()
            files = database.store.statistics().files
            assert files is not None
            assert files.log_bytes == database.log_bytes
            foreign.execute("COMMIT")
        with trio.fail_after(20):
            while database.log_bytes:  # noqa: ASYNC110 - nothing is written, and a file tells nobody
                await trio.sleep(0.01)
    assert ["small again" in record.getMessage() for record in caplog.records] == [False, True]


@pytest.mark.usefixtures("small")
async def test_a_reader_that_is_soon_gone_is_not_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_module, "HELD_SECONDS", 60.0)
    async with written(tmp_path) as database:
        await database.write(1)
        with closing(sqlite3.connect(database.path, isolation_level=None)) as foreign:
            foreign.execute("BEGIN")
            foreign.execute("SELECT count(*) FROM messages").fetchall()
            await database.write(100)
    assert caplog.records == []
