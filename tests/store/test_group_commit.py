"""Group commit: what waits together is committed together, fails alone, and is never torn or lost."""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock_store import NotSender, StoreBusy, StoreClosed, StoreUnavailable
from slysock_store.sqlite.transaction import Transaction
from slysock_store.testing import audit
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, between, said

from .blocking import blocked
from .sqlite_parts import open_parts


async def test_writes_that_wait_share_one_commit(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        async with trio.open_nursery() as nursery, blocked(parts.writer) as blocker:
            for number in range(50):
                nursery.start_soon(parts.store.add_message, SYSTEM, between(ANNA, BEN), said(ANNA, str(number)))
            await wait_all_tasks_blocked()
            assert parts.store.statistics().waiting_writes == 50
            assert parts.store.statistics().commits == 0
            blocker.release()
        statistics = parts.store.statistics()
        assert (statistics.commits, statistics.writes) == (2, 51)  # the blocker's, and one for all


async def test_a_shared_commit_keeps_the_order_of_calls(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        async with trio.open_nursery() as nursery, blocked(parts.writer):
            for number in range(10):
                nursery.start_soon(parts.store.add_message, SYSTEM, between(ANNA, BEN), said(ANNA, str(number)))
                await wait_all_tasks_blocked()
        chat = await parts.store.find_chat(SYSTEM, between(ANNA, BEN).key)
        assert chat is not None
        assert [message.text for message in await audit(parts.store, chat.id)] == [str(n) for n in range(10)]


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


async def test_a_call_returns_only_after_its_commit(tmp_path: Path) -> None:
    returned = trio.Event()
    async with open_parts(tmp_path / "chat.db") as parts:

        async def add() -> None:
            await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
            assert parts.store.statistics().commits == 2
            returned.set()

        async with trio.open_nursery() as nursery, blocked(parts.writer):
            nursery.start_soon(add)
            await wait_all_tasks_blocked()
            assert not returned.is_set()
        assert returned.is_set()


async def test_a_full_queue_refuses_and_recovers(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db", max_waiting=2) as parts:
        async with trio.open_nursery() as nursery, blocked(parts.writer):
            for _ in range(2):
                nursery.start_soon(parts.store.add_message, SYSTEM, between(ANNA, BEN), said(ANNA))
            await wait_all_tasks_blocked()
            with pytest.raises(StoreBusy, match="2 writes are waiting"):
                await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        added = await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        assert added.message.sequence == 3
        assert parts.store.statistics().busy_refusals == 1


async def test_a_caller_cancelled_while_its_write_waits_still_gets_the_result(tmp_path: Path) -> None:
    told: list[int] = []
    cancelled = trio.CancelScope()
    async with open_parts(tmp_path / "chat.db") as parts:

        async def add() -> None:
            with cancelled:
                added = await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
                told.append(added.message.sequence)
                await trio.lowlevel.checkpoint()
                told.append(-1)

        async with trio.open_nursery() as nursery, blocked(parts.writer):
            nursery.start_soon(add)
            await wait_all_tasks_blocked()
            cancelled.cancel()
            await wait_all_tasks_blocked()
            assert told == []
        assert told == [1]
        assert cancelled.cancelled_caught


async def test_a_write_that_never_began_is_withdrawn_at_the_deadline(tmp_path: Path, mock_clock: MockClock) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        errors: list[StoreUnavailable] = []

        async def add() -> None:
            with pytest.raises(StoreUnavailable) as caught:
                await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
            errors.append(caught.value)

        async with trio.open_nursery() as nursery:
            with pytest.RaisesGroup(StoreUnavailable) as blocker_failed:
                async with blocked(parts.writer):
                    nursery.start_soon(add)
                    await wait_all_tasks_blocked()
                    mock_clock.jump(31)
                    await wait_all_tasks_blocked()
        (blocker_error,) = blocker_failed.value.exceptions
        assert isinstance(blocker_error, StoreUnavailable)
        assert blocker_error.outcome_unknown
        assert [error.outcome_unknown for error in errors] == [False]
        await parts.writer.write(lambda _: None)  # all that was handed in before has been dealt with
        assert await parts.store.find_chat(SYSTEM, between(ANNA, BEN).key) is None


async def test_closing_finishes_what_was_handed_in_and_refuses_the_rest(tmp_path: Path) -> None:
    told: list[int] = []
    async with open_parts(tmp_path / "chat.db") as parts:

        async def add() -> None:
            told.append((await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))).message.sequence)

        async with trio.open_nursery() as nursery, blocked(parts.writer) as blocker:
            nursery.start_soon(add)
            await wait_all_tasks_blocked()
            nursery.start_soon(parts.writer.aclose)
            await wait_all_tasks_blocked()
            with pytest.raises(StoreClosed):
                await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
            blocker.release()
    assert told == [1]
    assert not (tmp_path / "chat.db-wal").exists()


async def test_reads_do_not_wait_for_a_commit_under_way(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        added = await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        async with blocked(parts.writer):
            assert await parts.store.get_message(SYSTEM, added.message.id) == added.message


async def test_reads_at_once_share_a_few_connections(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        added = await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(partial(parts.store.list_messages, SYSTEM, added.chat.id, limit=5))
