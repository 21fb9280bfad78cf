"""Group commit: what waits together is committed together, fails alone, and is never torn or lost."""

import threading
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock_store import NotFound, SchemaTooNew, StoreBusy, StoreClosed, StoreUnavailable, formats
from slysock_store.formats import Format, Heartbeat
from slysock_store.group_commit import Write, Writer
from slysock_store.sqlite.committer import SqliteCommitter
from slysock_store.testing import SettableClock, audit
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


async def test_a_failure_is_raised_where_the_write_was_handed_in(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        with pytest.raises(NotFound):
            await parts.store.touch_user(SYSTEM, ANNA)
        assert parts.store.statistics().writes == 0


async def test_a_slow_commit_is_waited_for_until_the_deadline(tmp_path: Path, mock_clock: MockClock) -> None:
    told: list[int] = []
    async with open_parts(tmp_path / "chat.db") as parts:

        async def add() -> None:
            told.append((await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))).message.sequence)

        async with trio.open_nursery() as nursery, blocked(parts.writer):
            nursery.start_soon(add)
            for _ in range(3):
                await wait_all_tasks_blocked()
                mock_clock.jump(9)
            await wait_all_tasks_blocked()
            assert told == []
        assert told == [1]


def test_a_write_has_no_outcome_before_it_has_run() -> None:
    def add(tx: None, number: int) -> int:
        return number + 1

    write: Write[None, int] = Write(add, 1)
    with pytest.raises(AssertionError, match="has run"):
        write.outcome()
    write.run(None)
    assert (write.outcome(), write.args) == (2, (1,))


class CountingLedger:
    """A database of the newest format; tells when it has been beaten to so often."""

    def __init__(self, wanted: int) -> None:
        self.left = wanted
        self.enough = threading.Event()

    def beat(self) -> Format:
        self.left -= 1
        if not self.left:
            self.enough.set()
        return Format(writes=1, finished=1, may_convert=True)

    def convert(self) -> None:
        raise AssertionError("nothing is old")

    def leave(self) -> None:
        self.left = -1


async def test_the_thread_beats_also_while_nobody_writes_and_leaves_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "BEAT_SECONDS", 0.01)
    ledger = CountingLedger(3)
    heartbeat = Heartbeat(ledger)
    async with open_parts(tmp_path / "chat.db") as parts:
        writer = Writer(SqliteCommitter(parts.connection, where="x", clock=SettableClock()), heartbeat=heartbeat)
        with trio.fail_after(30):
            await trio.to_thread.run_sync(ledger.enough.wait)
        await writer.aclose()
    assert ledger.left == -1


async def test_nothing_is_written_while_the_heart_refuses(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        committer = SqliteCommitter(parts.connection, where="x", clock=SettableClock())
        writer = Writer(committer, heartbeat=Heartbeat(LeftBehind()))
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match="schema version 2"):
                await writer.write(lambda _: None)
        assert committer.commits == 0
        await writer.aclose()


class LeftBehind:
    """A database that a newer version has taken over."""

    def beat(self) -> Format:
        raise SchemaTooNew(where="the database", found=2, supported=1)

    def convert(self) -> None:
        raise AssertionError("not ours")

    def leave(self) -> None:
        """Nothing to take back."""
