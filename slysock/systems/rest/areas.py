"""A part of the HTTP API: the routes under one path and the shape of its errors."""

from collections.abc import Callable, Sequence
from typing import TypeAlias, final

import msgspec
from litestar import Router
from litestar.types import ControllerRouterHandler

from slysock.identity import Identity

RenderError: TypeAlias = Callable[[int, str], object]
"""Makes the body of an error from its status and a text for the client."""

CheckCaller: TypeAlias = Callable[[Identity], object]
"""Raises DomainError for a token that identifies nobody whom this part of the API is for."""


@final
class RestArea(msgspec.Struct, frozen=True, kw_only=True):
    """Routes under one path. Every error under it, even for unknown paths, is answered in the area's shape."""

    path: str
    router: Router
    render_error: RenderError
    check_caller: CheckCaller

    def owns(self, path: str) -> bool:
        """Tell whether a request's path lies in this part."""
        return path == self.path or path.startswith(f"{self.path}/")


def everybody(identity: Identity) -> None:
    """Let any good token pass."""


def rest_router(
    path: str,
    handlers: Sequence[ControllerRouterHandler],
    render_error: RenderError,
    check_caller: CheckCaller = everybody,
) -> RestArea:
    """Make a part of the API.

    Args:
        path: `/api/chat`; no two parts may share it.
        handlers: Litestar's handlers and controllers, with paths below this one. They may ask for `identity: Caller`
            and, with `paging` among their dependencies, `paging: PagingFromQuery`; what they raise is answered as
            `slysock.systems.failures` says.
        render_error: makes the body of an error.
        check_caller: asked before the body is read, of callers of handlers that ask for a token.
    """
    path = "/" + path.strip("/")
    router = Router(path, route_handlers=handlers)
    return RestArea(path=path, router=router, render_error=render_error, check_caller=check_caller)
