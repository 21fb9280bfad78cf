"""Transactions that several writes share fail as one or alone, and the store serves again once the world is well."""

import resource
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from slysock_store import NotSender, Store, StoreFull, StoreUnavailable, open_store
from slysock_store.sqlite.transaction import Transaction
from slysock_store.testing import audit
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, between, said
from tests.store.blocking import blocked
from tests.store.sqlite_parts import open_parts

LONG = "x" * 40_000


async def assert_refused_and_unchanged(store: Store, reason: str) -> None:
    chat = await store.find_chat(SYSTEM, between(ANNA, BEN).key)
    for _ in range(2):
        with pytest.raises((StoreUnavailable, StoreFull), match=reason) as caught:
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


async def test_a_refusal_and_a_bug_fail_alone_within_a_shared_commit(tmp_path: Path) -> None:
    outcomes: list[str] = []

    def buggy(tx: Transaction) -> None:
        tx.connection.execute("UPDATE chats SET status = 'torn'")
        raise ZeroDivisionError("a bug")

    async with open_parts(tmp_path / "chat.db") as parts:
        message = (await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))).message

        async def refused() -> None:
            with pytest.raises(NotSender):
                await parts.store.delete_message(SYSTEM, message.id, by=BEN)
            outcomes.append("refused")

        async def broken() -> None:
            with pytest.raises(ZeroDivisionError):
                await parts.writer.write(buggy)
            outcomes.append("broken")

        async with trio.open_nursery() as nursery, blocked(parts.writer):
            nursery.start_soon(broken)
            nursery.start_soon(refused)
            nursery.start_soon(parts.store.add_message, SYSTEM, between(ANNA, BEN), said(BEN))
            await wait_all_tasks_blocked()
        assert sorted(outcomes) == ["broken", "refused"]
        assert parts.store.statistics().commits == 3
        assert len(await audit(parts.store, message.chat_id)) == 2
        chat = await parts.store.get_chat(SYSTEM, message.chat_id)
        assert chat is not None
        assert chat.status == "open"


async def test_writes_before_one_that_is_undone_are_done_once(tmp_path: Path) -> None:
    calls: list[str] = []

    def unlucky(tx: Transaction) -> str:
        """Fail the first time, having changed nothing."""
        calls.append("unlucky")
        if len(calls) == 1:
            raise ZeroDivisionError("a bug")
        return "done"

    def torn(tx: Transaction) -> None:
        tx.connection.execute("UPDATE chats SET status = 'torn'")
        raise ZeroDivisionError("a bug")

    async with open_parts(tmp_path / "chat.db") as parts:
        first = await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))

        async def broken() -> None:
            with pytest.raises(ZeroDivisionError):
                await parts.writer.write(torn)

        async def lucky() -> None:
            assert await parts.writer.write(unlucky) == "done"

        async with trio.open_nursery() as nursery, blocked(parts.writer):
            for work in (lucky, partial(parts.store.add_message, SYSTEM, first.chat.id, said(BEN)), broken):
                nursery.start_soon(work)
                await wait_all_tasks_blocked()
        assert calls == ["unlucky", "unlucky"]  # all are done anew
        chat = await parts.store.get_chat(SYSTEM, first.chat.id)
        assert chat is not None
        assert (chat.status, chat.message_count, chat.unread_of(ANNA)) == ("open", 2, 1)
        await audit(parts.store, chat.id)


async def test_a_commit_that_fails_fails_all_its_writes_and_the_next_succeeds(tmp_path: Path) -> None:
    failures: list[str] = []

    def orphan(tx: Transaction) -> None:
        tx.connection.execute("PRAGMA defer_foreign_keys = ON")
        tx.connection.execute(
            "INSERT INTO chat_members (chat_id, user_key, system, position, is_participant, unread) "
            "VALUES ('none', 'u', 's', 0, 1, 0)"
        )

    async with open_parts(tmp_path / "chat.db") as parts:

        async def failing(operation: Callable[[], Awaitable[object]]) -> None:
            with pytest.raises(StoreUnavailable, match="FOREIGN KEY") as caught:
                await operation()
            assert not caught.value.outcome_unknown
            failures.append(str(caught.value))

        async with trio.open_nursery() as nursery, blocked(parts.writer):
            nursery.start_soon(failing, partial(parts.writer.write, orphan))
            nursery.start_soon(failing, partial(parts.store.add_message, SYSTEM, between(ANNA, BEN), said(ANNA)))
            await wait_all_tasks_blocked()
        assert len(failures) == 2
        assert await parts.store.find_chat(SYSTEM, between(ANNA, BEN).key) is None
        added = await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        assert added.created_chat


async def test_a_transaction_that_sqlite_gave_up_fails_whole(tmp_path: Path) -> None:
    """As after a full disk or a lack of memory; here the last of its writes ends it."""
    calls: list[str] = []
    outcomes: list[StoreUnavailable] = []

    def given_up(tx: Transaction) -> None:
        tx.connection.execute("UPDATE chats SET status = 'torn'")
        calls.append("given up")
        if len(calls) == 2:  # within a savepoint: the first failure made all writes begin anew
            tx.connection.execute("ROLLBACK")
        raise ZeroDivisionError("a bug")

    async def fails(operation: Callable[[], Awaitable[object]]) -> None:
        with pytest.raises(StoreUnavailable) as caught:
            await operation()
        outcomes.append(caught.value)

    async with open_parts(tmp_path / "chat.db") as parts:
        first = await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        other = between(ANNA, key="other")
        writes = (partial(parts.store.ensure_chat, SYSTEM, other), partial(parts.writer.write, given_up))
        async with trio.open_nursery() as nursery, blocked(parts.writer):
            for write in writes:
                nursery.start_soon(fails, write)
                await wait_all_tasks_blocked()
        assert [error.outcome_unknown for error in outcomes] == [False] * 2
        assert await parts.store.get_chat(SYSTEM, first.chat.id) == first.chat
        assert (await parts.store.ensure_chat(SYSTEM, other)).created


async def test_a_store_in_memory_reads_on_the_writers_connection() -> None:
    async with open_store("sqlite://") as store:
        added = await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        assert await store.get_chat(SYSTEM, added.chat.id) == added.chat


async def test_what_a_failed_transaction_knew_of_chats_is_forgotten(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        await parts.store.ensure_chat(SYSTEM, between(ANNA, BEN))
        assert len(parts.committer.chats) == 1
        parts.run("PRAGMA query_only = ON")
        await assert_refused_and_unchanged(parts.store, "read-only")
        assert len(parts.committer.chats) == 0
