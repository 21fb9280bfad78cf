import tracemalloc
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage

from slysock_protocol.errors import CloseCode
from slysock_protocol.websocket import FrameReader, Item, Kind, unmask
from tests.protocol.strategies import LEGAL_STREAMS, STREAMS, cuts, frame

LIMIT = 1_000_000
MiB = 1 << 20

Messages: TypeAlias = list[str | bytes]


def read(*pieces: bytes, limit: int = LIMIT) -> tuple[list[Item], CloseCode | None]:
    reader = FrameReader(limit)
    items = [item for piece in pieces for item in reader.feed(piece)]
    error = None if reader.error is None else reader.error.close_code
    assert (items, error) == _read_with_short_cut(pieces, limit)
    return items, error


def _read_with_short_cut(pieces: tuple[bytes, ...], limit: int) -> tuple[list[Item], CloseCode | None]:
    reader = FrameReader(limit)
    items = [item for piece in pieces for item in feed(reader, piece)]
    return items, None if reader.error is None else reader.error.close_code


def feed(reader: FrameReader, piece: bytes) -> list[Item]:
    """Take the short cut where there is one, as a server does."""
    text = reader.one_text(piece)
    return reader.feed(piece) if text is None else [Item(Kind.TEXT, text)]


def joined(items: list[Item]) -> list[Item]:
    """Join neighbouring cold bytes: where they are cut does not matter."""
    result: list[Item] = []
    for item in items:
        if result and result[-1].kind is item.kind is Kind.COLD:
            result[-1] = Item(item.kind, result[-1].data + item.data)
        else:
            result.append(item)
    return result


class Oracle:
    """A server's wsproto, and the complete messages that it found."""

    def __init__(self) -> None:
        self.messages: Messages = []
        self.closed = False
        self._connection = Connection(ConnectionType.SERVER)
        self._pieces: list[str | bytes] = []

    def feed(self, data: bytes) -> None:
        if self.closed:
            return
        self._connection.receive_data(data)
        for event in self._connection.events():
            if isinstance(event, CloseConnection):
                self.closed = True
                return
            if isinstance(event, TextMessage | BytesMessage):
                self._piece(event.data if isinstance(event, TextMessage) else bytes(event.data), event.message_finished)

    def _piece(self, data: str | bytes, finished: bool) -> None:
        self._pieces.append(data)
        if finished:
            texts = [piece for piece in self._pieces if isinstance(piece, str)]
            binaries = [piece for piece in self._pieces if isinstance(piece, bytes)]
            self.messages.append("".join(texts) if texts else b"".join(binaries))
            self._pieces.clear()


def through_the_lane(pieces: list[bytes], limit: int) -> tuple[Messages, bool, bool]:
    """Return the messages in order, whether the lane refused, and whether the implementation behind it closed."""
    reader, behind = FrameReader(limit), Oracle()
    for piece in pieces:
        for item in feed(reader, piece):
            if behind.closed:
                break
            if item.kind is Kind.TEXT:
                behind.messages.append(item.data.decode())
            elif item.kind is Kind.BINARY:
                behind.messages.append(item.data)
            else:
                before = len(behind.messages)
                behind.feed(item.data)
                assert len(behind.messages) == before, "no message is cold"
    return behind.messages, reader.error is not None, behind.closed


@given(st.data())
def test_lane_and_implementation_together_find_what_the_implementation_finds(data: st.DataObject) -> None:
    # The lane reads a header whole before it judges it, so the last one is made whole: 14 bytes are the longest.
    stream = data.draw(STREAMS) + bytes(14)
    oracle = Oracle()
    oracle.feed(stream)
    messages, refused, closed = through_the_lane(data.draw(cuts(stream)), LIMIT)
    assert messages == oracle.messages
    assert refused or closed == oracle.closed


@given(st.data())
def test_legal_streams_end_alike_with_and_without_the_lane(data: st.DataObject) -> None:
    stream = data.draw(LEGAL_STREAMS)
    oracle = Oracle()
    oracle.feed(stream)
    messages, refused, closed = through_the_lane(data.draw(cuts(stream)), LIMIT)
    assert (messages, refused or closed) == (oracle.messages, oracle.closed)


@given(st.data(), st.integers(1, 3))
def test_in_however_many_steps_it_is_looked_at_it_is_the_same(data: st.DataObject, most: int) -> None:
    pieces = data.draw(cuts(data.draw(STREAMS)))
    whole, stepwise = FrameReader(LIMIT), FrameReader(LIMIT)
    for piece in pieces:
        items = stepwise.feed(piece, most)
        while stepwise.left:
            items += stepwise.go_on(most)
        assert joined(items) == joined(whole.feed(piece))
    assert (whole.error is None, whole.goodbye) == (stepwise.error is None, stepwise.goodbye)
    assert whole.in_message == stepwise.in_message


def test_no_more_frames_are_looked_at_than_asked_for() -> None:
    reader = FrameReader(LIMIT)
    assert len(reader.feed(frame(b"x") * 5, 2)) == 2
    assert reader.left
    assert not reader.in_message
    assert len(reader.go_on(2)) == 2
    assert len(reader.go_on(2)) == 1
    assert not reader.left


@given(st.data())
def test_the_short_cut_changes_nothing(data: st.DataObject) -> None:
    pieces = data.draw(cuts(data.draw(STREAMS)))
    read(*pieces, limit=data.draw(st.sampled_from([10, 100, LIMIT])))


def test_the_short_cut_is_taken_between_messages_only() -> None:
    whole, start = frame(b"4text"), frame(b"4", first=0x01)
    reader = FrameReader(LIMIT)
    assert reader.one_text(whole) == b"4text"
    reader.feed(start)
    assert reader.one_text(whole) is None
    reader.feed(frame(b"rest", first=0x80))
    assert reader.one_text(whole) == b"4text"
    reader.feed(whole[:3])
    assert reader.one_text(whole) is None


@given(st.data())
def test_limits_only_ever_cut_the_messages_short(data: st.DataObject) -> None:
    stream = data.draw(STREAMS)
    oracle = Oracle()
    oracle.feed(stream)
    messages, _, _ = through_the_lane(data.draw(cuts(stream)), 100)
    assert messages == oracle.messages[: len(messages)]
    assert all(len(message) <= 100 for message in messages)


@given(st.data(), st.sampled_from((100, LIMIT)))
def test_where_a_stream_is_cut_changes_nothing(data: st.DataObject, limit: int) -> None:
    stream = data.draw(STREAMS)
    whole_items, whole_error = read(stream, limit=limit)
    items, error = read(*data.draw(cuts(stream)), limit=limit)
    assert (joined(items), error) == (joined(whole_items), whole_error)


MIXED = b"".join(
    (
        frame(b"42[1]"),
        frame(b"", first=0x82),
        frame(b"x" * 200, first=0x82, mask=b"\x00\xff\x01\x02"),
        frame(b"ping", first=0x89),
        frame(b"4", first=0x01),
        frame(b"pong", first=0x8A),
        frame(b"", first=0x00),
        frame(b"y" * 130, first=0x80),
        frame("é".encode()),
        frame(b"", first=0x80 | 0x08),
        b"whatever",
    )
)


def test_a_stream_means_the_same_byte_at_a_time() -> None:
    whole, error = read(MIXED)
    single, single_error = read(*(bytes((byte,)) for byte in MIXED))
    assert (joined(single), single_error) == (joined(whole), error)
    assert joined(whole) == [
        Item(Kind.TEXT, b"42[1]"),
        Item(Kind.BINARY, b""),
        Item(Kind.BINARY, b"x" * 200),
        Item(Kind.COLD, frame(b"ping", first=0x89) + frame(b"pong", first=0x8A)),
        Item(Kind.TEXT, b"4" + b"y" * 130),
        Item(Kind.TEXT, "é".encode()),
        Item(Kind.COLD, frame(b"", first=0x80 | 0x08) + b"whatever"),
    ]


@given(st.binary(max_size=60))
def test_garbage_never_raises(data: bytes) -> None:
    items, _ = read(data, limit=50)
    assert sum(len(item.data) for item in items) <= len(data)


HOT = [
    (frame(b""), Item(Kind.TEXT, b"")),
    (frame(b"2probe"), Item(Kind.TEXT, b"2probe")),
    (frame("4é\U0001f600".encode()), Item(Kind.TEXT, "4é\U0001f600".encode())),
    (frame(b"", first=0x82), Item(Kind.BINARY, b"")),
    (frame(b"\xff\x00", first=0x82), Item(Kind.BINARY, b"\xff\x00")),
    (frame(b"x" * 125), Item(Kind.TEXT, b"x" * 125)),
    (frame(b"x" * 126), Item(Kind.TEXT, b"x" * 126)),
    (frame(b"x" * 65535), Item(Kind.TEXT, b"x" * 65535)),
    (frame(b"x" * 65536), Item(Kind.TEXT, b"x" * 65536)),
]


@pytest.mark.parametrize(("data", "item"), HOT, ids=lambda case: str(len(case)) if isinstance(case, bytes) else "")
def test_whole_messages_are_hot(data: bytes, item: Item) -> None:
    assert read(data) == ([item], None)
    assert read(data * 2) == ([item, item], None)
    assert read(data[:-1], data[-1:] + data) == ([item, item], None)


ENDS_THE_CONNECTION = {
    "unmasked": frame(b"a", mask=None),
    "unmasked and long": frame(b"a" * 70_000, mask=None),
    "reserved bit 1": frame(b"a", first=0xC1),
    "reserved bit 2": frame(b"a", first=0xA1),
    "reserved bit 3": frame(b"a", first=0x92),
    "reserved opcode 3": frame(b"a", first=0x83),
    "reserved opcode 7": frame(b"a", first=0x87),
    "reserved opcode B": frame(b"a", first=0x8B),
    "length in 2 bytes instead of 1": frame(b"a" * 125, form=126),
    "length in 8 bytes instead of 1": frame(b"", form=127),
    "length in 8 bytes instead of 2": frame(b"a" * 65535, form=127),
    "fragmented ping": frame(b"a", first=0x09),
    "fragmented pong": frame(b"a", first=0x0A),
    "long ping": frame(b"a" * 126, first=0x89),
    "continuation with a reserved bit": frame(b"a", first=0x40),
    "close": frame(b"\x03\xe8", first=0x88),
    "long close": frame(b"\x03\xe8" + b"a" * 200, first=0x88),
}


@pytest.mark.parametrize("data", ENDS_THE_CONNECTION.values(), ids=ENDS_THE_CONNECTION)
def test_after_a_frame_that_ends_the_connection_everything_is_cold(data: bytes) -> None:
    rest = frame(b"42[]") + frame(b"x", first=0x89)
    for pieces in ((data + rest,), (data, rest), tuple(bytes((byte,)) for byte in (data + rest)[:300])):
        items, error = read(*pieces)
        assert {item.kind for item in items} == {Kind.COLD}
        assert b"".join(item.data for item in items) == b"".join(pieces)
        assert error is None
    behind = Oracle()
    behind.feed(data)
    assert behind.closed


def test_the_lane_is_left_and_entered_again_at_frame_borders() -> None:
    ping = frame(b"a", first=0x89)
    fragmented = frame(b"b", first=0x01) + ping + frame(b"c", first=0x80)
    items, error = read(frame(b"1") + ping + frame(b"2") + fragmented + frame(b"3"))
    assert error is None
    assert items == [
        Item(Kind.TEXT, b"1"),
        Item(Kind.COLD, ping),
        Item(Kind.TEXT, b"2"),
        Item(Kind.COLD, ping),
        Item(Kind.TEXT, b"bc"),
        Item(Kind.TEXT, b"3"),
    ]


def test_a_message_is_complete_with_the_last_byte_of_its_last_fragment() -> None:
    fragmented = frame(b"a", first=0x02) + frame(b"bcd", first=0x80)
    reader = FrameReader(LIMIT)
    for byte in fragmented[:-1]:
        assert reader.feed(bytes((byte,))) == []
    assert reader.feed(fragmented[-1:]) == [Item(Kind.BINARY, b"abcd")]


def test_text_may_be_cut_by_a_fragment_anywhere() -> None:
    text = "é\U0001f600".encode()
    for place in range(len(text)):
        stream = frame(text[:place], first=0x01) + frame(text[place:], first=0x80)
        assert read(stream) == ([Item(Kind.TEXT, text)], None)
    assert read(frame(text[:1], first=0x01) + frame(b"", first=0x80)) == ([], CloseCode.NOT_UTF8)


@pytest.mark.parametrize(
    "bad",
    [
        frame(b"a", first=0x00),
        frame(b"a", first=0x80),
        frame(b"a", first=0x01) + frame(b"b"),
        frame(b"a", first=0x02) + frame(b"b", first=0x02),
    ],
    ids=["continuation of nothing", "end of nothing", "text within a message", "fragment within a message"],
)
def test_data_frames_out_of_order_are_refused(bad: bytes) -> None:
    items, error = read(frame(b"1") + bad + frame(b"2"))
    assert (items, error) == ([Item(Kind.TEXT, b"1")], CloseCode.PROTOCOL_ERROR)
    behind = Oracle()
    behind.feed(bad)
    assert behind.closed


@pytest.mark.parametrize("first", [0x81, 0x82, 0x01])
@pytest.mark.parametrize("length", [LIMIT + 1, 1 << 30, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_a_long_message_is_refused_by_its_announcement(first: int, length: int) -> None:
    header = bytes((first, 0xFF)) + length.to_bytes(8) + b"mask"
    assert read(frame(b"1") + header) == ([Item(Kind.TEXT, b"1")], CloseCode.TOO_BIG)


def test_a_message_as_long_as_the_limit_passes_and_one_byte_more_does_not() -> None:
    assert read(frame(b"x" * 100), limit=100) == ([Item(Kind.TEXT, b"x" * 100)], None)
    assert read(frame(b"x" * 101), limit=100) == ([], CloseCode.TOO_BIG)
    start, end = frame(b"x" * 60, first=0x01), frame(b"x" * 40, first=0x80)
    assert read(start + end, limit=100) == ([Item(Kind.TEXT, b"x" * 100)], None)
    assert read(start + frame(b"x" * 41, first=0x80)[:6], limit=100) == ([], CloseCode.TOO_BIG)


def test_the_limit_counts_each_fragmented_message_anew_and_no_control_frames() -> None:
    message = frame(b"x" * 60, first=0x01) + frame(b"x" * 60, first=0x89) + frame(b"x" * 40, first=0x80)
    assert read(message * 3, limit=100)[1] is None


@pytest.mark.parametrize(
    ("payload", "most"),
    [(b"", 1024), (b"x", 64 * 1024 // 63), (b"x" * 63, 64 * 1024)],
    ids=["empty", "one byte", "63 bytes"],
)
def test_tiny_fragments_pass_up_to_what_they_may_waste(payload: bytes, most: int) -> None:
    """At any limit of bytes, and anew for each message."""
    reader, fragments = FrameReader(5 * MiB), (frame(payload, first=0x00) * most)[6 + len(payload) :]
    message, end = frame(payload, first=0x01) + fragments, frame(b"", first=0x80)
    for _ in range(2):
        assert reader.feed(message + end) == [Item(Kind.TEXT, payload * most)]
    assert reader.feed(message + frame(payload, first=0x00) + end) == []
    assert reader.error is not None
    assert reader.error.close_code is CloseCode.POLICY


@pytest.mark.parametrize(
    ("total", "size"), [(4 * MiB, 64), (9_990_000, 1016), (990_000, 960)], ids=["Autobahn 9.3.1", "10 MB", "1 MB"]
)
@pytest.mark.parametrize("opcode", [1, 2])
def test_a_message_may_come_in_any_number_of_fragments_of_a_decent_size(total: int, size: int, opcode: int) -> None:
    payload = b"x" * total
    pieces = [payload[start : start + size] for start in range(0, total, size)]
    frames = [frame(piece, first=0x00) for piece in pieces]
    stream = frame(pieces[0], first=opcode) + b"".join(frames[1:-1]) + frame(pieces[-1], first=0x80)
    reader, items = FrameReader(total), list[Item]()
    for start in range(0, len(stream), 65_536):
        items += reader.feed(stream[start : start + 65_536])
    assert reader.error is None
    assert items == [Item(Kind.TEXT if opcode == 1 else Kind.BINARY, payload)]


@pytest.mark.parametrize("size", [1, 64, 10_000])
def test_an_incomplete_message_costs_its_bytes_however_many_fragments_it_has(size: int) -> None:
    count = min(1000, 100_000 // size)
    stream = frame(b"", first=0x01) + frame(b"x" * size, first=0x00) * count
    reader = FrameReader(LIMIT)
    reader.feed(frame(b"warm"))
    tracemalloc.start()
    try:
        assert reader.feed(stream) == []
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 2 * size * count + 10_000


@pytest.mark.parametrize("payload", [b"\xff", b"4\xed\xa0\x80", b"\xc3", b"\xf4\x90\x80\x80"])
def test_text_that_is_not_utf8_is_refused(payload: bytes) -> None:
    assert read(frame(b"1") + frame(payload) + frame(b"2")) == ([Item(Kind.TEXT, b"1")], CloseCode.NOT_UTF8)


@pytest.mark.parametrize("bad", [frame(b"\xff"), frame(b"x" * 101), frame(b"x" * 101, first=0x01)])
def test_an_error_is_final_and_keeps_nothing(bad: bytes) -> None:
    reader = FrameReader(100)
    reader.feed(bad)
    error = reader.error
    assert error is not None
    for _ in range(3):
        assert reader.feed(frame(b"1") + frame(b"\xff")) == []
    assert reader.error is error


GOODBYES = {
    "ordinary": frame(b"\x03\xe8bye", first=0x88),
    "empty": frame(b"", first=0x88),
    "of one byte": frame(b"\x03", first=0x88),
    "of an illegal code": frame(b"\x03\xed", first=0x88),
    "too long": frame(b"x" * 126, first=0x88),
    "not final": frame(b"", first=0x08),
    "with reserved bits": frame(b"", first=0xC8),
    "not masked": b"\x88\x02\x03\xe8",
}
ENDS = {
    "nothing": b"",
    "an unknown opcode": frame(b"x", first=0x83),
    "reserved bits": frame(b"x" * 70_000, first=0xC1),
    "a continuation of nothing": frame(b"x", first=0x80),
    "a long ping": frame(b"x" * 126, first=0x89),
    "a frame without mask": b"\x81\x02hi",
    "text that is not UTF-8": frame(b"\xff"),
    "a message too big": frame(b"x" * (LIMIT + 1)),
    "a fragment too big": frame(b"x" * (LIMIT + 1), first=0x01),
}


@pytest.mark.parametrize("goodbye", GOODBYES.values(), ids=GOODBYES)
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
@pytest.mark.parametrize("step", [1, 3, 10**9])
def test_a_goodbye_is_seen_as_soon_as_it_is_complete_behind_whatever_ends_the_connection(
    goodbye: bytes, end: bytes, step: int
) -> None:
    reader = FrameReader(LIMIT)
    reader.feed(frame(b"before") + end[:-40])
    data = end[-40:] + (frame(b"between") if end else b"") + goodbye
    for start in range(0, len(data) - 1, step):
        reader.feed(data[:-1][start : start + step])
        assert not reader.goodbye
    reader.feed(data[-1:])
    assert reader.goodbye


@pytest.mark.parametrize("end", [end for end in ENDS.values() if end])
def test_what_looks_like_a_goodbye_inside_of_a_frame_is_none(end: bytes) -> None:
    reader = FrameReader(LIMIT)
    reader.feed(end + frame(GOODBYES["ordinary"] * 20) + GOODBYES["ordinary"][:-1])
    assert not reader.goodbye


@pytest.mark.parametrize("step", [2, 50, 1000])
def test_an_incomplete_message_costs_its_bytes_and_little_more(step: int) -> None:
    data = frame(b"x" * 20_000)[:-1]
    pieces = [data[start : start + step] for start in range(0, len(data), step)]
    reader = FrameReader(LIMIT)
    tracemalloc.start()
    try:
        for piece in pieces:
            assert reader.feed(bytes(bytearray(piece))) == []
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 30_000


def test_a_frame_without_end_costs_nothing_when_it_is_cold() -> None:
    reader = FrameReader(LIMIT)
    reader.feed(bytes((0x83, 0xFF)) + (900_000).to_bytes(8) + b"mask")
    assert all(reader.feed(b"x" * 1000) == [Item(Kind.COLD, b"x" * 1000)] for _ in range(900))


@given(st.binary(max_size=40), st.binary(min_size=4, max_size=4))
def test_a_mask_is_an_xor_with_four_bytes_in_turn(payload: bytes, mask: bytes) -> None:
    expected = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    assert unmask(payload, mask) == expected
    assert unmask(expected, mask) == payload
