"""JSON Web Tokens: where a client may carry one, and what a good one says about its bearer.

The algorithm is pinned to the key that is configured: HS256 to a secret, RS256 or ES256 to a public key. No text made
here holds a token, a key or a claim, so every one of them may be logged and most may be shown.
"""

import logging
import math
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, Protocol, TypeAlias, final

import jwt
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from slysock import Handshake

__all__ = [
    "Algorithm",
    "BadKey",
    "Clock",
    "FixedKey",
    "Identity",
    "KeySource",
    "KeysUnavailable",
    "TokenError",
    "TokenExpired",
    "TokenInvalid",
    "TokenMissing",
    "Tokens",
    "VerificationKey",
    "checked_public_key",
    "find_token",
    "make_token",
    "public_key",
    "secret_key",
]

logger = logging.getLogger("slysock")

Algorithm: TypeAlias = Literal["HS256", "RS256", "ES256"]
Clock: TypeAlias = Callable[[], float]
"""Gives the present in seconds since 1970."""

MAX_TOKEN_CHARACTERS: Final = 16_384
"""Twice what proxies take in a header by default; bounds what a client makes us decode."""

RECOMMENDED_SECRET_BYTES: Final = 32
"""RFC 7518, section 3.2: a key of the same size as the hash output or larger MUST be used with HS256."""

MIN_RSA_BITS: Final = 2048
"""RFC 7518, section 3.3."""

USER_ID_CLAIMS: Final = ("userId", "id", "_id", "sub")
ROLE_CLAIMS: Final = ("role", "userRole", "userType", "type")


class TokenError(Exception):
    """A token did not identify its bearer; the text may be shown to the client."""


@final
class TokenMissing(TokenError):
    """There was none in any place where one may be."""

    def __str__(self) -> str:
        return "Authentication token is missing"


@final
class TokenExpired(TokenError):
    """It was good once."""

    def __str__(self) -> str:
        return "Authentication token has expired"


@final
class TokenInvalid(TokenError):
    """Forged, malformed, not for us, not valid yet, or without a user."""

    def __str__(self) -> str:
        return "Authentication token is invalid"


@final
class KeysUnavailable(TokenError):
    """The key that would decide could not be had; the same token may pass later. `__cause__` says why."""

    def __str__(self) -> str:
        return "Authentication is not possible at the moment"


@final
class BadKey(ValueError):
    """A configured secret or key that cannot verify tokens; the text is one line for the operator."""


@final
class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a good token names."""

    user_id: str | int
    """As in the claim."""

    role: str | None
    """As in the claim; dialects compare it without case."""

    expires_at: float | None
    """Seconds since 1970; None for a token that does not expire."""

    claims: Mapping[str, object]
    """Everything that the token says, as decoded from its JSON; whoever issued it has signed it."""


@final
class VerificationKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key and the one algorithm it is for."""

    algorithm: Algorithm
    key: str | RSAPublicKey | EllipticCurvePublicKey


class KeySource(Protocol):
    """Where keys come from: fixed here, by URL in `slysock.identity.key_sets`, which may have to wait."""

    async def find_key(self, *, algorithm: str, key_id: str | None) -> VerificationKey:
        """Find the key for a token whose header says this; both are claims of the client.

        Raises:
            TokenInvalid: there is none.
            KeysUnavailable: it cannot be had now.
        """
        ...


@final
class FixedKey:
    """A `KeySource` of one key."""

    def __init__(self, key: VerificationKey) -> None:
        self._key = key

    async def find_key(self, *, algorithm: str, key_id: str | None) -> VerificationKey:  # noqa: ARG002 - see KeySource
        """See `KeySource.find_key`; a key without id verifies whatever is signed by it."""
        if algorithm != self._key.algorithm:
            raise TokenInvalid
        return self._key


def secret_key(secret: str) -> FixedKey:
    """Verify by a shared secret, HS256.

    Raises:
        BadKey: it is empty.
    """
    if not secret:
        raise BadKey("the JWT secret is empty")
    if len(secret.encode()) < RECOMMENDED_SECRET_BYTES:
        logger.warning("the JWT secret is shorter than %d bytes and can be guessed", RECOMMENDED_SECRET_BYTES)
    return FixedKey(VerificationKey(algorithm="HS256", key=secret))


def public_key(pem: bytes) -> FixedKey:
    """Verify by a public key: RSA by RS256, P-256 by ES256.

    Raises:
        BadKey: not a public key in PEM form, or of a kind that neither algorithm takes.
    """
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey("not a public key in PEM form (-----BEGIN PUBLIC KEY-----)") from None
    return FixedKey(checked_public_key(key))


def checked_public_key(key: object) -> VerificationKey:
    """Pin a public key to its algorithm.

    Raises:
        BadKey: too weak, or of a kind that neither algorithm takes.
    """
    match key:
        case RSAPublicKey() if key.key_size >= MIN_RSA_BITS:
            return VerificationKey(algorithm="RS256", key=key)
        case RSAPublicKey():
            raise BadKey(f"an RSA key needs {MIN_RSA_BITS} bits or more, this one has {key.key_size}")
        case EllipticCurvePublicKey() if isinstance(key.curve, SECP256R1):
            return VerificationKey(algorithm="ES256", key=key)
        case _:
            raise BadKey("a public key must be RSA (for RS256) or on the curve P-256 (for ES256)")


@final
class Tokens:
    """What a server accepts as a token.

    Args:
        keys: decides whose signature counts.
        audience: what `aud` must name; None leaves it unlooked at.
        issuer: what `iss` must be; None leaves it unlooked at.
        clock: the present, for `exp` and `nbf`.
        cookie_origins: pages that may use a cookie as their token, beside our own.
    """

    def __init__(
        self,
        keys: KeySource,
        *,
        audience: str | None = None,
        issuer: str | None = None,
        clock: Clock = time.time,
        cookie_origins: Sequence[str] = (),
    ) -> None:
        self._keys = keys
        self._audience = audience
        self._issuer = issuer
        self._cookie_origins = frozenset(origin.rstrip("/") for origin in cookie_origins)
        self.clock = clock

    async def identify(self, handshake: Handshake) -> Identity:
        """Find the token of a client that connects, and verify it.

        Raises:
            TokenMissing: it carries none.
            TokenError: as `verify`.
        """
        return await self.verify(find_token(handshake, cookie_origins=self._cookie_origins))

    async def verify(self, token: str) -> Identity:
        """Check a token and say whom it names.

        Raises:
            TokenExpired: its time is over.
            TokenInvalid: it was never good, or not yet.
            KeysUnavailable: nobody can tell now.
        """
        if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
            raise TokenInvalid
        algorithm, key_id = _read_header(token)
        key = await self._keys.find_key(algorithm=algorithm, key_id=key_id)
        claims = self._decode(token, key)
        self._check_times(claims)
        return _identity(claims)

    def _decode(self, token: str, key: VerificationKey) -> Mapping[str, object]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of short secrets `secret_key` has warned, once
                claims: Mapping[str, object] = jwt.decode(
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
        except (jwt.PyJWTError, ValueError, RecursionError):  # the latter two: JSON beyond reason
            raise TokenInvalid from None
        return claims

    def _check_times(self, claims: Mapping[str, object]) -> None:
        now = self.clock()
        expires_at, not_before = _seconds(claims, "exp"), _seconds(claims, "nbf")
        if expires_at is not None and expires_at <= now:
            raise TokenExpired
        if not_before is not None and not_before > now:
            raise TokenInvalid


def find_token(handshake: Handshake, *, cookie_origins: frozenset[str] = frozenset()) -> str:
    """Find a client's token: in `auth.token`, the Authorization header, `?token=` or the cookie `token`, in this order.

    A cookie is sent by the browser whoever's page asks, so it counts only where the page is ours or of
    `cookie_origins`: no foreign page rides on it.

    Raises:
        TokenMissing: in none of these places.
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


def make_token(
    secret: str,
    claims: Mapping[str, object],
    *,
    now: float,
    expires_in_seconds: float,
    audience: str | None = None,
    issuer: str | None = None,
) -> str:
    """Sign a token by HS256, for development: in production the back-end that knows the users does it."""
    times = {"iat": int(now), "exp": int(now + expires_in_seconds)}
    names = {name: value for name, value in (("aud", audience), ("iss", issuer)) if value is not None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # `secret_key` has the warning about short secrets
        return jwt.encode({**claims, **times, **names}, secret, algorithm="HS256")


def _without_scheme(value: str) -> str:
    scheme, _, token = value.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else value.strip()


def _authorization(handshake: Handshake) -> str | None:
    value = handshake.headers.get("authorization", "")
    return value if value.lower().startswith("bearer ") else None


def _cookie(handshake: Handshake, origins: frozenset[str]) -> str | None:
    if handshake.cross_origin and handshake.headers.get("origin", "").rstrip("/") not in origins:
        return None
    for pair in handshake.headers.get("cookie", "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == "token":
            return value.strip('"')
    return None


def _read_header(token: str) -> tuple[str, str | None]:
    try:
        header: dict[str, object] = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise TokenInvalid from None
    algorithm, key_id = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or not isinstance(key_id, str | None):
        raise TokenInvalid
    return algorithm, key_id


def _seconds(claims: Mapping[str, object], name: str) -> float | None:
    """Read a time (RFC 7519, NumericDate). A time that is none must not pass for "never"."""
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


def _identity(claims: Mapping[str, object]) -> Identity:
    user_id = _first(claims, USER_ID_CLAIMS)
    role = _first(claims, ROLE_CLAIMS)
    if isinstance(user_id, bool) or not isinstance(user_id, str | int) or user_id == "":
        raise TokenInvalid
    if not isinstance(role, str | None):
        raise TokenInvalid
    return Identity(user_id=user_id, role=role, expires_at=_seconds(claims, "exp"), claims=claims)


def _first(claims: Mapping[str, object], names: Sequence[str]) -> object:
    return next((claims[name] for name in names if claims.get(name) is not None), None)
