"""Why a token did not do: texts that clients are shown."""

import pytest

from slysock.identity.errors import KeysUnavailable, TokenError, TokenExpired, TokenInvalid, TokenMissing


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (TokenMissing(), "Authentication token is missing"),
        (TokenExpired(), "Authentication token has expired"),
        (TokenInvalid(), "Authentication token is invalid"),
        (KeysUnavailable(), "Authentication is not possible at the moment"),
    ],
)
def test_each_reason_has_a_text_for_the_client(error: TokenError, text: str) -> None:
    assert str(error) == text
