"""When the world fails: clear errors, nothing half-written, and service again once the world is well."""

import resource
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from slysock_store import Store, StoreError, StoreUnavailable
from slysock_store.testing import audit
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, between, said
from tests.store.sqlite_parts import open_parts

LONG = "x" * 40_000


async def assert_refused_and_unchanged(store: Store, reason: str) -> None:
    chat = await store.find_chat(SYSTEM, between(ANNA, BEN).key)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=reason) as caught:
            await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA, LONG))
        assert isinstance(caught.value.__cause__, sqlite3.Error)
    assert await store.find_chat(SYSTEM, between(ANNA, BEN).key) == chat


async def assert_works(store: Store) -> None:
    added = await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA, LONG))
    messages = await audit(store, added.chat.id)
    assert messages[-1] == added.message


async def test_a_full_disk_is_told_and_survived(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        await assert_works(parts.store)
        parts.run("PRAGMA max_page_count = 1")  # SQLite puts it at the present size
        await assert_refused_and_unchanged(parts.store, "disk full")
        parts.run("PRAGMA max_page_count = 1000000")
        await assert_works(parts.store)


async def test_on_a_full_disk_a_write_that_needs_no_page_is_still_done(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        added = await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        parts.run("PRAGMA max_page_count = 1")
        await assert_refused_and_unchanged(parts.store, "disk full")
        assert (await parts.store.mark_read(SYSTEM, added.chat.id, BEN)).count == 1


async def test_a_read_only_database_is_told_and_survived(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        await assert_works(parts.store)
        parts.run("PRAGMA query_only = ON")
        await assert_refused_and_unchanged(parts.store, "read-only")
        parts.run("PRAGMA query_only = OFF")
        await assert_works(parts.store)


async def test_a_lock_of_another_process_is_told_and_survived(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        await assert_works(parts.store)
        parts.run("PRAGMA busy_timeout = 1")
        other = sqlite3.connect(tmp_path / "chat.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        await assert_refused_and_unchanged(parts.store, "locked by another process")
        other.execute("ROLLBACK")
        other.close()
        await assert_works(parts.store)


@pytest.fixture
def file_size_limit() -> Iterator[None]:
    """Let no file of this process grow past a megabyte while the test runs; writing more fails with EFBIG."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_failing_writes_of_the_system_are_told_and_survived(tmp_path: Path, file_size_limit: None) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        await assert_works(parts.store)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "chat.db-wal").stat().st_size, hard))
        await assert_refused_and_unchanged(parts.store, "I/O error")
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await assert_works(parts.store)


async def test_a_read_fails_clearly_and_later_reads_work(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        await assert_works(parts.store)
        parts.run("ALTER TABLE chats RENAME TO hidden")
        with pytest.raises(StoreError, match="refused a statement: no such table"):
            await parts.store.find_chat(SYSTEM, between(ANNA, BEN).key)
        parts.run("ALTER TABLE hidden RENAME TO chats")
        await assert_works(parts.store)
