"""What users raise and catch."""

import pytest

from slysock import AckTimeout, ConnectionRefused, Disconnected, InvalidPayload, RateLimited, Refusal
from slysock.errors import out_of_group

NO = ConnectionRefused("no")
LATE, WRONG, BROKEN = Refusal("late"), InvalidPayload("wrong"), ValueError("broken")


def test_a_refusal_keeps_message_and_data() -> None:
    assert (ConnectionRefused("m", data=1).message, ConnectionRefused("m", data=1).data) == ("m", 1)


def test_a_timeout_carries_the_answers_that_came() -> None:
    assert AckTimeout("late").answers == []
    assert AckTimeout("late", (1, "two")).answers == [1, "two"]


def test_who_waits_for_an_answer_need_not_care_why_none_comes() -> None:
    assert isinstance(Disconnected("gone"), AckTimeout)


def test_an_excess_is_a_refusal_that_says_when_to_come_again() -> None:
    error = RateLimited("events", 1.5)
    assert isinstance(error, Refusal)
    assert (str(error), error.what, error.retry_after_seconds) == ("Too many events, try again later", "events", 1.5)


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (ExceptionGroup("", [NO]), NO),
        (ExceptionGroup("", [ExceptionGroup("", [LATE]), NO]), LATE),
        (ExceptionGroup("", [ExceptionGroup("", [ExceptionGroup("", [WRONG])])]), WRONG),
    ],
)
def test_an_expected_no_is_taken_out_of_its_group(group: Exception, expected: Exception) -> None:
    assert out_of_group(group) is expected


@pytest.mark.parametrize(
    "error",
    [BROKEN, NO, ExceptionGroup("", [BROKEN]), ExceptionGroup("", [NO, ExceptionGroup("", [LATE, BROKEN])])],
)
def test_what_is_no_expected_no_or_more_than_that_stays_as_it_is(error: Exception) -> None:
    assert out_of_group(error) is error
