"""Keys that verify tokens. Each is pinned to one algorithm: a secret to HS256, a public key to RS256 or ES256."""

import logging
from collections.abc import Sequence
from typing import Final, Literal, Protocol, TypeAlias, final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from slysock.identity.errors import TokenInvalid

logger = logging.getLogger("slysock")

Algorithm: TypeAlias = Literal["HS256", "RS256", "ES256"]

RECOMMENDED_SECRET_BYTES: Final = 32
"""RFC 7518, section 3.2: a key of the same size as the hash output or larger MUST be used with HS256."""

MIN_RSA_BITS: Final = 2048
"""RFC 7518, section 3.3."""


@final
class BadKey(ValueError):
    """A configured secret or key that cannot verify tokens; the text is one line for the operator."""


@final
class VerificationKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key and the one algorithm it is for."""

    algorithm: Algorithm
    key: str | RSAPublicKey | EllipticCurvePublicKey


class KeySource(Protocol):
    """Where keys come from: configuration (`FixedKeys`), or a URL (`RemoteKeys`), which may have to be asked."""

    async def find_keys(self, *, algorithm: str, key_id: str | None) -> Sequence[VerificationKey]:
        """Find the keys for a token whose header says this; both are claims of the client. One that fits is enough.

        Raises:
            TokenInvalid: there is none.
            KeysUnavailable: it cannot be fetched now.
        """
        ...


@final
class FixedKeys:
    """A `KeySource` of few keys, each of which verifies whatever is signed by it, whatever id a token names."""

    def __init__(self, *keys: VerificationKey) -> None:
        self._keys = keys

    async def find_keys(self, *, algorithm: str, key_id: str | None) -> Sequence[VerificationKey]:  # noqa: ARG002 - see KeySource
        """See `KeySource.find_keys`."""
        found = [key for key in self._keys if key.algorithm == algorithm]
        if not found:
            raise TokenInvalid
        return found


def secret_key(secret: str, *older: str) -> FixedKeys:
    """Make a key source that verifies with a shared secret, HS256, and with older ones, while their tokens are in use.

    Raises:
        BadKey: one is empty.
    """
    for each in (secret, *older):
        if not each:
            raise BadKey("the JWT secret is empty")
        if len(each.encode()) < RECOMMENDED_SECRET_BYTES:
            logger.warning("the JWT secret is shorter than %d bytes and can be guessed", RECOMMENDED_SECRET_BYTES)
    return FixedKeys(*(VerificationKey(algorithm="HS256", key=each) for each in (secret, *older)))


def public_key(pem: bytes) -> FixedKeys:
    """Make a key source that verifies with a public key: RSA for RS256, P-256 for ES256.

    Raises:
        BadKey: not a public key in PEM form, or of a kind that neither algorithm takes.
    """
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey("not a public key in PEM form (-----BEGIN PUBLIC KEY-----)") from None
    return FixedKeys(checked_public_key(key))


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
