"""Where a client carries its token."""

from slysock import Handshake, Origins
from slysock.identity.errors import TokenInvalid, TokenMissing


def find_token(handshake: Handshake, *, cookie_origins: Origins | None = None) -> str:
    """Find a client's token: in `auth.token`, the Authorization header, `?token=` or the cookie `token`, in this order.

    A browser sends a cookie whichever page asks, so it counts only for pages of our own origin and of `cookie_origins`:
    no foreign page can make use of it.

    Raises:
        TokenMissing: there is none in these places.
        TokenInvalid: `auth.token` is not text.
    """
    given = handshake.auth.get("token")
    if given is not None and not isinstance(given, str):
        raise TokenInvalid
    for place in (given, _authorization(handshake), handshake.query.get("token"), _cookie(handshake, cookie_origins)):
        token = _without_scheme(place or "")
        if token:
            return token
    raise TokenMissing


def _without_scheme(value: str) -> str:
    scheme, _, token = value.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else value.strip()


def _authorization(handshake: Handshake) -> str | None:
    value = handshake.headers.get("authorization", "")
    return value if value.lower().startswith("bearer ") else None


def _cookie(handshake: Handshake, origins: Origins | None) -> str | None:
    if handshake.cross_origin and not (origins and origins.may_use_cookies(handshake.headers.get("origin", ""))):
        return None
    for pair in handshake.headers.get("cookie", "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == "token":
            return value.strip('"')
    return None
