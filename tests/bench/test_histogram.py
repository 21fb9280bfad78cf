import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.histogram import HIGHEST_NS, Histogram, value_of

LARGEST_INDEX = 31 * 1024 - 1


def index_of(value: int) -> int:
    """The generator's arithmetic (histogram.c)."""
    bucket = max(value, 2047).bit_length() - 11
    return (bucket + 1) * 1024 + (value >> bucket) - 1024


@given(st.integers(0, HIGHEST_NS))
def test_an_index_keeps_three_significant_figures(value: int) -> None:
    reported = value_of(index_of(value))
    assert value <= reported <= value * 1.001 + 1


@given(st.dictionaries(st.integers(0, LARGEST_INDEX), st.integers(1, 2**40), max_size=50))
def test_the_exchange_format_keeps_every_count(counts: dict[int, int]) -> None:
    histogram = Histogram(counts)
    assert Histogram.decode(histogram.encode()) == histogram


def test_percentiles_are_those_of_the_sorted_values() -> None:
    values = range(1, 2001)
    histogram = Histogram({index_of(value): 1 for value in values})
    assert [histogram.percentile_ns(percent) for percent in (0, 50, 99, 99.9, 100)] == [1, 1000, 1980, 1998, 2000]


def test_no_percentile_exceeds_the_maximum() -> None:
    histogram = Histogram.of_pairs([index_of(123_456_789), 1], maximum_ns=123_456_789)
    assert histogram.percentile_ns(99.99) == 123_456_789


def test_an_empty_histogram_has_zero_everywhere() -> None:
    assert Histogram({}).percentile_ns(50) == 0
    assert Histogram.merged([]).total == 0


@given(st.lists(st.dictionaries(st.integers(0, LARGEST_INDEX), st.integers(1, 100), max_size=5), max_size=4))
def test_merging_adds_up(parts: list[dict[int, int]]) -> None:
    merged = Histogram.merged(Histogram(part) for part in parts)
    assert merged.total == sum(sum(part.values()) for part in parts)
    assert merged.maximum_ns == max((Histogram(part).maximum_ns for part in parts), default=0)


def test_what_others_wrote_is_refused() -> None:
    with pytest.raises(ValueError, match="not a compressed V2 histogram"):
        Histogram.decode("AAAAAAAAAAA=")


def test_the_exchange_format_is_that_of_hdrhistogram() -> None:
    hdrh = pytest.importorskip("hdrh.histogram", reason="PyPI: hdrhistogram")
    theirs = hdrh.HdrHistogram(1, HIGHEST_NS, 3)
    for value in (5, 2047, 2048, 70_000, 70_001, 123_456_789):
        theirs.record_value(value)
    ours = Histogram.decode(theirs.encode().decode())
    assert [ours.percentile_ns(percent) for percent in (10, 50, 90, 100)] == [
        theirs.get_value_at_percentile(percent) for percent in (10, 50, 90, 100)
    ]
    assert hdrh.HdrHistogram.decode(ours.encode()).get_total_count() == 6
