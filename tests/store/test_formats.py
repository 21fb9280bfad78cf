"""A heart beats in time, learns when it has been left behind, and waits for older servers no longer than promised."""

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from slysock_store import SchemaTooNew, StoreUnavailable
from slysock_store.formats import (
    BEAT_SECONDS,
    PAUSE_SECONDS,
    SILENT_SECONDS,
    WAIT_SECONDS,
    Format,
    Heartbeat,
    wait_readable,
)


class FakeLedger:
    """Answers each beat with the next of these, the last one again and again."""

    def __init__(self, *answers: Format | Exception) -> None:
        self.answers = list(answers)
        self.beats = 0
        self.conversions = 0
        self.has_left = False

    def beat(self) -> Format:
        self.beats += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def convert(self) -> None:
        self.conversions += 1

    def leave(self) -> None:
        self.has_left = True


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


DONE = Format(writes=2, finished=2, may_convert=True)
OLD = Format(writes=1, finished=1, may_convert=True)
CLAIMED = Format(writes=2, finished=1, may_convert=False)
CONVERTIBLE = Format(writes=2, finished=1, may_convert=True)
BEHIND = SchemaTooNew(where="the database", found=3, supported=2)
LOST = StoreUnavailable("the database cannot be reached")


def test_a_heart_beats_when_it_is_due_and_not_before() -> None:
    ledger, now = FakeLedger(DONE), Seconds()
    heart = Heartbeat(ledger, now=now)
    assert heart.writes == 0
    assert heart.beat() == DONE
    assert heart.writes == 2
    assert heart.seconds_left == BEAT_SECONDS
    now.now = BEAT_SECONDS - 0.1
    assert (heart.refusal(), ledger.beats) == (None, 1)
    now.now = BEAT_SECONDS
    assert (heart.refusal(), ledger.beats, heart.seconds_left) == (None, 2, BEAT_SECONDS)


def test_what_is_old_is_converted_as_soon_as_nobody_writes_it() -> None:
    ledger = FakeLedger(CLAIMED, CONVERTIBLE, DONE)
    heart = Heartbeat(ledger, now=Seconds())
    assert [heart.beat().finished for _ in range(3)] == [1, 2, 2]
    assert ledger.conversions == 1


def test_one_that_was_left_behind_refuses_for_good() -> None:
    ledger, now = FakeLedger(DONE, BEHIND), Seconds()
    heart = Heartbeat(ledger, now=now)
    heart.beat()
    now.now = BEAT_SECONDS
    assert heart.refusal() is BEHIND
    now.now = 100.0
    assert (heart.refusal(), ledger.beats) == (BEHIND, 2)


def test_without_a_beat_it_refuses_only_once_others_may_count_it_as_gone() -> None:
    ledger, now = FakeLedger(DONE, LOST, LOST, LOST, DONE), Seconds()
    heart = Heartbeat(ledger, now=now)
    heart.beat()
    now.now = SILENT_SECONDS - 1
    assert heart.refusal() is None
    now.now = SILENT_SECONDS
    # Before every write, also when the next beat is not due.
    assert [heart.refusal(), heart.refusal(), heart.refusal()] == [LOST, LOST, None]


def test_leaving_is_the_ledgers() -> None:
    ledger = FakeLedger(DONE)
    Heartbeat(ledger).leave()
    assert ledger.has_left


def beating(ledger: FakeLedger) -> Callable[[], Awaitable[Format]]:
    async def beat() -> Format:
        await trio.lowlevel.checkpoint()
        return ledger.beat()

    return beat


async def test_opening_waits_until_everything_can_be_read(autojump_clock: MockClock) -> None:
    ledger = FakeLedger(OLD, CLAIMED, DONE)
    await wait_readable(beating(ledger), oldest=2, where="the database")
    assert (ledger.beats, trio.current_time()) == (3, 2 * PAUSE_SECONDS)


async def test_opening_gives_up_while_older_servers_stay(autojump_clock: MockClock) -> None:
    ledger = FakeLedger(OLD)
    with pytest.raises(StoreUnavailable, match="servers of an older version"):
        await wait_readable(beating(ledger), oldest=2, where="the database")
    assert (ledger.beats, trio.current_time()) == (WAIT_SECONDS / PAUSE_SECONDS, WAIT_SECONDS)
