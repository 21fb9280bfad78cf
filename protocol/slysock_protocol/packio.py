"""MessagePack values as they come from clients; no other module knows which library decodes them.

That is ormsgpack, as it takes maps with text for keys only. Of others, numbers above all, a client can send 80 000 that
collide in Python's hash table: one message of 800 kB held the loop for seconds. Extensions are those of notepack.io 2
and 3, and MessagePack's own dates.
"""

import struct
from datetime import UTC, datetime, timedelta
from typing import Final

import ormsgpack

from . import jsonio
from .errors import RemoteProtocolError
from .limits import MAX_DEPTH

_TIMESTAMP: Final = -1  # MessagePack, "Timestamp extension type"
_MAX_NANOSECONDS: Final = 999_999_999
_UNDEFINED_OR_DATE: Final = 0  # notepack's one extension type: one byte is undefined, eight are a date in ms
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CYCLE_MS: Final = 146_097 * 86_400_000  # 400 years
_MAX_DATE_MS: Final = 8_640_000_000_000_000  # ECMAScript, "Time Values and Time Range"
_ARRAYS: Final = frozenset({*range(0x90, 0xA0), 0xDC, 0xDD})  # first bytes of one
_NO_CONTAINERS: Final = bytes({*range(256)} - {*range(0x80, 0xA0), 0xDC, 0xDD, 0xDE, 0xDF})


def is_array(data: bytes) -> bool:
    """Tell whether an encoded value is an array."""
    return data[:1] != b"" and data[0] in _ARRAYS


def decode(data: bytes) -> object:
    """Decode any value. Keys are text; dates are text as JSON clients send it; undefined is None.

    Raises:
        RemoteProtocolError: not MessagePack, another key or an unknown extension, or nested too deep to be sent on.
    """
    # What the hook raises, whatever it is, comes out as ormsgpack's own ValueError.
    try:
        value: object = ormsgpack.unpackb(data, ext_hook=_extension)
    except ValueError:
        raise RemoteProtocolError("malformed MessagePack packet") from None
    if len(data) > MAX_DEPTH and len(data.translate(None, _NO_CONTAINERS)) > MAX_DEPTH:
        jsonio.check_depth_of(value)
    return value


def _timestamp(data: bytes) -> str:
    """Write MessagePack's own date as text: clients other than Node's send those."""
    match len(data):
        case 4:
            seconds, nanoseconds = int.from_bytes(data), 0
        case 8:
            nanoseconds, seconds = divmod(int.from_bytes(data), 2**34)
        case 12:
            nanoseconds, seconds = struct.unpack(">Iq", data)
        case _:
            raise ValueError("not the length of a date")
    if nanoseconds > _MAX_NANOSECONDS:
        raise ValueError("more than a second of nanoseconds")
    moment = _EPOCH + timedelta(seconds=seconds, microseconds=nanoseconds // 1000)  # or OverflowError
    whole = not moment.microsecond % 1000
    return moment.isoformat(timespec="milliseconds" if whole else "microseconds").replace("+00:00", "Z")


def _extension(code: int, data: bytes) -> object:
    """Decode MessagePack's own dates, and notepack's: undefined, dates, on Node typed arrays other than Buffer.

    Those three are extension 0; a typed array of one byte or of eight cannot be told from the others.
    """
    if code == _TIMESTAMP:
        return _timestamp(data)
    if code != _UNDEFINED_OR_DATE:
        raise ValueError("unknown extension")
    if len(data) == 1:
        return None
    if len(data) == 8:
        return _date(int.from_bytes(data, "big", signed=True))
    return data


def _date(milliseconds: int) -> str:
    """Write a date as JavaScript's toISOString does, the text in which JSON clients send dates.

    Python's calendar ends with the year 9999, JavaScript's goes on: the date is shifted by cycles of 400 years, after
    which the calendar repeats.
    """
    if abs(milliseconds) > _MAX_DATE_MS:
        raise ValueError("a date out of range")
    cycles, rest = divmod(milliseconds, _CYCLE_MS)
    moment = _EPOCH + timedelta(milliseconds=rest)
    year = moment.year + 400 * cycles
    text = f"{year:04}" if 0 <= year <= 9999 else f"{year:+07}"
    return f"{text}-{moment:%m-%dT%H:%M:%S}.{rest % 1000:03}Z"
