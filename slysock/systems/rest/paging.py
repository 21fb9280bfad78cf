"""`?page=&limit=`: which part of a list is requested, with a cap."""

from typing import Annotated, TypeAlias, final

import msgspec
from litestar.di import NamedDependency, Provide
from litestar.params import QueryParameter, SkipValidation

from slysock_store import DEFAULT_LIMIT, MAX_LIMIT

MAX_PAGE = 1_000_000_000


@final
class Paging(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a list; both are in bounds already."""

    page: int
    """From 1."""

    limit: int


PagingFromQuery: TypeAlias = NamedDependency[SkipValidation[Paging]]
"""How a handler declares it: `paging: PagingFromQuery`."""


def paging(*, default_limit: int = DEFAULT_LIMIT, max_limit: int = MAX_LIMIT) -> Provide:
    """Make the dependency that `PagingFromQuery` needs.

    A route declares it by `dependencies={"paging": paging()}`. A limit above the cap means the cap; a page or limit
    that is below 1 or not a number is answered with 400.
    """

    def read_paging(
        page: Annotated[int, QueryParameter(ge=1, le=MAX_PAGE, description="From 1")] = 1,
        limit: Annotated[int, QueryParameter(ge=1, description=f"At most {max_limit} are returned")] = default_limit,
    ) -> Paging:
        return Paging(page=page, limit=min(limit, max_limit))

    return Provide(read_paging, sync_to_thread=False)
