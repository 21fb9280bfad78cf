from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slysock_protocol import LocalProtocolError, RemoteProtocolError, jsonio
from slysock_protocol.engineio import Outgoing
from slysock_protocol.errors import CloseCode
from slysock_protocol.limits import MAX_ACK_ID, MAX_ATTACHMENTS, RESERVED_EVENTS
from slysock_protocol.socketio import (
    Ack,
    Connect,
    Disconnect,
    Event,
    JsonParser,
    Packet,
    decode_array,
    event_name,
)
from tests.protocol.strategies import ACK_IDS, EVENT_NAMES, JSON, JSON_WITH_BYTES, NAMESPACES, TEXT

PARSER = JsonParser()


def feed(text: bytes, *binaries: bytes) -> Packet | None:
    decoder = PARSER.decoder()
    packet = decoder.feed_text(text)
    for data in binaries:
        assert packet is None
        packet = decoder.feed_binary(data)
    return packet


# What the server writes, and the packet that the same bytes are when a client sends them.
BOTH_WAYS = [
    (PARSER.event("/", "hello", ()), b'2["hello"]', Event("/", None, b'["hello"]', b"hello")),
    (
        PARSER.event("/", "hello", (1, {"a": None})),
        b'2["hello",1,{"a":null}]',
        Event("/", None, b'["hello",1,{"a":null}]', b"hello"),
    ),
    (PARSER.event("/", "e", (), 12), b'212["e"]', Event("/", 12, b'["e"]', b"e")),
    (PARSER.event("/admin", "e", (), 0), b'2/admin,0["e"]', Event("/admin", 0, b'["e"]', b"e")),
    (PARSER.event("/é", "e", ()), '2/é,["e"]'.encode(), Event("/é", None, b'["e"]', b"e")),
    (PARSER.ack("/", 456, ()), b"3456[]", Ack("/", 456, b"[]")),
    (PARSER.ack("/admin", 456, ("a", None)), b'3/admin,456["a",null]', Ack("/admin", 456, b'["a",null]')),
    (PARSER.connected("/", "id"), b'0{"sid":"id"}', Connect("/", {"sid": "id"})),
    (PARSER.connected("/admin", "id"), b'0/admin,{"sid":"id"}', Connect("/admin", {"sid": "id"})),
    (PARSER.disconnected("/"), b"1", Disconnect("/")),
    (PARSER.disconnected("/admin"), b"1/admin,", Disconnect("/admin")),
]


@pytest.mark.parametrize(("outgoing", "text", "packet"), BOTH_WAYS, ids=[case[1].decode() for case in BOTH_WAYS])
def test_packets_without_attachments_go_both_ways(outgoing: Outgoing, text: bytes, packet: Packet) -> None:
    assert outgoing.text == b"4" + text
    assert outgoing.binaries == ()
    assert feed(text) == packet


def place(number: int) -> bytes:
    return b'{"_placeholder":true,"num":%d}' % number


BINARY_BOTH_WAYS = [
    (PARSER.event("/", "e", (b"a",)), b'51-["e",' + place(0) + b"]", [b"a"], Event("/", None, ["e", b"a"])),
    (
        PARSER.event("/admin", "e", ({"x": [b"a", {"y": b""}]}, b"c"), 456),
        b'53-/admin,456["e",{"x":[' + place(0) + b',{"y":' + place(1) + b"}]}," + place(2) + b"]",
        [b"a", b"", b"c"],
        Event("/admin", 456, ["e", {"x": [b"a", {"y": b""}]}, b"c"]),
    ),
    (
        PARSER.ack("/", 1, (b"a", b"b")),
        b"62-1[" + place(0) + b"," + place(1) + b"]",
        [b"a", b"b"],
        Ack("/", 1, [b"a", b"b"]),
    ),
    (PARSER.ack("/n", 0, (b"a",)), b"61-/n,0[" + place(0) + b"]", [b"a"], Ack("/n", 0, [b"a"])),
]


@pytest.mark.parametrize(("outgoing", "text", "binaries", "packet"), BINARY_BOTH_WAYS)
def test_packets_with_attachments_go_both_ways(
    outgoing: Outgoing, text: bytes, binaries: list[bytes], packet: Packet
) -> None:
    assert outgoing.text == b"4" + text
    assert outgoing.binaries == tuple(binaries)
    assert feed(text, *binaries) == packet


DECODED: list[tuple[bytes, Packet]] = [
    (b"0", Connect("/", {})),
    (b"0/", Connect("/", {})),
    (b"0/admin", Connect("/admin", {})),
    (b"0/admin,", Connect("/admin", {})),
    (b'0/admin?token=1,{"a":1}', Connect("/admin?token=1", {"a": 1})),
    (b'2/admin?token=1,["e"]', Event("/admin?token=1", None, b'["e"]', b"e")),
    (b'0/admin,{"token":"123"}', Connect("/admin", {"token": "123"})),
    (b'0{"token":{"_placeholder":true,"num":0}}', Connect("/", {"token": {"_placeholder": True, "num": 0}})),
    (b"1/admin", Disconnect("/admin")),
    (b'2/ns,12["a"]', Event("/ns", 12, b'["a"]', b"a")),
    (b'2/,["a"]', Event("/", None, b'["a"]', b"a")),
    (b'2/a/b c\n,["a"]', Event("/a/b c\n", None, b'["a"]', b"a")),
    (b'2007["a"]', Event("/", 7, b'["a"]', b"a")),
    (b"2%d[]" % MAX_ACK_ID, Event("/", MAX_ACK_ID, b"[]")),
    (b'50-["a"]', Event("/", None, b'["a"]')),
    (b'500-3["a"]', Event("/", 3, b'["a"]')),
    (b"60-1[]", Ack("/", 1, b"[]")),
    # Their bodies are malformed, which shows when they are decoded.
    (b"2", Event("/", None, b"")),
    (b"2/ns", Event("/ns", None, b"")),
    (b"2{}", Event("/", None, b"{}")),
    (b"2[", Event("/", None, b"[")),
    (b"25", Event("/", 5, b"")),
    (b'2,["a"]', Event("/", None, b',["a"]')),
    (b"2-1[]", Event("/", None, b"-1[]")),
    (b"3/n,1", Ack("/n", 1, b"")),
    (b"2\xd9\xa1[]", Event("/", None, b"\xd9\xa1[]")),
]


@pytest.mark.parametrize(("text", "packet"), DECODED)
def test_what_clients_may_write_is_decoded(text: bytes, packet: Packet) -> None:
    assert feed(text) == packet


MALFORMED = [
    (b"", "unknown packet type"),
    (b"7", "unknown packet type"),
    (b"abc", "unknown packet type"),
    (b" 2[]", "unknown packet type"),
    (b"-1", "unknown packet type"),
    (b"4{}", "malformed packet"),
    (b'4"no"', "malformed packet"),
    (b"05", "malformed packet"),
    (b"0/n,5{}", "malformed packet"),
    (b"0[]", "auth"),
    (b"0null", "auth"),
    (b'0"token"', "auth"),
    (b"0/n,true", "auth"),
    (b"0{", "JSON"),
    (b"0abc", "JSON"),
    (b'0{"a":1e999}', "JSON"),
    (b"0" + b"[" * 100_000, "auth too large"),
    (b"1{}", "malformed packet"),
    (b"1/n,x", "malformed packet"),
    (b"15", "malformed packet"),
    (b"3[]", "malformed packet"),
    (b"3/n,[]", "malformed packet"),
    (b"60-[]", "malformed packet"),
    (b"5", "illegal attachments"),
    (b"5-", "illegal attachments"),
    (b"5-[]", "illegal attachments"),
    (b"5[]", "illegal attachments"),
    (b"51[]", "illegal attachments"),
    (b"5-1-[]", "illegal attachments"),
    (b"51.0-[]", "illegal attachments"),
    (b"5x-[]", "illegal attachments"),
    (b"6-1[]", "malformed packet"),
    (b"6/n,1[]", "illegal attachments"),
    (b"5" + b"1" * 11 + b"-[]", "illegal attachments"),
    (b'511-["a"]', "too many attachments"),
    (b"5%d-[]" % 9_999_999_999, "too many attachments"),
    (b"61111111111-1[]", "too many attachments"),
    (b"2%d[]" % (MAX_ACK_ID + 1), "acknowledgement id"),
    (b"2%d[]" % 10**30, "acknowledgement id"),
    (b"3%d[]" % 10**30, "acknowledgement id"),
    (b"3" + b"9" * 400 + b"[]", "acknowledgement id"),
    (b"2" + b"9" * 5000, "acknowledgement id"),
    (b"0/" + b"n" * 512, "namespace"),
    (b"0/" + b"n" * 1_000_000 + b",", "namespace"),
    (b"2/" + "é".encode() * 256 + b",[]", "namespace"),
    (b"0/\xff,", "UTF-8"),
]


@pytest.mark.parametrize("size", [16_384, 16_385])
def test_auth_is_small(size: int) -> None:
    auth = b'{"token":"%b"}' % (b"x" * (size - 12))
    assert len(auth) == size
    if size <= 16_384:
        assert feed(b"0" + auth) == Connect("/", {"token": "x" * (size - 12)})
    else:
        with pytest.raises(RemoteProtocolError, match="auth too large") as caught:
            feed(b"0" + auth)
        assert caught.value.close_code == CloseCode.POLICY


@pytest.mark.parametrize("values", [("x" * 994,), ("x" * 891, b"y" * 50, b"z" * 50)])
def test_what_is_larger_than_may_wait_is_refused(values: tuple[object, ...]) -> None:
    size = sum(map(len, jsonio.encode(values)[1])) + len(jsonio.encode(values)[0])
    assert JsonParser(max_packet_bytes=size).ack("/", 1, values).frames
    with pytest.raises(LocalProtocolError, match=f"{size} bytes, where {size - 1} may wait"):
        JsonParser(max_packet_bytes=size - 1).ack("/", 1, values)
    with pytest.raises(LocalProtocolError, match="may wait"):
        JsonParser(max_packet_bytes=size).event("/", "event", values)


@pytest.mark.parametrize(("text", "reason"), MALFORMED, ids=lambda value: repr(value[:20]))
def test_malformed_packets_are_the_peers_mistake(text: bytes, reason: str) -> None:
    with pytest.raises(RemoteProtocolError, match=reason):
        feed(text)


@pytest.mark.parametrize("outgoing", [PARSER.event("/", "e", (b"a", b"b", b"c")), PARSER.ack("/", 1, (b"a", b"b"))])
def test_a_packet_is_complete_with_its_last_attachment_and_the_next_may_follow(outgoing: Outgoing) -> None:
    assert outgoing.text is not None
    decoder = PARSER.decoder()
    *first, last = outgoing.binaries
    for _ in range(3):
        assert decoder.feed_text(outgoing.text[1:]) is None
        assert [decoder.feed_binary(data) for data in first] == [None] * len(first)
        assert decoder.feed_binary(last) is not None
    assert decoder.feed_text(b"2[]") == Event("/", None, b"[]")


def test_a_decoder_says_in_which_namespace_a_packet_waits_for_its_attachments() -> None:
    decoder = PARSER.decoder()
    assert decoder.waiting_in is None
    assert decoder.feed_text(b'51-/chat,["e",' + place(0) + b"]") is None
    assert decoder.waiting_in == "/chat"
    assert decoder.feed_binary(b"a") is not None
    assert decoder.waiting_in is None


def test_attachments_are_put_in_place_by_their_number() -> None:
    assert feed(b"52-[" + place(1) + b"," + place(0) + b"]", b"a", b"b") == Event("/", None, [b"b", b"a"])


def test_text_instead_of_an_announced_attachment_is_refused() -> None:
    decoder = PARSER.decoder()
    assert decoder.feed_text(b'51-["e",' + place(0) + b"]") is None
    with pytest.raises(RemoteProtocolError, match="announced"):
        decoder.feed_text(b'2["a"]')


@pytest.mark.parametrize("before", [b"0", b"2[]", b"50-[]"])
def test_an_attachment_that_was_not_announced_is_refused(before: bytes) -> None:
    decoder = PARSER.decoder()
    for _ in range(2):
        with pytest.raises(RemoteProtocolError, match="not announced"):
            decoder.feed_binary(b"a")
        decoder.feed_text(before)


def test_more_attachments_than_announced_are_refused() -> None:
    decoder = PARSER.decoder()
    decoder.feed_text(b'51-["e",' + place(0) + b"]")
    decoder.feed_binary(b"a")
    with pytest.raises(RemoteProtocolError, match="not announced"):
        decoder.feed_binary(b"b")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[",
        b"{}",
        b"null",
        b'["e",{"_placeholder":true,"num":-1}]',
        b'["e",{"_placeholder":true,"num":99}]',
        b'["e",{"_placeholder":true,"num":"0"}]',
        b'["e",{"_placeholder":true}]',
        b'{"_placeholder":true,"num":0}',
        b"[" * 100_000,
        b"[" * 300 + b"]" * 300,
    ],
    ids=lambda body: repr(body[:40]),
)
def test_a_body_that_attachments_do_not_fit_is_refused_and_forgotten(body: bytes) -> None:
    decoder = PARSER.decoder()
    assert decoder.feed_text(b"51-" + body) is None
    with pytest.raises(RemoteProtocolError):
        decoder.feed_binary(b"a")
    assert decoder.feed_text(b"2[]") == Event("/", None, b"[]")


@given(
    st.lists(
        st.binary(max_size=20) | TEXT.map(str.encode) | st.from_regex(rb"[0-6](1-)?(/n,)?[0-9]{0,3}\[?.?"), max_size=4
    )
)
def test_garbage_is_packets_or_the_peers_mistake(messages: list[bytes]) -> None:
    decoder = PARSER.decoder()
    for message in messages:
        for take in (decoder.feed_text, decoder.feed_binary):
            with suppress(RemoteProtocolError):
                packet = take(message)
                if isinstance(packet, Event | Ack):
                    event_name(decode_array(packet.body))


@given(NAMESPACES, EVENT_NAMES, st.lists(JSON_WITH_BYTES, max_size=3), ACK_IDS)
def test_events_survive_a_round_trip(namespace: str, name: str, args: list[object], ack_id: int | None) -> None:
    try:
        outgoing = PARSER.event(namespace, name, tuple(args), ack_id)
    except LocalProtocolError:
        return
    assert outgoing.text is not None
    packet = feed(outgoing.text[1:], *outgoing.binaries)
    assert isinstance(packet, Event)
    assert (packet.namespace, packet.ack_id, decode_array(packet.body)) == (namespace, ack_id, [name, *args])


@given(NAMESPACES, st.integers(0, MAX_ACK_ID), st.lists(JSON, max_size=3))
def test_acks_survive_a_round_trip(namespace: str, ack_id: int, values: list[object]) -> None:
    outgoing = PARSER.ack(namespace, ack_id, tuple(values))
    assert outgoing.text is not None
    packet = feed(outgoing.text[1:])
    assert isinstance(packet, Ack)
    assert (packet.namespace, packet.ack_id, decode_array(packet.body)) == (namespace, ack_id, values)


@pytest.mark.parametrize("name", sorted(RESERVED_EVENTS))
def test_reserved_names_are_refused_both_ways(name: str) -> None:
    with pytest.raises(LocalProtocolError, match="reserved"):
        PARSER.event("/", name, ())
    with pytest.raises(RemoteProtocolError, match="event name"):
        event_name([name])


def test_ten_attachments_are_sent_and_eleven_are_refused() -> None:
    values = tuple([b"x"] * MAX_ATTACHMENTS)
    assert len(PARSER.event("/", "e", values).binaries) == 10
    with pytest.raises(LocalProtocolError, match="11 binary attachments"):
        PARSER.event("/", "e", (*values, b"x"))
    with pytest.raises(LocalProtocolError, match="11 binary attachments"):
        PARSER.ack("/", 1, (values, b"x"))


def test_values_that_json_cannot_carry_are_refused() -> None:
    with pytest.raises(LocalProtocolError):
        PARSER.event("/", "e", (object(),))
    with pytest.raises(LocalProtocolError):
        PARSER.ack("/", 1, (object(),))


class Refusal(msgspec.Struct):
    message: str


@pytest.mark.parametrize(
    ("namespace", "error", "text"),
    [
        ("/", {"message": "no", "data": {"a": 1}}, b'44{"message":"no","data":{"a":1}}'),
        ("/random", {"message": "Invalid namespace"}, b'44/random,{"message":"Invalid namespace"}'),
        ("/", "no", b'44"no"'),
        ("/", Refusal("no"), b'44{"message":"no"}'),
    ],
)
def test_refusals_are_encoded(namespace: str, error: object, text: bytes) -> None:
    assert PARSER.refused(namespace, error).text == text


@pytest.mark.parametrize("error", [None, 1, True, [], {"data": b"x"}, b"x", object()])
def test_refusals_that_clients_would_choke_on_are_refused(error: object) -> None:
    with pytest.raises(LocalProtocolError):
        PARSER.refused("/", error)


@pytest.mark.parametrize("body", [b"", b"{}", b"1", b'"a"', b"null", b"[", b'["a"]x', b"[" * 100_000])
def test_an_event_that_is_no_array_is_refused(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        decode_array(body)


def test_a_decoded_body_is_used_as_it_is() -> None:
    body: list[object] = ["a", b"b"]
    assert decode_array(body) is body


@pytest.mark.parametrize(("items", "name"), [(["a", 1], "a"), ([""], ""), ([5], "5"), ([-1, "a"], "-1")])
def test_text_and_numbers_name_events(items: list[object], name: str) -> None:
    assert event_name(items) == name


@pytest.mark.parametrize("first", [None, True, 1.5, b"a", [], ["a"], {}, {"a": 1}])
def test_nothing_else_names_an_event(first: object) -> None:
    for items in ([first], [first, "a"], list[object]()):
        with pytest.raises(RemoteProtocolError, match="event name"):
            event_name(items)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'["a",1]', b"a"),
        (b'["a"', b"a"),
        (b'[""]', b""),
        ('["é"]'.encode(), "é".encode()),
        (b'["a\\"b"]', None),
        (b'["a\\\\"]', None),
        (b'["\\u0061"]', None),
        (b'[ "a"]', None),
        (b' ["a"]', None),
        (b'["a', None),
        (b"[1]", None),
        (b"[]", None),
        (b"", None),
        (b'{"a":1}', None),
    ],
)
def test_an_event_name_is_found_without_decoding_or_not_at_all(body: bytes, name: bytes | None) -> None:
    for head in (b"2", b"20", b"2/namespace,123"):
        packet = feed(head + body)
        assert isinstance(packet, Event)
        assert (packet.name, packet.body) == (name, body)


@given(TEXT, st.lists(JSON, max_size=2))
def test_a_name_that_is_found_is_the_one_that_decoding_gives(name: str, args: list[object]) -> None:
    text = PARSER.ack("/", 0, (name, *args)).text
    assert text is not None
    packet = feed(b"2" + text[3:])
    assert isinstance(packet, Event)
    assert packet.name is None or packet.name.decode() == name
