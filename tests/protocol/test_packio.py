"""MessagePack values as they come from clients; the packets around them are tested in socketio/."""

import pytest

from slysock_protocol import RemoteProtocolError, packio
from slysock_protocol.limits import MAX_DEPTH


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"\x81\xa1a\x92\x01\xc4\x01x", {"a": [1, b"x"]}),
        (b"\xd4\x00\x00", None),
        (b"\xc7\x02\x00ab", b"ab"),
        (b"\xd7\x00" + bytes(8), "1970-01-01T00:00:00.000Z"),
        (b"\xd7\x00" + (253_402_300_800_000).to_bytes(8), "+010000-01-01T00:00:00.000Z"),
        (b"\xd6\xff\x00\x00\x00\x01", "1970-01-01T00:00:01.000Z"),
        (b"\xd7\xff" + (1_500 << 34 | 2).to_bytes(8), "1970-01-01T00:00:02.000001Z"),
        (b"\xc7\x0c\xff" + (1_000_000).to_bytes(4) + (3).to_bytes(8), "1970-01-01T00:00:03.001Z"),
    ],
)
def test_values_are_those_that_json_clients_would_send(data: bytes, value: object) -> None:
    assert packio.decode(data) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x81\x01\x02",
        b"\x81\xc4\x01a\x02",
        b"\x81\xcb" + bytes(8) + b"\x02",
        b"\xd4\x01\x00",
        b"\xd7\x00\x7f" + b"\xff" * 7,
        b"\xd5\xff\x00\x00",
        b"\xd7\xff" + b"\xff" * 8,
        b"\xc7\x0c\xff" + bytes(4) + b"\x7f" + b"\xff" * 7,
    ],
)
def test_anything_else_is_the_peers_mistake(data: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match="malformed MessagePack"):
        packio.decode(data)


@pytest.mark.parametrize("inner", [b"\xc0", b"\xc4\x01x", b"\x01"])
def test_what_could_not_be_sent_on_is_refused(inner: bytes) -> None:
    packio.decode(b"\x91" * MAX_DEPTH + inner)
    with pytest.raises(RemoteProtocolError, match="nested too deep"):
        packio.decode(b"\x91" * (MAX_DEPTH + 1) + inner)


def test_an_array_is_told_by_its_first_byte() -> None:
    assert all(packio.is_array(data) for data in (b"\x90", b"\x9f", b"\xdc\x00\x00", b"\xdd" + bytes(4)))
    assert not any(packio.is_array(data) for data in (b"", b"\x80", b"\xc0", b"\xde\x00\x00", b"\xa1x"))
