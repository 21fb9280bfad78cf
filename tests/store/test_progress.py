"""Marks are exact, whatever is marked in whatever order: a plain set says the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slysock_store.progress import (
    NO_SEQUENCES,
    PAGE_BYTES,
    PAGE_MESSAGES,
    Bits,
    Progress,
    Sequences,
    Tally,
    from_bytes,
    highest_unmarked,
    is_marked,
    mark,
    page_of,
    pages_above,
    to_bytes,
    with_new,
    with_new_marked,
    without_one,
)

LAST = 3 * PAGE_MESSAGES + 10


class Member:
    """A member who keeps pages, and beside them, for each message, whether it waits."""

    def __init__(self, waiting: set[int], last: int = LAST) -> None:
        self.progress = Progress(waiting=len(waiting), to=min(waiting) - 1 if waiting else 0)
        self.pages: dict[int, Bits] = {}
        self.waiting = set(waiting)
        self.last = last

    def page(self, number: int) -> Bits:
        return self.pages.get(number, 0)

    def mark(self, first: int, last: int) -> None:
        taken = {sequence for sequence in self.waiting if first <= sequence <= last}
        before = self.progress
        self.progress, pages = mark(before, first, last, newly=len(taken), page=self.page)
        self.pages.update(pages)
        self.waiting -= taken
        if not self.progress.beyond:
            self.pages.clear()

    def check(self) -> None:
        assert self.progress.waiting == len(self.waiting)
        for sequence in self.waiting:
            assert not is_marked(self.progress, sequence, self.page)
        assert set(self.pages) <= set(pages_above(self.progress)) | set(range(page_of(self.progress.to + 1)))

    def seen_as_marked(self, sequences: set[int]) -> bool:
        return all(is_marked(self.progress, sequence, self.page) for sequence in sequences)


spots = st.one_of(
    st.integers(1, LAST), st.sampled_from([1, 2, PAGE_MESSAGES - 1, PAGE_MESSAGES, PAGE_MESSAGES + 1, LAST])
)
spans = st.tuples(spots, st.integers(0, 2 * PAGE_MESSAGES)).map(lambda pair: (pair[0], min(pair[0] + pair[1], LAST)))
singles = spots.map(lambda spot: (spot, spot))


@given(st.sets(spots, max_size=40), st.lists(st.one_of(spans, singles), max_size=30))
def test_whatever_is_marked_is_marked_and_nothing_else(waiting: set[int], marks: list[tuple[int, int]]) -> None:
    member = Member(waiting)
    for first, last in marks:
        member.mark(first, last)
        member.check()
        assert member.seen_as_marked(waiting - member.waiting)


@given(st.sets(spots, max_size=40), st.lists(singles, max_size=30), spots)
def test_what_is_looked_for_from_the_top_is_found(waiting: set[int], marks: list[tuple[int, int]], top: int) -> None:
    member = Member(waiting)
    for first, last in marks:
        member.mark(first, last)
    found, at = set[int](), highest_unmarked(member.progress, top, member.page)
    while at > member.progress.to:
        assert not is_marked(member.progress, at, member.page) or not member.waiting
        found.add(at)
        at = highest_unmarked(member.progress, at - 1, member.page)
        if len(found) > 100:
            return
    assert {sequence for sequence in member.waiting if sequence <= top} <= found


def test_reading_in_order_needs_no_page() -> None:
    member = Member({1, 2, 3, 4})
    for sequence in (1, 2, 3):
        member.mark(sequence, sequence)
        assert (member.progress.to, member.progress.beyond, member.pages) == (sequence, 0, {})
    member.mark(4, 4)
    assert member.progress == Progress()


def test_a_gap_that_closes_gives_its_page_back() -> None:
    member = Member({1, 2, 3, 4, 5})
    member.mark(2, 3)
    assert member.progress == Progress(waiting=3, to=0, beyond=3)
    member.mark(1, 1)
    assert (member.progress, member.pages) == (Progress(waiting=2, to=3), {})


@pytest.mark.parametrize("count", [1_000, 100_000])
def test_every_other_of_many_costs_a_page_at_a_time_and_an_eighth_of_a_byte_each(count: int) -> None:
    member = Member(set(range(1, count + 1)), last=count)
    for sequence in range(2, count + 1, 2):
        progress, pages = mark(member.progress, sequence, sequence, newly=1, page=member.page)
        assert len(pages) == 1
        member.progress = progress
        member.pages.update(pages)
    assert sum(len(to_bytes(bits)) for bits in member.pages.values()) <= count // 8 + PAGE_BYTES
    assert [is_marked(member.progress, sequence, member.page) for sequence in (count - 1, count)] == [False, True]
    for sequence in range(1, count, 2):
        member.progress, pages = mark(member.progress, sequence, sequence, newly=1, page=member.page)
        member.pages.update(pages)
    assert member.progress == Progress()


def test_new_messages_wait_or_are_marked_at_once() -> None:
    none = Progress()
    assert with_new_marked(none, 7) is none
    first = with_new(none, 8)
    assert first == Progress(waiting=1, to=7)
    assert with_new(first, 9) == Progress(waiting=2, to=7)
    assert with_new_marked(first, 9) == Progress(waiting=1, to=7, beyond=9)
    assert without_one(with_new_marked(with_new(first, 9), 10)) == Progress(waiting=1, to=7, beyond=10)
    assert without_one(first) == Progress()


def test_a_page_is_stored_in_as_many_bytes_whatever_is_on_it() -> None:
    for bits in (0, 1, 1 << PAGE_MESSAGES - 1, (1 << PAGE_MESSAGES) - 1):
        assert len(to_bytes(bits)) == PAGE_BYTES
        assert from_bytes(to_bytes(bits)) == bits


def test_sequences_are_those_between_two_that_are_on_no_page() -> None:
    some = Sequences(2, PAGE_MESSAGES + 1, {0: 0b1000, 1: 0b1})
    assert [sequence in some for sequence in (1, 2, 3, 4)] == [False, True, False, True]
    assert [PAGE_MESSAGES + more in some for more in (-1, 0, 1, 2)] == [True, False, True, False]
    assert 1 not in NO_SEQUENCES


@given(st.sets(st.integers(1, LAST), max_size=30), st.sets(st.integers(1, LAST), max_size=30))
def test_a_tally_says_what_single_messages_say(waiting: set[int], marked: set[int]) -> None:
    marked -= waiting
    tally = Tally()
    for sequence in sorted(waiting | marked):
        tally.add(sequence, marked=sequence in marked)
    member = Member(waiting)
    member.progress, member.pages = tally.progress, tally.pages
    member.check()
    assert member.seen_as_marked(marked)
