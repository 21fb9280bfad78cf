"""Keys: which can be used, and that each verifies by its algorithm only."""

import pytest

from slysock.identity.errors import TokenInvalid
from slysock.identity.keys import Algorithm, BadKey, FixedKeys, public_key, secret_key
from tests.slysock.identity.private_keys import EC_KEY, OTHER_CURVE, RSA_KEY, WEAK_KEY, pem_of


@pytest.mark.parametrize(
    ("source", "algorithm"),
    [
        (secret_key("s" * 32), "HS256"),
        (public_key(pem_of(RSA_KEY)), "RS256"),
        (public_key(pem_of(EC_KEY)), "ES256"),
    ],
)
async def test_a_configured_key_is_for_one_algorithm_whatever_id_a_token_names(
    source: FixedKeys, algorithm: Algorithm
) -> None:
    for key_id in (None, "k1"):
        (key,) = await source.find_keys(algorithm=algorithm, key_id=key_id)
        assert key.algorithm == algorithm
    for other in {"HS256", "RS256", "ES256", "none"} - {algorithm}:
        with pytest.raises(TokenInvalid):
            await source.find_keys(algorithm=other, key_id=None)


def test_short_secrets_are_warned_of_without_being_told(caplog: pytest.LogCaptureFixture) -> None:
    secret_key("S3CRET")
    assert "shorter than 32 bytes" in caplog.text
    assert "S3CRET" not in caplog.text


@pytest.mark.parametrize(
    ("pem", "text"),
    [
        (b"", "not a public key"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "not a public key"),
        (pem_of(WEAK_KEY), "2048 bits or more"),
        (pem_of(OTHER_CURVE), "P-256"),
    ],
)
def test_unusable_public_keys_are_named(pem: bytes, text: str) -> None:
    with pytest.raises(BadKey, match=text):
        public_key(pem)


@pytest.mark.parametrize("secrets", [("",), ("s" * 32, "")])
def test_an_empty_secret_is_refused(secrets: tuple[str, ...]) -> None:
    with pytest.raises(BadKey):
        secret_key(*secrets)
