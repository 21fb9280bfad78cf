"""The envelope around everything that the marketplace sends, except failures."""

from typing import final

from msgspec import UNSET, Struct, UnsetType


@final
class Pagination(Struct, frozen=True, kw_only=True, rename="camel"):
    """Where a page is in its list."""

    current_page: int
    next_page: int | None
    prev_page: int | None
    has_next: bool
    has_prev: bool
    total_pages: int
    total_records: int


@final
class Envelope(Struct, frozen=True, kw_only=True, rename="camel"):
    """A success. `newChat` has its chat under `message` and no `data`; everything else is under `data`."""

    status_code: int = 200
    error: bool = False
    message: object = None
    data: object | UnsetType = UNSET
    pagination: Pagination | UnsetType = UNSET
    """Only if `data` is a bare list."""


@final
class Listing(Struct, frozen=True, kw_only=True):
    """A page as `data`."""

    items: tuple[object, ...]
    pagination: Pagination


@final
class Nothing(Struct, frozen=True):
    """The empty object that is the `data` of a signal without contents."""


def signal(message: str) -> Envelope:
    """Make the envelope of a signal without contents."""
    return Envelope(message=message, data=Nothing())


def paginate(*, page: int, limit: int, total_records: int) -> Pagination:
    """Describe a page of a list; `limit` is what was applied."""
    total_pages = -(-total_records // limit)
    has_next, has_prev = page < total_pages, page > 1
    return Pagination(
        current_page=page,
        next_page=page + 1 if has_next else None,
        prev_page=page - 1 if has_prev else None,
        has_next=has_next,
        has_prev=has_prev,
        total_pages=total_pages,
        total_records=total_records,
    )
