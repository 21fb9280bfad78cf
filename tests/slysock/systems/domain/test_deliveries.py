"""What is on its way: marked when one socket has it, forgotten when the last one has left without."""

from collections.abc import Callable, Sequence
from typing import final

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock.systems.domain import Busy, DomainError, NotFound, Unavailable
from slysock.systems.domain import deliveries as module
from slysock.systems.domain.deliveries import MARKS_AT_ONCE, RETRY_SECONDS, Deliveries
from slysock_store import UserKey

ANNA, BEN = UserKey("anna"), UserKey("ben")


@final
class Socket:
    """A socket whose receipts are the test's to give."""

    def __init__(self, name: str) -> None:
        self.id = name
        self._waits: list[Callable[[bool], object]] = []

    def when_received(self, call: Callable[[bool], object]) -> None:
        self._waits.append(call)

    def tell(self, received: bool) -> None:
        waits, self._waits = self._waits, []
        for call in waits:
            call(received)


@final
class Marks:
    """What the store was told, and the errors that it is to raise first."""

    def __init__(self, *errors: Exception) -> None:
        self.told: list[tuple[UserKey, list[str]]] = []
        self._errors = list(errors)

    async def __call__(self, user: UserKey, items: Sequence[str]) -> None:
        await trio.lowlevel.checkpoint()
        if self._errors:
            raise self._errors.pop(0)
        self.told.append((user, list(items)))


async def test_it_is_marked_once_at_the_receipt_of_any_socket(nursery: trio.Nursery) -> None:
    marks, first, second = Marks(), Socket("1"), Socket("2")
    deliveries = Deliveries(marks)
    nursery.start_soon(deliveries.run)
    deliveries.sent(ANNA, [first, second], ["a", "b"])
    await wait_all_tasks_blocked()
    assert (marks.told, len(deliveries)) == ([], 2)
    assert set(deliveries.holders(ANNA, "a")) == {"1", "2"}
    second.tell(True)
    await wait_all_tasks_blocked()
    assert (marks.told, len(deliveries)) == ([(ANNA, ["a", "b"])], 0)
    first.tell(True)
    await wait_all_tasks_blocked()
    assert len(marks.told) == 1
    assert not deliveries.is_under_way(ANNA, "a")
    assert set(deliveries.holders(ANNA, "a")) == {"1", "2"}, "an announcement may still come"


async def test_who_leaves_without_it_has_not_received_it(nursery: trio.Nursery) -> None:
    marks, first, second = Marks(), Socket("1"), Socket("2")
    deliveries = Deliveries(marks)
    nursery.start_soon(deliveries.run)
    deliveries.sent(ANNA, [first, second], ["a"])
    first.tell(False)
    assert deliveries.is_under_way(ANNA, "a")
    assert list(deliveries.holders(ANNA, "a")) == ["2"]
    second.tell(False)
    await wait_all_tasks_blocked()
    assert (marks.told, len(deliveries), deliveries.holders(ANNA, "a")) == ([], 0, ())
    deliveries.sent(ANNA, [], ["a"])
    deliveries.sent(ANNA, [first], [])
    assert len(deliveries) == 0


async def test_a_receipt_counts_although_another_socket_leaves_before_it_is_marked(nursery: trio.Nursery) -> None:
    marks, first = Marks(), Socket("1")
    deliveries = Deliveries(marks)
    deliveries.sent(ANNA, [first], ["a"])
    first.tell(True)
    deliveries.sent(ANNA, [first], ["a"])
    first.tell(False)
    nursery.start_soon(deliveries.run)
    await wait_all_tasks_blocked()
    assert marks.told == [(ANNA, ["a"])]


@pytest.mark.parametrize("error", [Busy("later"), Unavailable("later")])
async def test_what_the_store_cannot_take_is_told_again(
    nursery: trio.Nursery, autojump_clock: MockClock, error: DomainError
) -> None:
    marks, socket = Marks(error), Socket("1")
    deliveries = Deliveries(marks)
    nursery.start_soon(deliveries.run)
    deliveries.sent(ANNA, [socket], ["a"])
    socket.tell(True)
    await trio.sleep(RETRY_SECONDS / 2)
    assert marks.told == []
    assert deliveries.is_under_way(ANNA, "a")
    await trio.sleep(RETRY_SECONDS)
    assert marks.told == [(ANNA, ["a"])]


@pytest.mark.parametrize("error", [NotFound("no"), ZeroDivisionError()])
async def test_what_cannot_be_marked_is_logged_and_the_others_are(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    marks, anna, ben = Marks(error), Socket("1"), Socket("2")
    deliveries = Deliveries(marks)
    deliveries.sent(ANNA, [anna], ["a"])
    deliveries.sent(BEN, [ben], ["b"])
    for socket in (anna, ben):
        socket.tell(True)
    nursery.start_soon(deliveries.run)
    await wait_all_tasks_blocked()
    assert len(marks.told) == 1
    assert len(deliveries) == 0
    assert "cannot be marked" in caplog.text


async def test_much_is_marked_in_bounded_pieces(nursery: trio.Nursery) -> None:
    marks, socket = Marks(), Socket("1")
    deliveries = Deliveries(marks)
    nursery.start_soon(deliveries.run)
    items = [str(number) for number in range(MARKS_AT_ONCE + 1)]
    deliveries.sent(ANNA, [socket], items)
    socket.tell(True)
    await wait_all_tasks_blocked()
    assert [len(told) for _, told in marks.told] == [MARKS_AT_ONCE, 1]
    assert [item for _, told in marks.told for item in told] == items


async def test_what_is_kept_is_bounded(nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_UNMARKED", 2)
    monkeypatch.setattr(module, "MAX_REMEMBERED", 1)
    marks, socket = Marks(), Socket("1")
    deliveries = Deliveries(marks)
    deliveries.sent(ANNA, [socket], ["a", "b", "c"])
    socket.tell(True)
    assert not deliveries.is_under_way(ANNA, "c"), "it is handed out again"
    nursery.start_soon(deliveries.run)
    await wait_all_tasks_blocked()
    assert marks.told == [(ANNA, ["a", "b"])]
    assert [bool(deliveries.holders(ANNA, item)) for item in "ab"] == [False, True]
