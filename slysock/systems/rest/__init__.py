"""The HTTP API of the systems: what their REST routes have in common.

A system makes its part with `rest_router(path, handlers, render_error)` and puts that into `System.rest`.
"""

from slysock.extras import needs_extra

with needs_extra("slysock.systems", "systems"):
    from .areas import RenderError, RestArea, rest_router
    from .callers import Caller, HttpRequest, Only, require_role, with_role
    from .paging import Paging, PagingFromQuery, paging
    from .responses import then

__all__ = [
    "Caller",
    "HttpRequest",
    "Only",
    "Paging",
    "PagingFromQuery",
    "RenderError",
    "RestArea",
    "paging",
    "require_role",
    "rest_router",
    "then",
    "with_role",
]
