"""Which part of a file is requested: RFC 9110, sections 13 and 14. Pure."""

import re
from typing import Final, final

from msgspec import Struct

_UNIT: Final = re.compile(r"bytes=(.+)", re.IGNORECASE | re.DOTALL)
_RANGE: Final = re.compile(r"(\d{0,19})-(\d{0,19})")
MAX_RANGES: Final = 64
"""No video player asks for more in one header; such a header is ignored, as section 14.2 allows."""


@final
class Span(Struct, frozen=True):
    """Bytes of a file, `start` to before `end`."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """The number of bytes."""
        return self.end - self.start


class Unsatisfiable(Exception):
    """None of the ranges is in the file: 416."""


def maybe_span(header: str | None, size: int) -> Span | None:
    """Return the part of a file of `size` bytes that a Range header asks for.

    Of several ranges the first that is in the file is sent: "a client MUST inspect a 206 response's Content-Type and
    Content-Range field(s) to determine what parts are enclosed and whether additional requests are needed" (section
    15.3.7). Players ask for one.

    Returns:
        None if the header is to be ignored and the whole file sent: there is none, it has another unit, or is
        malformed.

    Raises:
        Unsatisfiable: the header is valid, but none of its ranges is in the file.
    """
    match = _UNIT.fullmatch((header or "").strip())
    if match is None:
        return None
    specs = [spec.strip(" \t") for spec in match[1].split(",") if spec.strip(" \t")]
    parsed = [_RANGE.fullmatch(spec) for spec in specs]
    if not parsed or len(parsed) > MAX_RANGES:
        return None
    spans: list[Span | None] = []
    for spec in parsed:
        if spec is None or (not spec[1] and not spec[2]) or (spec[1] and spec[2] and int(spec[2]) < int(spec[1])):
            return None
        spans.append(_placed(spec[1], spec[2], size))
    found = next((span for span in spans if span is not None), None)
    if found is None:
        raise Unsatisfiable
    return found


def _placed(first: str, last: str, size: int) -> Span | None:
    """Return one range within the file; None if it lies outside."""
    if not first:
        length = min(int(last), size)
        return Span(size - length, size) if length else None
    start = int(first)
    if start >= size:
        return None
    return Span(start, min(int(last) + 1, size) if last else size)


def matches(header: str | None, etag: str) -> bool:
    """Tell whether an If-None-Match header names this entity tag (weak comparison, RFC 9110 section 13.1.2)."""
    if header is None:
        return False
    names = [name.strip().removeprefix("W/") for name in header.split(",")]
    return "*" in names or etag in names


def range_applies(if_range: str | None, etag: str) -> bool:
    """Tell whether a Range counts: without If-Range, or if that has our entity tag (strong comparison, section 13.1.5).

    Files have no date here, so a date in If-Range never matches.
    """
    return if_range is None or if_range.strip() == etag
