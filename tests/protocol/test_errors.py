import pytest

from slysock_protocol import LocalProtocolError, ProtocolError, RemoteProtocolError
from slysock_protocol.errors import CloseCode


def test_a_remote_error_carries_its_reason_and_a_close_code() -> None:
    error = RemoteProtocolError("message too big", CloseCode.TOO_BIG)
    assert (str(error), error.reason, error.close_code) == ("message too big", "message too big", 1009)


def test_a_remote_error_is_a_protocol_error_unless_told_otherwise() -> None:
    assert RemoteProtocolError("malformed").close_code == 1002


@pytest.mark.parametrize("error", [LocalProtocolError("no"), RemoteProtocolError("no")])
def test_both_sides_are_caught_as_one(error: ProtocolError) -> None:
    with pytest.raises(ProtocolError):
        raise error


def test_a_close_frame_says_why_but_where_the_code_says_it_all() -> None:
    assert RemoteProtocolError("illegal frame").close_text == "illegal frame"
    assert RemoteProtocolError("message too big", CloseCode.TOO_BIG).close_text == ""
