import binascii
from contextlib import suppress
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slysock_protocol import RemoteProtocolError
from slysock_protocol.engineio import (
    CLOSE,
    NOOP,
    PING,
    PROBE_ANSWER,
    SEPARATOR,
    BinaryMessage,
    Close,
    Message,
    Noop,
    Open,
    Outgoing,
    Packet,
    Ping,
    Pong,
    Upgrade,
    decode_packet,
    decode_payload,
)
from slysock_protocol.websocket import binary_frame, text_frame
from tests.protocol.strategies import TEXT

PACKETS: list[tuple[bytes, Packet]] = [
    (b"0", Open()),
    (b"1", Close()),
    (b"2", Ping()),
    (b"2probe", Ping(b"probe")),
    (b"3", Pong()),
    (b"3probe", Pong(b"probe")),
    (b"4", Message(b"")),
    (b"4hello", Message(b"hello")),
    ("4é".encode(), Message("é".encode())),
    (b"44", Message(b"4")),
    (b"5", Upgrade()),
    (b"6", Noop()),
    (b"b", BinaryMessage(b"")),
    (b"bAQIDBA==", BinaryMessage(b"\x01\x02\x03\x04")),
    (b"b+/+/", BinaryMessage(b"\xfb\xff\xbf")),
]
LINE_OF_JAVA = b"b" + b"QUFB" * 19 + b"\nQUFB\n", BinaryMessage(b"A" * 60)

MALFORMED = [
    b"",
    b"7",
    b"a",
    b"abc",
    b"0{}",
    b"1x",
    b"5x",
    b"6x",
    b"-1",
    b" 4",
    b"\x00",
    b"\xb4",
    b"bA",
    b"bAA",
    b"bAAA",
    b"bA===",
    b"b====",
    b"bAQID BA==",
    b"bAQIDBA==AQ==",
    b"b-_-_",
    b"b\xc3\xa9AAA",
]


@pytest.mark.parametrize(("text", "packet"), [*PACKETS, LINE_OF_JAVA])
def test_packets_are_decoded_alike_from_messages_and_payloads(text: bytes, packet: Packet) -> None:
    assert decode_packet(text) == packet
    assert list(decode_payload(text)) == [packet]


@pytest.mark.parametrize("text", MALFORMED)
def test_what_is_no_packet_is_the_peers_mistake(text: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="malformed"):
        decode_packet(text)
    with pytest.raises(RemoteProtocolError):
        list(decode_payload(text))


def test_a_payload_holds_packets_in_order() -> None:
    payload = SEPARATOR.join(text for text, _ in PACKETS)
    assert list(decode_payload(payload)) == [packet for _, packet in PACKETS]


@pytest.mark.parametrize("payload", [b"4a\x1e", b"\x1e4a", b"4a\x1e\x1e4b", b"\x1e", b"4a\x1e7\x1e4b"])
def test_an_empty_or_unknown_piece_makes_a_payload_malformed(payload: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        list(decode_payload(payload))


def test_packets_before_a_malformed_one_are_delivered() -> None:
    packets = decode_payload(b"4a\x1e4b\x1eabc\x1e4c")
    assert [next(packets), next(packets)] == [Message(b"a"), Message(b"b")]
    with pytest.raises(RemoteProtocolError):
        next(packets)


@pytest.mark.parametrize("payload", [b"4\xff", b"4\xed\xa0\x80", b"4\xc3\x1e4\xa9", b"b\xff"])
def test_a_payload_that_is_not_utf8_is_the_peers_mistake(payload: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="UTF-8") as caught:
        list(decode_payload(payload))
    assert caught.value.close_code == 1007


def test_a_payload_of_thousands_of_packets_is_decoded_one_at_a_time() -> None:
    packets = decode_payload(SEPARATOR.join([b"4"] * 100_000))
    assert list(islice(packets, 3)) == [Message(b"")] * 3


@given(st.binary(max_size=30) | st.text("0123456b\x1eAQ=é", max_size=20).map(str.encode))
def test_garbage_is_packets_or_the_peers_mistake(body: bytes) -> None:
    with suppress(RemoteProtocolError):
        decode_packet(body)
    with suppress(RemoteProtocolError):
        list(decode_payload(body))


OUTGOING: list[tuple[Outgoing, bytes, bytes]] = [
    (CLOSE, b"\x81\x011", b"1"),
    (PING, b"\x81\x012", b"2"),
    (PROBE_ANSWER, b"\x81\x063probe", b"3probe"),
    (NOOP, b"\x81\x016", b"6"),
    (Outgoing("4é".encode()), b"\x81\x034\xc3\xa9", b"4\xc3\xa9"),
    (Outgoing(None, (b"\x01\x02",)), b"\x82\x02\x01\x02", b"bAQI="),
    (Outgoing(b"4a", (b"\x01", b"")), b"\x81\x024a\x82\x01\x01\x82\x00", b"4a\x1ebAQ==\x1eb"),
]


@pytest.mark.parametrize(("outgoing", "frames", "payload"), OUTGOING)
def test_packets_have_a_form_for_each_transport(outgoing: Outgoing, frames: bytes, payload: bytes) -> None:
    assert (outgoing.frames, outgoing.payload) == (frames, payload)


@pytest.mark.parametrize("outgoing", [Outgoing(b"4a"), Outgoing(None, (b"a",)), Outgoing(b"4a", (b"b",))])
def test_each_form_is_made_once_and_shared(outgoing: Outgoing) -> None:
    assert outgoing.frames is outgoing.frames
    assert outgoing.payload is outgoing.payload


@given(st.lists(TEXT.map(lambda text: text.replace("\x1e", "").encode()) | st.binary(max_size=8), min_size=1))
def test_payloads_survive_a_round_trip(messages: list[bytes]) -> None:
    texts = [message for message in messages if message.isascii() and SEPARATOR not in message]
    outgoing = [Outgoing(b"4" + text, tuple(messages)) for text in texts] or [Outgoing(None, tuple(messages))]
    expected = [[Message(text), *map(BinaryMessage, messages)] for text in texts] or [[*map(BinaryMessage, messages)]]
    payload = SEPARATOR.join(packet.payload for packet in outgoing)
    assert list(decode_payload(payload)) == [packet for packets in expected for packet in packets]


@given(st.binary(max_size=200))
def test_line_breaks_in_base64_change_nothing(data: bytes) -> None:
    assert decode_packet(b"b" + binascii.b2a_base64(data)) == BinaryMessage(data)


@given(st.none() | st.binary(max_size=200), st.lists(st.binary(max_size=200), max_size=3))
def test_frames_are_the_text_and_then_its_attachments(text: bytes | None, binaries: list[bytes]) -> None:
    expected = ([] if text is None else [text_frame(text)]) + [binary_frame(data) for data in binaries]
    assert Outgoing(text, tuple(binaries)).frames == b"".join(expected)
