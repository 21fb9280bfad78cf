"""What users raise and catch."""

from slysock import ConnectionRefused


def test_a_refusal_keeps_message_and_data() -> None:
    assert (ConnectionRefused("m", data=1).message, ConnectionRefused("m", data=1).data) == ("m", 1)
