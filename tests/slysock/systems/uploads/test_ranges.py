"""Ranges of a file, as RFC 9110 has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slysock.systems.uploads.ranges import Span, Unsatisfiable, matches, maybe_span, range_applies


@pytest.mark.parametrize(
    ("header", "size", "span"),
    [
        ("bytes=0-0", 10, Span(0, 1)),
        ("bytes=0-", 10, Span(0, 10)),
        ("bytes=3-5", 10, Span(3, 6)),
        ("bytes=3-500", 10, Span(3, 10)),
        ("bytes=-4", 10, Span(6, 10)),
        ("bytes=-400", 10, Span(0, 10)),
        ("BYTES=9-", 10, Span(9, 10)),
        (" bytes=1-2 ", 10, Span(1, 3)),
        ("bytes=10-, 2-3", 10, Span(2, 4)),
        ("bytes=2-3,5-6", 10, Span(2, 4)),
        (None, 10, None),
        ("", 10, None),
        ("bytes=", 10, None),
        ("bytes=-", 10, None),
        ("bytes=5-3", 10, None),
        ("bytes=a-b", 10, None),
        ("bytes=1-2,x", 10, None),
        ("bytes=+1-2", 10, None),
        ("bytes=1 - 2", 10, None),
        ("lines=1-2", 10, None),
        ("bytes=" + ",".join(["0-0"] * 65), 10, None),
        ("bytes=" + "9" * 20 + "-", 10, None),
    ],
)
def test_a_header_names_a_part_or_is_ignored(header: str | None, size: int, span: Span | None) -> None:
    assert maybe_span(header, size) == span


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-5", 0)])
def test_a_part_outside_of_the_file_is_unsatisfiable(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        maybe_span(header, size)


@given(header=st.text(max_size=40) | st.from_regex(r"bytes=[0-9, \-]{0,30}", fullmatch=True), size=st.integers(0, 200))
def test_whatever_is_asked_for_is_inside_of_the_file(header: str, size: int) -> None:
    try:
        span = maybe_span(header, size)
    except Unsatisfiable:
        return
    if span is not None:
        assert 0 <= span.start < span.end <= size


def test_tags_compare_as_their_headers_demand() -> None:
    assert matches('"a"', '"a"')
    assert matches('W/"a"', '"a"')
    assert matches('"b", "a"', '"a"')
    assert matches("*", '"a"')
    assert not matches(None, '"a"')
    assert not matches('"b"', '"a"')
    assert range_applies(None, '"a"')
    assert range_applies('"a"', '"a"')
    assert not range_applies('W/"a"', '"a"')
    assert not range_applies("Wed, 21 Oct 2015 07:28:00 GMT", '"a"')
