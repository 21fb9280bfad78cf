"""What can go wrong with one request, in words for a log."""

from slysock.http import BodyTooLarge, RequestBroken


def test_a_body_that_is_too_large_says_what_would_have_been_taken() -> None:
    error = BodyTooLarge(10)
    assert error.limit_bytes == 10
    assert str(error) == "the request body is larger than 10 bytes"


def test_a_broken_request_says_why_and_what_to_answer_if_anything() -> None:
    stalled, gone = RequestBroken("stalled", status=408), RequestBroken("gone")
    assert (stalled.reason, str(stalled), stalled.status) == ("stalled", "stalled", 408)
    assert gone.status is None
