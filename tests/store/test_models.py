"""What records say about themselves."""

import pytest

from slysock_store import Page


@pytest.mark.parametrize(
    ("page", "total", "pages", "has_next", "has_previous"),
    [(1, 0, 0, False, False), (1, 10, 1, False, False), (1, 11, 2, True, False), (2, 11, 2, False, True)],
)
def test_a_page_knows_its_place(page: int, total: int, pages: int, has_next: bool, has_previous: bool) -> None:
    found: Page[str] = Page(items=(), page=page, limit=10, total_records=total)
    assert (found.total_pages, found.has_next, found.has_previous) == (pages, has_next, has_previous)
