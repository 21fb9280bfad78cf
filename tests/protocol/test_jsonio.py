import dataclasses
import enum
import math
import re
from collections import OrderedDict, UserDict, defaultdict, deque
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from json import dumps, loads
from typing import NamedTuple
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slysock_protocol import LocalProtocolError, RemoteProtocolError, jsonio
from slysock_protocol.limits import MAX_DEPTH

from .strategies import JSON, JSON_WITH_BYTES

NOW = datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
DEEP = 100_000


class Text(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "not the value"


class Key(str):
    __slots__ = ()


class Count(int): ...


class Ratio(float): ...


class Table(dict[str, object]): ...


class Row(list[object]): ...


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Flag(enum.Enum):
    UP = True


class Blob(enum.Enum):
    ONE = b"1"


class Pair(NamedTuple):
    left: object
    right: object


class Record(msgspec.Struct):
    name: str
    data: object


@dataclasses.dataclass
class Point:
    x: object
    _y: object = 2


def nested(depth: int, leaf: object = 1) -> object:
    value = leaf
    for _ in range(depth):
        value = [value]
    return value


def nested_records(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = Record("a", value)
    return value


def nested_tables(depth: int) -> object:
    value = Table()
    for _ in range(depth):
        value = Table(a=value)
    return value


ENCODED: list[tuple[object, bytes]] = [
    (None, b"null"),
    (True, b"true"),
    (1.5, b"1.5"),
    ("é\x1e\u2028", '"é\\u001e\u2028"'.encode()),
    ([1, (2, [])], b"[1,[2,[]]]"),
    (Text("a"), b'"a"'),
    (Count(4), b"4"),
    (Ratio(0.5), b"0.5"),
    (Table(a=Row([Text("b")])), b'{"a":["b"]}'),
    (OrderedDict(a=1), b'{"a":1}'),
    (defaultdict(list[int], a=[1]), b'{"a":[1]}'),
    (Colour.RED, b'"red"'),
    (Level.HIGH, b"3"),
    (Pair(1, Pair(2, 3)), b"[1,[2,3]]"),
    (Record("a", Record("b", None)), b'{"name":"a","data":{"name":"b","data":null}}'),
    (Record("a", msgspec.UNSET), b'{"name":"a"}'),
    (Point(1), b'{"x":1,"_y":2}'),
    (NOW, b'"2024-01-02T03:04:05.678000Z"'),
    (datetime(2024, 1, 2, 3, 4, 5), b'"2024-01-02T03:04:05"'),
    (date(2024, 1, 2), b'"2024-01-02"'),
    (time(1, 2, tzinfo=UTC), b'"01:02:00Z"'),
    (timedelta(days=1), b'"P1D"'),
    (UUID(int=5), b'"00000000-0000-0000-0000-000000000005"'),
    (Decimal("1.10"), b'"1.10"'),
    (
        {1: 2, Key("q"): 3, 1.5: 4, Level.HIGH: 5, NOW: 6},
        b'{"1":2,"q":3,"1.5":4,"3":5,"2024-01-02T03:04:05.678000Z":6}',
    ),
    ({True: 1, False: {None: 2}, UUID(int=5): 3}, b'{"true":1,"false":{"null":2},"%b":3}' % str(UUID(int=5)).encode()),
    ([({math.nan: 1, 1e-7: 2},)], b'[[{"null":1,"1e-7":2}]]'),
    ({Count(4): 1, Colour.RED: 2, Flag.UP: 3}, b'{"4":1,"red":2,"true":3}'),
    (Record("a", {True: [Point({None: 1})]}), b'{"name":"a","data":{"true":[{"x":{"null":1},"_y":2}]}}'),
    (Point({True: 1, Decimal("1.5"): 2}), b'{"x":{"true":1,"1.5":2},"_y":2}'),
    ([math.nan, math.inf, -math.inf], b"[null,null,null]"),
    (frozenset({1}), b"[1]"),
    (2**64, b"18446744073709551616"),
    (-(2**63) - 1, b"-9223372036854775809"),
    ({"_placeholder": True, "num": 0}, b'{"_placeholder":true,"num":0}'),
]


@pytest.mark.parametrize(("value", "text"), ENCODED)
def test_values_are_encoded_without_attachments(value: object, text: bytes) -> None:
    assert jsonio.encode(value) == (text, [])


@pytest.mark.parametrize(("value", "text"), [case for case in ENCODED if case[1].find(b"_placeholder") < 0])
def test_values_are_written_alike_beside_an_attachment(value: object, text: bytes) -> None:
    assert jsonio.encode([value, b"x"]) == (b"[" + text + b',{"_placeholder":true,"num":0}]', [b"x"])


@pytest.mark.parametrize(
    ("value", "text", "attachments"),
    [
        (b"a", b"0", [b"a"]),
        (bytearray(b"a"), b"0", [b"a"]),
        (memoryview(b"abcd")[::2], b"0", [b"ac"]),
        ({"a": [b"", {"b": b"2"}], "c": b"3"}, b'{"a":[0,{"b":1}],"c":2}', [b"", b"2", b"3"]),
        (Record("a", Record("b", b"x")), b'{"name":"a","data":{"name":"b","data":0}}', [b"x"]),
        (Point(b"x", b"y"), b'{"x":0,"_y":1}', [b"x", b"y"]),
        (Pair(b"x", 1), b"[0,1]", [b"x"]),
        (Table(a=b"x"), b'{"a":0}', [b"x"]),
        (Blob.ONE, b"0", [b"1"]),
        (frozenset({b"x"}), b"[0]", [b"x"]),
        ([2**70, b"x"], b"[1180591620717411303424,0]", [b"x"]),
        ([{"_placeholder": 1, "num": 0}, b"x"], b'[{"_placeholder":1,"num":0},0]', [b"x"]),
    ],
)
def test_bytes_anywhere_become_numbered_placeholders(value: object, text: bytes, attachments: list[bytes]) -> None:
    # In the table, a bare number where the placeholder of that number stands.
    got, cut = jsonio.encode(value)
    assert re.sub(rb'\{"_placeholder":true,"num":(\d+)\}', rb"\1", got) == text
    assert cut == attachments


CYCLE: list[object] = []
CYCLE.append(CYCLE)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        len,
        1j,
        deque([1]),
        UserDict(a=1),
        range(3),
        ValueError("x"),
        msgspec.UNSET,
        msgspec.Raw(b"[1]"),
        {b"a": 1},
        {(1, 2): 1},
        "\ud800",
        {"\ud800": 1},
        10**5000,
        CYCLE,
        nested(DEEP),
        nested_records(DEEP),
        nested_tables(DEEP),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("attachments", [[], [b"x"]], ids=["alone", "beside an attachment"])
def test_what_json_cannot_carry_is_our_mistake(value: object, attachments: list[bytes]) -> None:
    with pytest.raises(LocalProtocolError):
        jsonio.encode([value, *attachments])


def test_a_placeholder_of_the_user_is_refused_beside_attachments() -> None:
    with pytest.raises(LocalProtocolError, match="placeholder"):
        jsonio.encode([{"_placeholder": True, "num": 0}, b"x"])


def test_attachments_are_found_to_a_depth_and_refused_below() -> None:
    assert jsonio.encode(nested(200, b"x"))[1] == [b"x"]
    with pytest.raises(LocalProtocolError, match="deep"):
        jsonio.encode(nested(201, b"x"))


DECODED: list[tuple[bytes, object]] = [
    (b' {"a":[1,-0.5,null,true,"\\n"]} ', {"a": [1, -0.5, None, True, "\n"]}),
    (b"18446744073709551616", 2**64),
    (b"-9223372036854775809", -(2**63) - 1),
    (b'"\\ud83d\\ude00"', "\U0001f600"),
    (b'"\\ud800"', "\ufffd"),
    (b'"\\udc00"', "\ufffd"),
    (b'"\\uDC00x\\uD800"', "\ufffdx\ufffd"),
    (b'"\\ud83d\\ude00\\ud83d"', "\U0001f600\ufffd"),
    (b'"\\ud83d\\ud83d\\ude00"', "\ufffd\U0001f600"),
    (b'"\\ude00\\ud83d"', "\ufffd\ufffd"),
    (b'"\\\\ud800\\ud800"', "\\ud800\ufffd"),
    (b'"\\\\\\ud800"', "\\\ufffd"),
    (b'"\\\\\\\\ud800 \\ud800"', "\\\\ud800 \ufffd"),
    (b'{"\\ud800":"\\udfff"}', {"\ufffd": "\ufffd"}),
]


@pytest.mark.parametrize(("text", "value"), DECODED)
def test_json_is_decoded_and_lone_surrogates_are_replaced(text: bytes, value: object) -> None:
    assert jsonio.decode(text) == value


@given(st.lists(st.sampled_from(["\\\\", "\\ud83d", "\\ude00", "\\n", "u", "d83d", "é"]), max_size=8).map("".join))
def test_lone_surrogates_are_replaced_as_the_standard_library_sees_them(inside: str) -> None:
    text = f'"{inside}"'
    value: str = loads(text)
    assert jsonio.decode(text.encode()) == re.sub("[\ud800-\udfff]", "\ufffd", value)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b" ",
        b"[1,]",
        b"NaN",
        b"Infinity",
        b"1e400",
        b"-1e400",
        b"[1e99999999999]",
        b"1" * 5000,
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\\ud800',
        b'"\\u12"',
        b'"\x01"',
        b"\xef\xbb\xbf[]",
        b"\x00",
        b"[" * DEEP,
        b"[" * DEEP + b"]" * DEEP,
        b'{"a":' * DEEP,
        b'"\\ud800"' + b"[" * DEEP,
        b'["\\ud800",' + b"[" * DEEP,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_not_json_is_the_peers_mistake(text: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        jsonio.decode(text)


def test_repairing_is_linear_in_the_length_of_the_text() -> None:
    with pytest.raises(RemoteProtocolError):
        jsonio.decode(b'"' + b"\\" * 100_001 + b"\\ud800")


@given(st.binary(max_size=40) | st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_garbage_is_a_value_or_the_peers_mistake(text: bytes) -> None:
    with suppress(RemoteProtocolError):
        jsonio.decode(text)


def test_typed_decoding_tells_what_does_not_fit_from_what_is_malformed() -> None:
    decoder = msgspec.json.Decoder(list[str])
    assert jsonio.decode_as(decoder, b'["\\ud800"]') == ["\ufffd"]
    for text in (b"[1]", b'["\\ud800",1]'):
        with pytest.raises(msgspec.ValidationError):
            jsonio.decode_as(decoder, text)
    with pytest.raises(RemoteProtocolError):
        jsonio.decode_as(decoder, b"[")


@given(JSON)
def test_values_survive_a_round_trip(value: object) -> None:
    text, attachments = jsonio.encode(value)
    assert (jsonio.decode(text), attachments) == (value, [])
    assert loads(text) == loads(dumps(value))


@given(JSON_WITH_BYTES)
def test_values_with_bytes_survive_a_round_trip(value: object) -> None:
    text, attachments = jsonio.encode([value])
    assert jsonio.fill(jsonio.decode(text), attachments) == [value]


@pytest.mark.parametrize("number", [-1, 2, 99, "0", None, True, 0.0, [], {"_placeholder": True, "num": 0}])
def test_a_placeholder_without_an_attachment_is_refused(number: object) -> None:
    place = {"_placeholder": True, "num": number}
    for value in (place, [place], {"a": [place]}):
        with pytest.raises(RemoteProtocolError, match="illegal attachments"):
            jsonio.fill(value, [b"a", b"b"])


def test_what_only_looks_like_a_placeholder_is_left_alone() -> None:
    value = [{"_placeholder": 1, "num": 0}, {"_placeholder": "true", "num": 0}, {"num": 0}, "_placeholder", None]
    assert jsonio.fill(list(value), [b"a"]) == value


def test_attachments_may_be_used_twice_or_not_at_all() -> None:
    place = {"_placeholder": True, "num": 1}
    assert jsonio.fill("scalar", [b"a"]) == "scalar"
    assert jsonio.fill([place, {"a": [place]}], [b"a", b"b"]) == [b"b", {"a": [b"b"]}]


def test_attachments_are_used_no_more_often_than_they_can_be_sent_on() -> None:
    place = {"_placeholder": True, "num": 0}
    assert jsonio.fill([dict(place) for _ in range(10)], [b"a"]) == [b"a"] * 10
    with pytest.raises(RemoteProtocolError, match="too many attachments"):
        jsonio.fill([[dict(place)] for _ in range(11)], [b"a"])


@pytest.mark.parametrize("open_close", [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"]":', b"}]")], ids=repr)
def test_what_is_nested_deeper_than_can_be_sent_on_is_refused(open_close: tuple[bytes, bytes]) -> None:
    one, other = open_close
    levels = one.count(b"[") + one.count(b"{")

    def text(depth: int) -> bytes:
        return one * (depth // levels) + b'"' + b"[" * 1000 + b'"' + other * (depth // levels)

    value = jsonio.decode(text(MAX_DEPTH))
    jsonio.encode([[value]])
    with pytest.raises(RemoteProtocolError, match="deep"):
        jsonio.decode(text(MAX_DEPTH + 40))
    with pytest.raises(RemoteProtocolError, match="deep"):
        jsonio.decode_as(msgspec.json.Decoder(object), text(250))


def test_wide_is_not_deep() -> None:
    assert jsonio.decode(b"[" + b",".join([b'[[{"a":[]}]]'] * 10_000) + b"]") == [[[{"a": []}]]] * 10_000


def test_filling_walks_to_a_depth_and_refuses_below() -> None:
    place = {"_placeholder": True, "num": 0}
    assert jsonio.fill(nested(200, place), [b"a"]) == nested(200, b"a")
    for depth in (202, DEEP):
        with pytest.raises(RemoteProtocolError, match="deep"):
            jsonio.fill(nested(depth), [b"a"])
