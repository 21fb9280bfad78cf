"""Any page and limit become bounds that can be served."""

import pytest

from slysock_store import MAX_LIMIT
from slysock_store.paging import window


@pytest.mark.parametrize(
    ("asked", "applied"), [((0, 0), (1, 1)), ((-1, -1), (1, 1)), ((3, 20), (3, 20)), ((1, 101), (1, MAX_LIMIT))]
)
def test_a_window_is_within_bounds(asked: tuple[int, int], applied: tuple[int, int]) -> None:
    found = window(*asked)
    assert (found.page, found.limit) == applied
