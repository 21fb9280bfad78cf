"""Announcements that wait for their answers keep their order, whatever becomes of the requests."""

from functools import partial

import pytest
import trio

from slysock.systems.domain.lineup import PATIENCE_SECONDS, Lineup


def test_nobody_overtakes_in_a_line() -> None:
    lineup, said = Lineup(), list[str]()
    first, second, third = (lineup.join("chat", partial(said.append, name)) for name in "abc")
    second()
    assert said == []
    first()
    assert said == ["a", "b"]
    third()
    assert said == ["a", "b", "c"]
    assert len(lineup) == 0


def test_lines_do_not_wait_for_each_other() -> None:
    lineup, said = Lineup(), list[str]()
    lineup.join("one", lambda: said.append("one"))
    lineup.join("two", lambda: said.append("two"))()
    assert said == ["two"]


def test_a_release_counts_once() -> None:
    lineup, said = Lineup(), list[str]()
    release = lineup.join("chat", lambda: said.append("a"))
    release()
    release()
    assert said == ["a"]


def test_what_fails_keeps_nobody_from_their_turn(caplog: pytest.LogCaptureFixture) -> None:
    lineup, said = Lineup(), list[str]()

    def fail() -> None:
        raise RuntimeError("no")

    first = lineup.join("chat", fail)
    lineup.join("chat", lambda: said.append("b"))()
    first()
    assert said == ["b"]
    assert len(caplog.records) == 1


def test_what_was_stored_is_announced_although_its_request_fails() -> None:
    lineup, said = Lineup(), list[str]()

    def request() -> None:
        with lineup.after_answer() as behind:
            behind.add("chat", lambda: said.append("stored"))
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        request()
    assert said == ["stored"]
    assert len(lineup) == 0


def test_an_announcement_may_make_another() -> None:
    lineup, said = Lineup(), list[str]()
    first = lineup.join("chat", lambda: lineup.join("chat", lambda: said.append("second"))())
    first()
    assert said == ["second"]
    assert len(lineup) == 0


async def test_one_who_is_never_released_holds_the_others_up_for_a_bounded_time(
    autojump_clock: trio.testing.MockClock, nursery: trio.Nursery
) -> None:
    lineup, said = Lineup(), list[str]()
    nursery.start_soon(lineup.run)
    for _ in range(2):  # the second time after a pause
        await trio.sleep(100)
        lineup.join("chat", lambda: said.append("stuck"))
        lineup.join("chat", lambda: said.append("behind"))()
        await trio.sleep(PATIENCE_SECONDS * 0.9)
        assert said == []
        await trio.sleep(PATIENCE_SECONDS * 1.2)
        assert said == ["stuck", "behind"]
        assert len(lineup) == 0
        said.clear()
