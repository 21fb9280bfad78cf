import pytest
from hypothesis import given
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage

from slysock_protocol.websocket import binary_frame, close_frame, goodbye_frame, text_frame
from tests.protocol.strategies import PAYLOADS, TEXT

HEADERS = [
    (0, b"\x00"),
    (1, b"\x01"),
    (125, b"\x7d"),
    (126, b"\x7e\x00\x7e"),
    (127, b"\x7e\x00\x7f"),
    (65535, b"\x7e\xff\xff"),
    (65536, b"\x7f\x00\x00\x00\x00\x00\x01\x00\x00"),
]


@pytest.mark.parametrize(("size", "length"), HEADERS)
def test_lengths_are_written_in_their_shortest_form(size: int, length: bytes) -> None:
    payload = b"x" * size
    assert text_frame(payload) == b"\x81" + length + payload
    assert binary_frame(payload) == b"\x82" + length + payload


@given(PAYLOADS, TEXT)
def test_a_complete_implementation_reads_the_frames(data: bytes, text: str) -> None:
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(binary_frame(data) + text_frame(text.encode()))
    events = list(client.events())
    assert b"".join(bytes(event.data) for event in events if isinstance(event, BytesMessage)) == data
    assert "".join(event.data for event in events if isinstance(event, TextMessage)) == text
    assert all(isinstance(event, BytesMessage | TextMessage) for event in events)


@pytest.mark.parametrize(
    ("reason", "arrives"),
    [("", ""), ("gone", "gone"), ("x" * 200, "x" * 123), ("é" * 100, "é" * 61)],
)
def test_a_goodbye_has_a_code_and_as_much_of_its_reason_as_a_control_frame_holds(reason: str, arrives: str) -> None:
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(close_frame(1001, reason))
    (event,) = client.events()
    assert isinstance(event, CloseConnection)
    assert (event.code, event.reason or "") == (1001, arrives)


def test_a_goodbye_may_say_nothing() -> None:
    assert goodbye_frame(b"") == b"\x88\x00"
