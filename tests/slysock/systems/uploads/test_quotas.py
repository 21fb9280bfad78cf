"""Quotas: at the limit a file is accepted, one byte above it is not; a new day is a new day."""

import pytest

from slysock.systems.uploads import DayQuotaReached, QuotaReached, Quotas, without_file
from slysock_store import JsonObject

QUOTAS = Quotas(per_day=100, in_all=250)
MONDAY, TUESDAY, WEDNESDAY = "2026-11-23", "2026-11-24", "2026-11-25"


def test_a_day_has_its_limit_and_the_next_its_own() -> None:
    kept = QUOTAS.with_file(None, 60, MONDAY)
    assert kept == {"bytes": 60, "day": MONDAY, "dayBytes": 60}
    kept = QUOTAS.with_file(kept, 40, MONDAY)
    with pytest.raises(DayQuotaReached) as caught:
        QUOTAS.with_file(kept, 1, MONDAY)
    assert str(caught.value) == "You have uploaded enough for today: the limit is 100 bytes"
    assert QUOTAS.with_file(kept, 100, TUESDAY) == {"bytes": 200, "day": TUESDAY, "dayBytes": 100}


def test_all_files_have_a_limit_and_one_that_goes_makes_room_but_not_today() -> None:
    kept: JsonObject | None = None
    for size, day in ((100, MONDAY), (100, TUESDAY), (50, WEDNESDAY)):
        kept = QUOTAS.with_file(kept, size, day)
    with pytest.raises(QuotaReached) as caught:
        QUOTAS.refuse(kept, 1, WEDNESDAY)
    assert str(caught.value) == "Your files take all the room that you have, 250 bytes: delete some of them"
    kept = without_file(kept, 50)
    QUOTAS.refuse(kept, 50, WEDNESDAY)
    with pytest.raises(DayQuotaReached):
        QUOTAS.refuse(without_file(kept, 50), 51, WEDNESDAY)


def test_nothing_is_never_too_much() -> None:
    QUOTAS.refuse({"bytes": 1000, "day": MONDAY, "dayBytes": 1000}, 0, MONDAY)


@pytest.mark.parametrize("kept", [{}, {"bytes": "many", "dayBytes": None, "day": MONDAY}])
def test_what_says_nothing_counts_as_nothing(kept: JsonObject) -> None:
    assert QUOTAS.with_file(kept, 1, MONDAY) == {"bytes": 1, "day": MONDAY, "dayBytes": 1}


def test_no_user_has_less_than_nothing() -> None:
    assert without_file({"bytes": 5, "day": MONDAY, "dayBytes": 5}, 9) == {"bytes": 0, "day": MONDAY, "dayBytes": 5}
    assert without_file(None, 9) is None
