from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slysock_protocol import LocalProtocolError, RemoteProtocolError
from slysock_protocol.engineio import Outgoing
from slysock_protocol.errors import CloseCode
from slysock_protocol.limits import MAX_ACK_ID
from slysock_protocol.socketio import Ack, Connect, Disconnect, Event, MsgpackParser, Packed, Packet, decode_array
from tests.protocol.strategies import ACK_IDS, EVENT_NAMES, JSON_WITH_BYTES, NAMESPACES

PARSER = MsgpackParser()


def feed(data: bytes) -> Packet | None:
    """Decode a packet, and what is in it."""
    packet = PARSER.decoder().feed_binary(data)
    if isinstance(packet, Event | Ack):
        assert isinstance(packet.body, Packed), "not before its turn"
        return msgspec.structs.replace(packet, body=decode_array(packet.body))
    return packet


def pack(value: object) -> bytes:
    return msgspec.msgpack.encode(value)


def event(args: bytes) -> bytes:
    """An event whose array is written by hand."""
    return b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data" + args


def only(outgoing: Outgoing) -> bytes:
    assert outgoing.text is None
    (data,) = outgoing.binaries
    return data


BOTH_WAYS: list[tuple[Outgoing, dict[str, object], Packet]] = [
    (PARSER.connected("/", "id"), {"type": 0, "nsp": "/", "data": {"sid": "id"}}, Connect("/", {"sid": "id"})),
    (PARSER.disconnected("/a"), {"type": 1, "nsp": "/a"}, Disconnect("/a")),
    (PARSER.event("/", "e", ()), {"type": 2, "nsp": "/", "data": ["e"]}, Event("/", None, ["e"])),
    (
        PARSER.event("/a", "e", (1, {"b": b"x"}), 0),
        {"type": 2, "nsp": "/a", "data": ["e", 1, {"b": b"x"}], "id": 0},
        Event("/a", 0, ["e", 1, {"b": b"x"}]),
    ),
    (PARSER.ack("/", 7, (b"", None)), {"type": 3, "nsp": "/", "data": [b"", None], "id": 7}, Ack("/", 7, [b"", None])),
]


@pytest.mark.parametrize(("outgoing", "wire", "packet"), BOTH_WAYS)
def test_packets_go_both_ways(outgoing: Outgoing, wire: dict[str, object], packet: Packet) -> None:
    assert only(outgoing) == pack(wire)
    assert feed(pack(wire)) == packet


# Recorded on Node: what socket.io-msgpack-parser 3.0.2 with notepack.io 2.2.0 writes.
FROM_NODE: list[tuple[str, Packet]] = [
    ("83a47479706500a464617461d40000a36e7370a12f", Connect("/", {})),
    ("83a47479706500a46461746181a16101a36e7370a12f", Connect("/", {"a": 1})),
    ("82a47479706501a36e7370a22f61", Disconnect("/a")),
    (
        "84a47479706502a46461746192a165d70000000190d96b05c0a76f7074696f6e7381a8636f6d7072657373c3a36e7370a12f",
        Event("/", None, ["e", "2024-07-22T07:49:48.096Z"]),
    ),
    ("83a47479706502a46461746193a165c7020001ffc402ff00a36e7370a12f", Event("/", None, ["e", b"\x01\xff", b"\xff\x00"])),
    (
        "84a47479706502a46461746195a165cb3ff8000000000000cf0020000000000000d3fffffffed5fa0e00d40000"
        "a26964cd012ca36e7370a12f",
        Event("/", 300, ["e", 1.5, 2**53, -5_000_000_000, None]),
    ),
]


@pytest.mark.parametrize(("text", "packet"), FROM_NODE)
def test_what_javascript_clients_write_is_decoded(text: str, packet: Packet) -> None:
    assert feed(bytes.fromhex(text)) == packet


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        (253_402_300_800_000, "+010000-01-01T00:00:00.000Z"),
        (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
        (-62_167_219_200_001, "-000001-12-31T23:59:59.999Z"),
        (8_640_000_000_000_000, "+275760-09-13T00:00:00.000Z"),
        (-8_640_000_000_000_000, "-271821-04-20T00:00:00.000Z"),
    ],
)
def test_dates_become_the_text_that_json_clients_send(milliseconds: int, text: str) -> None:
    data = event(b"\x92\xa1e\xd7\x00" + milliseconds.to_bytes(8, signed=True))
    assert feed(data) == Event("/", None, ["e", text])


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)))
def test_dates_of_pythons_calendar_agree_with_python(moment: datetime) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    milliseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // datetime.resolution // 1000
    packet = feed(event(b"\x92\xa1e\xd7\x00" + milliseconds.to_bytes(8, signed=True)))
    assert packet == Event("/", None, ["e", moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")])


@pytest.mark.parametrize(
    ("timestamp", "text"),
    [
        ("d6ff00000000", "1970-01-01T00:00:00.000Z"),
        ("d6ffffffffff", "2106-02-07T06:28:15.000Z"),
        ("d7ff1d5353006553f100", "2023-11-14T22:13:20.123Z"),
        ("d7ff1d6f28006553f100", "2023-11-14T22:13:20.123456Z"),
        ("c70cff00000000ffffffffffffffff", "1969-12-31T23:59:59.000Z"),
        ("c70cff3b8b87c00000003afff4417f", "9999-12-31T23:59:59.999Z"),
        ("c704ff00000001", "1970-01-01T00:00:01.000Z"),
        ("c8000cff00000000ffffffffffffffff", "1969-12-31T23:59:59.000Z"),
    ],
)
def test_messagepacks_own_dates_become_the_text_that_json_clients_send(timestamp: str, text: str) -> None:
    date = bytes.fromhex(timestamp)
    assert feed(event(b"\x92\xa1e" + date)) == Event("/", None, ["e", text])
    inside = event(b"\x92\xa1e\x81\xa1a\x92\x01" + date)
    assert feed(inside) == Event("/", None, ["e", {"a": [1, text]}])
    assert feed(b"\x83\xa4type\x00\xa3nsp\xa1/\xa4data\x81\xa1t" + date) == Connect("/", {"t": text})


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)))
def test_a_date_that_a_server_of_python_sends_comes_back_as_it_would_by_json(moment: datetime) -> None:
    moment = moment.replace(tzinfo=UTC)
    packet = feed(pack({"type": 2, "nsp": "/", "data": ["e", moment]}))
    assert isinstance(packet, Event)
    assert msgspec.convert(packet.body[1], datetime) == moment


def test_as_deep_as_can_be_sent_on_is_decoded() -> None:
    packet = feed(event(b"\x91" * 128 + b"\xc0"))
    assert isinstance(packet, Event)
    assert PARSER.event("/", "back", ({"it": packet.body},)).frames


def test_colliding_numbers_as_keys_cost_nothing() -> None:
    """80 000 of them, which Python's hash table would take some seconds for; the first one is refused."""
    keys = b"".join(b"\xcf" + (number * (2**61 - 1) % 2**64).to_bytes(8) + b"\xc0" for number in range(80_000))
    with pytest.raises(RemoteProtocolError):
        feed(event(b"\x91\xdf" + (80_000).to_bytes(4) + keys))


@pytest.mark.parametrize("size", [16_384, 16_385])
def test_auth_is_small(size: int) -> None:
    auth = {"token": "x" * (size - 10)}
    data = b"\x83\xa4type\x00\xa3nsp\xa1/\xa4data" + pack(auth)
    assert len(pack(auth)) == size
    if size <= 16_384:
        assert feed(data) == Connect("/", {**auth})
    else:
        with pytest.raises(RemoteProtocolError, match="auth too large") as caught:
            feed(data)
        assert caught.value.close_code == CloseCode.POLICY


@pytest.mark.parametrize(
    "say", [lambda parser, data: parser.event("/", "e", (data,)), lambda parser, data: parser.ack("/", 1, (data,))]
)
def test_what_is_larger_than_may_wait_is_refused(say: Callable[[MsgpackParser, bytes], Outgoing]) -> None:
    size = len(only(say(PARSER, b"x" * 1000)))
    assert say(MsgpackParser(max_packet_bytes=size), b"x" * 1000).frames
    with pytest.raises(LocalProtocolError, match=f"{size + 1} bytes, where {size} may wait"):
        say(MsgpackParser(max_packet_bytes=size), b"x" * 1001)


DEEP = 100_000
MALFORMED = {
    "nothing": b"",
    "an unused code": b"\xc1",
    "no map": pack([2, "/", ["e"]]),
    "an integer": b"\x02",
    "trailing bytes": pack({"type": 1, "nsp": "/"}) + b"\xc0",
    "cut off": pack({"type": 2, "nsp": "/", "data": ["e"]})[:-1],
    "no type": pack({"nsp": "/"}),
    "no namespace": pack({"type": 1}),
    "type as text": pack({"type": "1", "nsp": "/"}),
    "type as a boolean": pack({"type": True, "nsp": "/"}),
    "type as a float": pack({"type": 1.5, "nsp": "/"}),
    "unknown type": pack({"type": 5, "nsp": "/", "data": ["e"]}),
    "negative type": pack({"type": -1, "nsp": "/"}),
    "a refusal": pack({"type": 4, "nsp": "/", "data": {"message": "no"}}),
    "namespace as a number": pack({"type": 1, "nsp": 1}),
    "namespace without slash": pack({"type": 0, "nsp": "a"}),
    "empty namespace": pack({"type": 0, "nsp": ""}),
    "long namespace": pack({"type": 0, "nsp": "/" + "n" * 512}),
    "long namespace in bytes": pack({"type": 0, "nsp": "/" + "é" * 256}),
    "huge namespace": pack({"type": 0, "nsp": "/" * 1_000_000}),
    "namespace that is not UTF-8": b"\x82\xa4type\x00\xa3nsp\xa2/\xff",
    "auth as an array": pack({"type": 0, "nsp": "/", "data": []}),
    "auth as text": pack({"type": 0, "nsp": "/", "data": "token"}),
    "auth with a number as key": pack({"type": 0, "nsp": "/", "data": {1: 2}}),
    "disconnect with data": pack({"type": 1, "nsp": "/", "data": {}}),
    "event without data": pack({"type": 2, "nsp": "/"}),
    "event as an object": pack({"type": 2, "nsp": "/", "data": {}}),
    "ack without id": pack({"type": 3, "nsp": "/", "data": []}),
    "ack without data": pack({"type": 3, "nsp": "/", "id": 1}),
    "ack as an object": pack({"type": 3, "nsp": "/", "id": 1, "data": {}}),
    "id as text": pack({"type": 2, "nsp": "/", "data": ["e"], "id": "1"}),
    "negative id": pack({"type": 2, "nsp": "/", "data": ["e"], "id": -1}),
    "id beyond JavaScript": pack({"type": 2, "nsp": "/", "data": ["e"], "id": MAX_ACK_ID + 1}),
    "id as a float": pack({"type": 2, "nsp": "/", "data": ["e"], "id": 1e30}),
    "text that is not UTF-8": event(b"\x91\xa1\xff"),
    "unknown extension": event(b"\x91\xd4\x01\x00"),
    "date out of range": event(b"\x91\xd7\x00" + b"\x7f" + b"\xff" * 7),
    "malformed timestamp": event(b"\x91\xd5\xff\x00\x00"),
    "timestamp out of range": event(b"\x91\xd7\xff" + b"\xff" * 8),
    "map as a key": event(b"\x91\x81\x80\x01"),
    "a number as a key": event(b"\x91\x81\x01\x02"),
    "bytes as a key": event(b"\x91\x81\xc4\x01a\x02"),
    "a float as a key": event(b"\x91\x81\xcb\x00\x00\x00\x00\x00\x00\x00\x00\x02"),
    "nil as a key": event(b"\x91\x81\xc0\x02"),
    "a date as a key": event(b"\x91\x81\xd6\xff\x00\x00\x00\x01\x02"),
    "a number as a key, deeper": event(b"\x91\x81\xa1a\x91\x81\x01\x02"),
    "deeper than can be sent on": event(b"\x91" * 129 + b"\xc0"),
    "array of four billion": event(b"\xdd\xff\xff\xff\xff"),
    "map of four billion": event(b"\xdf\xff\xff\xff\xff"),
    "4 GiB of data": event(b"\xc6\xff\xff\xff\xff"),
    "4 GiB of text": event(b"\xdb\xff\xff\xff\xff"),
    "arrays in arrays": event(b"\x91" * DEEP),
    "arrays in arrays, complete": event(b"\x91" * DEEP + b"\xc0"),
    "long arrays in long arrays": event(b"\xdc\xff\xff" * 900),
    "objects in objects": event(b"\x81\xa1a" * DEEP),
    "keys of keys": event(b"\x81" * DEEP),
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_malformed_packets_are_the_peers_mistake(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        feed(data)


def test_no_packet_ever_waits_for_attachments() -> None:
    decoder = PARSER.decoder()
    assert decoder.feed_binary(only(PARSER.event("/", "e", (b"a",)))) is not None
    assert decoder.waiting_in is None


def test_text_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="text"):
        PARSER.decoder().feed_text(b'2["e"]')


@given(st.binary(max_size=40) | st.binary(max_size=30).map(event))
def test_garbage_is_a_packet_or_the_peers_mistake(data: bytes) -> None:
    with suppress(RemoteProtocolError):
        feed(data)


@given(st.integers(0, 60), st.integers(0, 255))
def test_one_wrong_byte_is_a_packet_or_the_peers_mistake(position: int, byte: int) -> None:
    data = bytearray(only(PARSER.event("/ns", "e", ({"a": [b"x", 1.5, None]}, "text"), 300)))
    data[position % len(data)] = byte
    with suppress(RemoteProtocolError):
        feed(bytes(data))


@given(NAMESPACES, EVENT_NAMES, st.lists(JSON_WITH_BYTES, max_size=3), ACK_IDS)
def test_events_survive_a_round_trip(namespace: str, name: str, args: list[object], ack_id: int | None) -> None:
    assert feed(only(PARSER.event(namespace, name, tuple(args), ack_id))) == Event(namespace, ack_id, [name, *args])


class Record(msgspec.Struct):
    when: datetime
    data: object


def test_values_are_written_as_json_would_write_them() -> None:
    record = Record(datetime(2024, 1, 2, tzinfo=UTC), bytearray(b"x"))
    expected: list[object] = ["e", {"when": "2024-01-02T00:00:00Z", "data": b"x"}, {"1": [2]}]
    assert feed(only(PARSER.event("/", "e", (record, {1: (2,)})))) == Event("/", None, expected)
    strange = {True: {None: b"x"}, UUID(int=5): 1}
    expected = ["e", {"true": {"null": b"x"}, str(UUID(int=5)): 1}]
    assert feed(only(PARSER.event("/", "e", (strange,)))) == Event("/", None, expected)


def test_more_than_ten_binary_values_are_fine() -> None:
    values = [b"x"] * 11
    assert feed(only(PARSER.ack("/", 1, tuple(values)))) == Ack("/", 1, [*values])


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [object(), 2**64, -(2**63) - 1, "\ud800", {b"a": 1}, msgspec.Raw(b"\xc0"), memoryview(b"abc")[::2], nested(DEEP)],
    ids=lambda value: type(value).__name__,
)
def test_what_messagepack_cannot_carry_is_our_mistake(value: object) -> None:
    with pytest.raises(LocalProtocolError):
        PARSER.event("/", "e", (value,))
    with pytest.raises(LocalProtocolError):
        PARSER.refused("/", {"data": value})


@pytest.mark.parametrize("depth", range(100, 1100, 100))
def test_nesting_is_sent_or_refused_at_every_depth(depth: int) -> None:
    try:
        PARSER.event("/", "e", (nested(depth),))
    except LocalProtocolError:
        assert depth > 200


@pytest.mark.parametrize("error", [None, 1, [], b"x"])
def test_refusals_that_clients_would_choke_on_are_refused(error: object) -> None:
    with pytest.raises(LocalProtocolError):
        PARSER.refused("/", error)


@pytest.mark.parametrize("error", ["no", {"message": "no"}])
def test_refusals_are_encoded(error: object) -> None:
    assert only(PARSER.refused("/a", error)) == pack({"type": 4, "nsp": "/a", "data": error})


def test_reserved_names_are_refused() -> None:
    with pytest.raises(LocalProtocolError, match="reserved"):
        PARSER.event("/", "disconnect", ())
