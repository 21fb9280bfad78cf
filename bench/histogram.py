"""Histograms in the layout of HdrHistogram: three significant figures from 1 ns to 1000 s.

The generator records them (generator/histogram.c has the same constants); here they are merged, evaluated, and written
in HdrHistogram's own exchange format (V2, compressed, base64), which its tools in every language read.
"""

import base64
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, final

SIGNIFICANT_FIGURES: Final = 3
SUB_BUCKET_BITS: Final = 11
SUB_BUCKET_HALF: Final = 1 << (SUB_BUCKET_BITS - 1)
LOWEST_NS: Final = 1
HIGHEST_NS: Final = 1_000_000_000_000

PAYLOAD_COOKIE: Final = 0x1C849303 | 0x10  # V2, counts as ZigZag LEB128
ENVELOPE_COOKIE: Final = 0x1C849304 | 0x10
PAYLOAD_HEAD: Final = struct.Struct(">iiiiqqd")
ENVELOPE_HEAD: Final = struct.Struct(">ii")


def value_of(index: int) -> int:
    """Return the highest value that is counted at an index, in ns: what HdrHistogram reports."""
    bucket = index // SUB_BUCKET_HALF - 1
    if bucket < 0:
        return index
    sub_bucket = index % SUB_BUCKET_HALF + SUB_BUCKET_HALF
    return ((sub_bucket + 1) << bucket) - 1


@final
class Histogram:
    """How many values there were of each size. Immutable.

    Args:
        counts: index -> how often; see value_of.
        maximum_ns: the exact largest value, which the index only rounds; 0 takes it from the counts.
    """

    __slots__ = ("_counts", "maximum_ns", "total")

    def __init__(self, counts: Mapping[int, int], maximum_ns: int = 0) -> None:
        self._counts = dict(sorted((index, count) for index, count in counts.items() if count))
        self.total = sum(self._counts.values())
        largest = value_of(max(self._counts)) if self._counts else 0
        self.maximum_ns = min(maximum_ns, largest) if maximum_ns else largest

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self._counts == other._counts

    def __hash__(self) -> int:
        return hash(tuple(self._counts.items()))

    def percentile_ns(self, percent: float) -> int:
        """Return the value that `percent` of all values do not exceed; 0 of an empty histogram."""
        wanted = max(1, round(self.total * percent / 100))
        for value, _, up_to in self.steps():
            if up_to >= wanted:
                return min(value, self.maximum_ns)
        return self.maximum_ns

    def steps(self) -> Iterator[tuple[int, int, int]]:
        """Yield the values that occur: (value in ns, how often, how often up to it)."""
        up_to = 0
        for index, count in self._counts.items():
            up_to += count
            yield value_of(index), count, up_to

    @classmethod
    def of_pairs(cls, pairs: Sequence[int], maximum_ns: int) -> "Histogram":
        """Make a histogram from what the generator prints: index, count, index, count, ….

        Raises:
            ValueError: an index without a count.
        """
        return cls(dict(zip(pairs[::2], pairs[1::2], strict=True)), maximum_ns)

    @classmethod
    def merged(cls, histograms: "Iterable[Histogram]") -> "Histogram":
        """Add histograms up."""
        counts: dict[int, int] = {}
        maximum_ns = 0
        for histogram in histograms:
            maximum_ns = max(maximum_ns, histogram.maximum_ns)
            for index, count in histogram._counts.items():  # noqa: SLF001 - our own class
                counts[index] = counts.get(index, 0) + count
        return cls(counts, maximum_ns)

    def encode(self) -> str:
        """Write the exchange format."""
        body = b"".join(_zigzag(number) for number in self._runs())
        payload = (
            PAYLOAD_HEAD.pack(PAYLOAD_COOKIE, len(body), 0, SIGNIFICANT_FIGURES, LOWEST_NS, HIGHEST_NS, 1.0) + body
        )
        compressed = zlib.compress(payload, 9)
        return base64.b64encode(ENVELOPE_HEAD.pack(ENVELOPE_COOKIE, len(compressed)) + compressed).decode()

    def _runs(self) -> Iterator[int]:
        """Yield the counts in order, a run of zeros as its negative length."""
        expected = 0
        for index, count in self._counts.items():
            if index > expected:
                yield expected - index
            yield count
            expected = index + 1

    @classmethod
    def decode(cls, text: str) -> "Histogram":
        """Read the exchange format.

        Raises:
            ValueError: it is not a histogram of our layout.
        """
        data = base64.b64decode(text)
        cookie, length = ENVELOPE_HEAD.unpack_from(data)
        if cookie != ENVELOPE_COOKIE:
            raise ValueError("not a compressed V2 histogram")
        payload = zlib.decompress(data[ENVELOPE_HEAD.size : ENVELOPE_HEAD.size + length])
        head = PAYLOAD_HEAD.unpack_from(payload)
        if head[0] != PAYLOAD_COOKIE or head[2:6] != (0, SIGNIFICANT_FIGURES, LOWEST_NS, HIGHEST_NS):
            raise ValueError("a histogram of another layout")
        counts: dict[int, int] = {}
        index = 0
        for number in _unzigzag(payload[PAYLOAD_HEAD.size :]):
            if number < 0:
                index -= number
            else:
                counts[index] = number
                index += 1
        return cls(counts)


def _zigzag(number: int) -> bytes:
    """Encode a number in ZigZag LEB128: seven bits at a time, the lowest first."""
    rest = number << 1 if number >= 0 else (-number << 1) - 1
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def _unzigzag(data: bytes) -> Iterator[int]:
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            yield value >> 1 if not value & 1 else -(value + 1 >> 1)
            value = shift = 0
