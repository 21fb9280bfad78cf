"""Announcements that wait for their answers keep their order, whatever becomes of the requests."""

from functools import partial

import pytest
import trio

from slysock.systems.domain.outgoing_order import PATIENCE_SECONDS, OutgoingOrder


def test_nobody_overtakes_in_a_line() -> None:
    outgoing, said = OutgoingOrder(), list[str]()
    first, second, third = (outgoing.join("chat", partial(said.append, name)) for name in "abc")
    second()
    assert said == []
    first()
    assert said == ["a", "b"]
    third()
    assert said == ["a", "b", "c"]
    assert len(outgoing) == 0


def test_lines_do_not_wait_for_each_other() -> None:
    outgoing, said = OutgoingOrder(), list[str]()
    outgoing.join("one", lambda: said.append("one"))
    outgoing.join("two", lambda: said.append("two"))()
    assert said == ["two"]


def test_a_release_counts_once() -> None:
    outgoing, said = OutgoingOrder(), list[str]()
    release = outgoing.join("chat", lambda: said.append("a"))
    release()
    release()
    assert said == ["a"]


def test_what_fails_keeps_nobody_from_their_turn(caplog: pytest.LogCaptureFixture) -> None:
    outgoing, said = OutgoingOrder(), list[str]()

    def fail() -> None:
        raise RuntimeError("no")

    first = outgoing.join("chat", fail)
    outgoing.join("chat", lambda: said.append("b"))()
    first()
    assert said == ["b"]
    assert len(caplog.records) == 1


def test_what_was_stored_is_announced_although_its_request_fails() -> None:
    outgoing, said = OutgoingOrder(), list[str]()

    def request() -> None:
        with outgoing.after_answer() as behind:
            behind.add("chat", lambda: said.append("stored"))
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        request()
    assert said == ["stored"]
    assert len(outgoing) == 0


def test_an_announcement_may_make_another() -> None:
    outgoing, said = OutgoingOrder(), list[str]()
    first = outgoing.join("chat", lambda: outgoing.join("chat", lambda: said.append("second"))())
    first()
    assert said == ["second"]
    assert len(outgoing) == 0


async def test_one_who_is_never_released_holds_the_others_up_for_a_bounded_time(
    autojump_clock: trio.testing.MockClock, nursery: trio.Nursery
) -> None:
    outgoing, said = OutgoingOrder(), list[str]()
    nursery.start_soon(outgoing.run)
    for _ in range(2):  # the second time after a pause
        await trio.sleep(100)
        outgoing.join("chat", lambda: said.append("stuck"))
        outgoing.join("chat", lambda: said.append("behind"))()
        await trio.sleep(PATIENCE_SECONDS * 0.9)
        assert said == []
        await trio.sleep(PATIENCE_SECONDS * 1.2)
        assert said == ["stuck", "behind"]
        assert len(outgoing) == 0
        said.clear()
