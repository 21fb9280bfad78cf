"""Who makes a request: the same tokens in the same places as on a socket, except that a request has no `auth`.

Token and role are asked for by Litestar's guards, which run before anything of the body is read: who may not ask is not
listened to.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias, cast, final

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.params import SkipValidation

from slysock import Handshake
from slysock.asgi import is_cross_origin
from slysock.identity import Identity, TokenError, Tokens
from slysock.systems.admission import has_role, refused
from slysock.systems.domain import NotAllowed

from .areas import RestArea

HttpRequest: TypeAlias = Request[None, None, State]
Arriving: TypeAlias = ASGIConnection[HTTPRouteHandler, None, None, State]
"""A request as guards see it."""

Caller: TypeAlias = NamedDependency[SkipValidation[Identity]]
"""How a handler declares that it needs a token: `identity: Caller`."""

CALLER: Final = "identity"
"""The parameter by which a handler asks for a token."""


@final
class Only:
    """A guard, for a handler's `guards`: only callers whom `check` lets pass.

    Args:
        check: given whom the token identifies; raises DomainError for others.
    """

    def __init__(self, check: Callable[[Identity], object]) -> None:
        self._check = check

    async def __call__(self, connection: Arriving, handler: BaseRouteHandler) -> None:  # noqa: ARG002 - a guard's shape
        """Ask, once `Callers` has."""
        self._check(_identity_of(connection))


def with_role(*roles: str) -> Only:
    """Make a guard, for a handler's `guards`: 401 without a token, 403 for other roles, before the body is read."""
    return Only(lambda identity: require_role(identity, *roles))


@final
class Callers:
    """The guard of the whole API: finds out who calls, where a handler asks for that. Other guards come after it.

    Args:
        tokens: verify who a caller is.
        areas: the parts of the API, which know whom they are for.
    """

    def __init__(self, tokens: Tokens, areas: Sequence[RestArea]) -> None:
        self._tokens = tokens
        self._areas = areas

    async def __call__(self, connection: Arriving, handler: BaseRouteHandler) -> None:
        """Keep the identity for whoever asks for it."""
        if not asks_for_token(handler):
            return
        try:
            identity = await self._tokens.identify(handshake_of(connection))
        except TokenError as error:
            raise refused(error) from error
        for area in self._areas:
            if area.owns(connection.scope["path"]):
                area.check_caller(identity)
        connection.scope["user"] = identity


def asks_for_token(handler: BaseRouteHandler) -> bool:
    """Tell whether a handler is for callers with a token. Others are open to everybody."""
    guards = cast("list[object]", handler.resolve_guards())  # pyright: ignore[reportUnknownMemberType] - Litestar's
    return CALLER in handler.parsed_fn_signature.parameters or any(isinstance(guard, Only) for guard in guards)


def caller() -> Provide:
    """Make the dependency `identity: Caller`: whom `Callers` has found."""

    def identify(request: HttpRequest) -> Identity:
        return _identity_of(request)

    return Provide(identify, sync_to_thread=False)


def _identity_of(connection: Arriving | HttpRequest) -> Identity:
    return cast("Identity", connection.scope["user"])


def handshake_of(connection: Arriving) -> Handshake:
    """Return the handshake of a socket that was opened by this request."""
    headers: dict[str, str] = {}
    for name, value in connection.headers.multi_items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Handshake(
        auth={},
        headers=headers,
        query=dict(connection.query_params.multi_items()),
        address="" if connection.client is None else connection.client.host,
        secure=connection.url.scheme == "https",
        cross_origin=is_cross_origin(headers),
        url=connection.url.path,
        issued=time.time(),
    )


def require_role(identity: Identity, *roles: str) -> None:
    """Refuse whoever has none of these roles.

    Raises:
        NotAllowed: the token names another role, or none.
    """
    if not has_role(identity, *roles):
        raise NotAllowed("You are not allowed to do this")
