"""What users raise and catch."""

from slysock import AckTimeout, ConnectionRefused, Disconnected


def test_a_refusal_keeps_message_and_data() -> None:
    assert (ConnectionRefused("m", data=1).message, ConnectionRefused("m", data=1).data) == ("m", 1)


def test_a_timeout_carries_the_answers_that_came() -> None:
    assert AckTimeout("late").answers == []
    assert AckTimeout("late", (1, "two")).answers == [1, "two"]


def test_who_waits_for_an_answer_need_not_care_why_none_comes() -> None:
    assert isinstance(Disconnected("gone"), AckTimeout)
