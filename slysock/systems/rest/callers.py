"""Who makes a request: the same tokens in the same places as on a socket, except that a request has no `auth`."""

import time
from typing import Final, TypeAlias

from litestar import Request
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation

from slysock import Handshake
from slysock.asgi import is_cross_origin
from slysock.identity import Identity, TokenError, Tokens
from slysock.systems.admission import has_role, refused
from slysock.systems.domain import NotAllowed

HttpRequest: TypeAlias = Request[None, None, State]

Caller: TypeAlias = NamedDependency[SkipValidation[Identity]]
"""How a handler declares that it needs a token: `identity: Caller`."""


Privileged: TypeAlias = NamedDependency[SkipValidation[Identity]]
"""How a handler with `with_role` among its dependencies declares who may call it: `privileged: Privileged`."""

CALLERS: Final = frozenset({"identity", "privileged"})
"""Parameters by which a handler asks for a token."""


def caller(tokens: Tokens) -> Provide:
    """Make the dependency `identity: Caller`. A handler that does not ask for it is open to everybody."""

    async def identify(request: HttpRequest) -> Identity:
        try:
            return await tokens.identify(handshake_of(request))
        except TokenError as error:
            raise refused(error) from error

    return Provide(identify)


def with_role(*roles: str) -> Provide:
    """Make the dependency `privileged: Privileged`: 403 for other roles, before the body is read."""

    def check(identity: Caller) -> Identity:
        require_role(identity, *roles)
        return identity

    return Provide(check, sync_to_thread=False)


def handshake_of(request: HttpRequest) -> Handshake:
    """Return the handshake of a socket that was opened by this request."""
    headers: dict[str, str] = {}
    for name, value in request.headers.multi_items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Handshake(
        auth={},
        headers=headers,
        query=dict(request.query_params.multi_items()),
        address="" if request.client is None else request.client.host,
        secure=request.url.scheme == "https",
        cross_origin=is_cross_origin(headers),
        url=request.url.path,
        issued=time.time(),
    )


def require_role(identity: Identity, *roles: str) -> None:
    """Refuse whoever has none of these roles.

    Raises:
        NotAllowed: the token names another role, or none.
    """
    if not has_role(identity, *roles):
        raise NotAllowed("You are not allowed to do this")
