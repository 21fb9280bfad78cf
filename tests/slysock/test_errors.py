"""What users raise and catch."""

from slysock import AckTimeout, ConnectionRefused, Disconnected, RateLimited, Refusal


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
