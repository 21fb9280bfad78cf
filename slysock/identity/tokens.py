"""JSON Web Tokens: what makes one valid, and whom it identifies.

Source: RFC 7519 (JSON Web Token).
"""

import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, TypeAlias, final

import jwt
import msgspec

from slysock import Handshake, Origins
from slysock.identity.credentials import find_token
from slysock.identity.errors import TokenExpired, TokenInvalid
from slysock.identity.keys import KeySource, VerificationKey

Claims: TypeAlias = Mapping[str, object]
"""What a token says, as decoded from its JSON."""

Clock: TypeAlias = Callable[[], float]
"""Returns the present time in seconds since 1970."""

MAX_TOKEN_CHARACTERS: Final = 16_384
"""Twice what proxies take in a header by default; bounds what a client makes us decode."""

USER_ID_CLAIMS: Final = ("userId", "id", "_id", "sub")
ROLE_CLAIMS: Final = ("role", "userRole", "userType", "type")
"""Where issuers put them; of several, the first that is not null counts."""


@final
class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a valid token identifies."""

    user_id: str | int
    """As in the claim."""

    role: str | None
    """As in the claim."""

    expires_at: float | None
    """Seconds since 1970; None for a token that does not expire."""

    claims: Claims
    """All that the token says; it is signed, so the issuer says so."""


@final
class Tokens:
    """What a server accepts as a token.

    Args:
        keys: decides whose signature counts. May be replaced; whoever has been let in stays.
        audience: what `aud` must name; None accepts any.
        issuer: what `iss` must be; None accepts any.
        clock: the present time, for `exp` and `nbf`.
        cookie_origins: whose pages may use a cookie as their token, besides our own; as in `Config.cors_origins`.
    """

    def __init__(
        self,
        keys: KeySource,
        *,
        audience: str | None = None,
        issuer: str | None = None,
        clock: Clock = time.time,
        cookie_origins: Sequence[str] | Origins = (),
    ) -> None:
        self.keys = keys
        self._audience = audience
        self._issuer = issuer
        self._cookie_origins = cookie_origins if isinstance(cookie_origins, Origins) else Origins(cookie_origins)
        self.clock = clock

    async def identify(self, handshake: Handshake) -> Identity:
        """Find the token of a client that connects, and verify it.

        Raises:
            TokenMissing: it carries none.
            TokenError: as `verify`.
        """
        return await self.verify(find_token(handshake, cookie_origins=self._cookie_origins))

    async def verify(self, token: str) -> Identity:
        """Check a token and return whom it identifies.

        Raises:
            TokenExpired: its time is over.
            TokenInvalid: it was never valid, or is not yet.
            KeysUnavailable: it cannot be verified now.
        """
        if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
            raise TokenInvalid
        algorithm, key_id = _read_header(token)
        keys = await self.keys.find_keys(algorithm=algorithm, key_id=key_id)
        claims = self._decode_by_one_of(keys, token)
        self._check_times(claims)
        return _identity(claims)

    def _decode_by_one_of(self, keys: Sequence[VerificationKey], token: str) -> Claims:
        for key in keys:
            with suppress(jwt.InvalidSignatureError):
                return self._decode(token, key)
        raise TokenInvalid

    def _decode(self, token: str, key: VerificationKey) -> Claims:
        """Decode a token that is signed by a key.

        Raises:
            jwt.InvalidSignatureError: it is signed by another one.
            TokenInvalid: it is not good, whoever has signed it.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of short secrets `secret_key` has warned, once
                claims: Claims = jwt.decode(
                    token,
                    key.key,
                    algorithms=[key.algorithm],
                    audience=self._audience,
                    issuer=self._issuer,
                    # Times are checked below, by our clock. PyJWT would refuse a numeric `sub`, which is what some
                    # back-ends have as user ids.
                    options={
                        "verify_exp": False,
                        "verify_nbf": False,
                        "verify_iat": False,
                        "verify_sub": False,
                        "verify_jti": False,
                        "verify_aud": self._audience is not None,
                        "verify_iss": self._issuer is not None,
                    },
                )
        except jwt.InvalidSignatureError:
            raise
        except (jwt.PyJWTError, ValueError, RecursionError):  # the latter two: JSON beyond reason
            raise TokenInvalid from None
        return claims

    def _check_times(self, claims: Claims) -> None:
        now = self.clock()
        expires_at, not_before = _seconds(claims, "exp"), _seconds(claims, "nbf")
        if expires_at is not None and expires_at <= now:
            raise TokenExpired
        if not_before is not None and not_before > now:
            raise TokenInvalid


def make_token(
    secret: str,
    claims: Claims,
    *,
    now: float,
    expires_in_seconds: float,
    audience: str | None = None,
    issuer: str | None = None,
) -> str:
    """Sign a token with HS256, for development: in production, the back-end that knows the users does it."""
    times = {"iat": int(now), "exp": int(now + expires_in_seconds)}
    names = {name: value for name, value in (("aud", audience), ("iss", issuer)) if value is not None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # `secret_key` has the warning about short secrets
        return jwt.encode({**claims, **times, **names}, secret, algorithm="HS256")


def _read_header(token: str) -> tuple[str, str | None]:
    try:
        header: dict[str, object] = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise TokenInvalid from None
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or not isinstance(key_id, str | None):
        raise TokenInvalid
    return algorithm, key_id


def _seconds(claims: Claims, name: str) -> float | None:
    """Read a time (RFC 7519, NumericDate). A claim that is not a time must not pass for "never"."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenInvalid
    try:
        seconds = float(value)
    except OverflowError:
        raise TokenInvalid from None
    if not math.isfinite(seconds):
        raise TokenInvalid
    return seconds


def _identity(claims: Claims) -> Identity:
    user_id = _first(claims, USER_ID_CLAIMS)
    role = _first(claims, ROLE_CLAIMS)
    if isinstance(user_id, bool) or not isinstance(user_id, str | int) or user_id == "":
        raise TokenInvalid
    if not isinstance(role, str | None):
        raise TokenInvalid
    return Identity(user_id=user_id, role=role, expires_at=_seconds(claims, "exp"), claims=claims)


def _first(claims: Claims, names: Sequence[str]) -> object:
    return next((claims[name] for name in names if claims.get(name) is not None), None)
