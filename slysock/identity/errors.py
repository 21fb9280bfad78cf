"""Why a token does not say who its bearer is.

    TokenError
    ├── TokenMissing      the client carries none
    ├── TokenExpired      it was valid once
    ├── TokenInvalid      it was never valid, or is not yet
    └── KeysUnavailable   it cannot be verified now; the same token may pass later

No text holds a token, a key or a claim: each may be logged and shown to the client.
"""

from typing import final


class TokenError(Exception):
    """A token did not identify its bearer; the text may be shown to the client."""


@final
class TokenMissing(TokenError):
    """There was no token in any place where one may be."""

    def __str__(self) -> str:
        return "Authentication token is missing"


@final
class TokenExpired(TokenError):
    """The token was valid once."""

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
