"""Any page and limit become bounds that can be served."""

import pytest

from slysock_store import MAX_LIMIT
from slysock_store.paging import MessageCounts, window


@pytest.mark.parametrize(
    ("asked", "applied"), [((0, 0), (1, 1)), ((-1, -1), (1, 1)), ((3, 20), (3, 20)), ((1, 101), (1, MAX_LIMIT))]
)
def test_a_window_is_within_bounds(asked: tuple[int, int], applied: tuple[int, int]) -> None:
    found = window(*asked)
    assert (found.page, found.limit) == applied


@pytest.mark.parametrize(
    ("page", "total", "offset"), [(1, 7, 0), (2, 7, 3), (3, 7, 6), (4, 7, 7), (10**30, 7, 7), (2, 0, 0)]
)
def test_an_offset_never_lies_past_the_end(page: int, total: int, offset: int) -> None:
    assert window(page, 3).offset(total) == offset


def test_counts_say_whether_any_message_is_deleted() -> None:
    assert MessageCounts(3, 3).all_kept
    assert not MessageCounts(3, 2).all_kept
