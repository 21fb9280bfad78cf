"""A client's goodbye, recognised only where it is complete and in order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slysock_protocol.websocket import goodbye_frame, read_goodbye, unmask

MASK = b"\x11\x22\x33\x44"


def masked(payload: bytes, first: int = 0x88) -> bytes:
    return bytes((first, 0x80 | len(payload))) + MASK + unmask(payload, MASK)


@pytest.mark.parametrize(
    ("payload", "answer"),
    [
        (b"", b""),
        (b"\x03\xe8", b"\x03\xe8"),  # 1000
        (b"\x03\xe9going", b"\x03\xe9"),  # 1001 and a reason
        (b"\x03\xe8\xc3\xa9", b"\x03\xe8"),
        (b"\x0f\xa0" + b"x" * 123, b"\x0f\xa0"),  # 4000 and the longest reason
    ],
)
def test_a_goodbye_in_order_is_answered_with_its_code(payload: bytes, answer: bytes) -> None:
    assert read_goodbye(masked(payload)) == answer
    assert goodbye_frame(answer) == bytes((0x88, len(answer))) + answer


@pytest.mark.parametrize(
    "cold",
    [
        b"",
        masked(b"")[:-1],  # not complete
        masked(b"\x03\xe8")[:-1],
        masked(b"") + b"\x81",  # something behind it
        masked(b"\x03"),  # half a code
        masked(b"\x03\xe7"),  # 999
        masked(b"\x03\xec"),  # 1004, reserved
        masked(b"\x03\xed"),  # 1005, never sent
        masked(b"\x03\xee"),  # 1006, never sent
        masked(b"\x07\xd0"),  # 2000, not given out
        masked(b"\x13\x88"),  # 5000
        masked(b"\x03\xe8\xff"),  # a reason that is not UTF-8
        masked(b"\x03\xe8", first=0x08),  # a fragment
        masked(b"\x03\xe8", first=0xC8),  # a reserved bit
        masked(b"hello", first=0x89),  # a ping
        b"\x88\x02\x03\xe8aaaa",  # not masked
    ],
)
def test_anything_else_is_for_the_complete_implementation(cold: bytes) -> None:
    assert read_goodbye(cold) is None


@given(st.binary(max_size=140))
def test_any_bytes_are_a_goodbye_or_none(cold: bytes) -> None:
    answer = read_goodbye(b"\x88" + cold)
    assert answer is None or len(answer) in (0, 2)
