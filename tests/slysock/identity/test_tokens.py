"""Tokens: what makes one good, and whom it names."""

import base64
import hashlib
import hmac
import warnings
from collections.abc import Callable, Mapping

import jwt
import pytest

from slysock.identity.errors import KeysUnavailable, TokenError, TokenExpired, TokenInvalid, TokenMissing
from slysock.identity.keys import FixedKeys, VerificationKey, public_key, secret_key
from slysock.identity.tokens import MAX_TOKEN_CHARACTERS, Identity, Tokens, make_token
from tests.slysock.identity.handshakes import handshake
from tests.slysock.identity.private_keys import EC_KEY, RSA_KEY, PrivateKey, pem_of

SECRET = "a secret of tests, which is longer than 32 bytes"
NOW = 1_750_000_000.0


def make_tokens(keys: FixedKeys | None = None, **settings: str) -> Tokens:
    return Tokens(
        keys or secret_key(SECRET),
        clock=lambda: NOW,
        audience=settings.get("audience"),
        issuer=settings.get("issuer"),
    )


def signed(claims: Mapping[str, object], key: object = SECRET, algorithm: str = "HS256") -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return jwt.encode(dict(claims), key, algorithm=algorithm)  # type: ignore[arg-type]  # any of the kinds of keys


def signed_by_hand(header: bytes, secret: bytes = SECRET.encode()) -> str:
    """Sign by HMAC under any header and with any secret, which PyJWT itself refuses to do."""

    def encoded(data: bytes) -> bytes:
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    body = encoded(header) + b"." + encoded(b'{"id":1}')
    return (body + b"." + encoded(hmac.digest(secret, body, hashlib.sha256))).decode()


@pytest.mark.parametrize(
    ("claims", "user_id", "role", "expires_at"),
    [
        ({"userId": 5, "role": "VENDOR"}, 5, "VENDOR", None),
        ({"id": "a", "_id": "b", "sub": "c", "userRole": "x", "userType": "y", "exp": NOW + 1}, "a", "x", NOW + 1),
        ({"_id": "b", "sub": "c", "userType": "y"}, "b", "y", None),
        ({"sub": "c", "type": "z"}, "c", "z", None),
        ({"sub": 7, "jti": 7, "iat": NOW + 99}, 7, None, None),
        ({"userId": None, "id": 0}, 0, None, None),
        ({"id": 1, "nbf": NOW}, 1, None, None),
    ],
)
async def test_good_tokens_name_their_bearer(
    claims: Mapping[str, object], user_id: str | int, role: str | None, expires_at: float | None
) -> None:
    expected = Identity(user_id=user_id, role=role, expires_at=expires_at, claims=claims)
    assert await make_tokens().verify(signed(claims)) == expected


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (lambda: "", TokenInvalid),
        (lambda: "a.b.c", TokenInvalid),
        (lambda: "a.b.c.d.e", TokenInvalid),
        (lambda: "\N{SNOWMAN}", TokenInvalid),
        (lambda: "a" * (MAX_TOKEN_CHARACTERS + 1), TokenInvalid),
        (lambda: signed({"id": 1}, "another secret that is also long enough"), TokenInvalid),
        (lambda: signed_by_hand(b'{"typ":"JWT"}'), TokenInvalid),
        (lambda: signed_by_hand(b'{"alg":7}'), TokenInvalid),
        (lambda: signed_by_hand(b'{"alg":"HS256","kid":{}}'), TokenInvalid),
        (lambda: signed({"id": 1}, "", "none"), TokenInvalid),
        (lambda: signed({"id": 1}, SECRET * 2, "HS512"), TokenInvalid),
        (lambda: signed({"id": 1}, RSA_KEY, "RS256"), TokenInvalid),
        (lambda: signed({"id": 1, "exp": NOW}), TokenExpired),
        (lambda: signed({"id": 1, "exp": NOW - 1}), TokenExpired),
        (lambda: signed({"id": 1, "nbf": NOW + 1}), TokenInvalid),
        (lambda: signed({"id": 1, "exp": True}), TokenInvalid),
        (lambda: signed({"id": 1, "exp": "tomorrow"}), TokenInvalid),
        (lambda: signed({"id": 1, "exp": float("nan")}), TokenInvalid),
        (lambda: signed({"id": 1, "exp": float("inf")}), TokenInvalid),
        (lambda: signed({"id": 1, "exp": 10**400}), TokenInvalid),
        (lambda: signed({}), TokenInvalid),
        (lambda: signed({"id": ""}), TokenInvalid),
        (lambda: signed({"id": True}), TokenInvalid),
        (lambda: signed({"id": {"$gt": ""}}), TokenInvalid),
        (lambda: signed({"id": 1, "role": ["ADMIN"]}), TokenInvalid),
    ],
)
async def test_bad_tokens_are_refused_without_a_word_of_them(token: Callable[[], str], error: type[TokenError]) -> None:
    text = token()
    with pytest.raises(error) as caught:
        await make_tokens().verify(text)
    assert text[:20] not in str(caught.value) or not text
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(("key", "algorithm"), [(RSA_KEY, "RS256"), (EC_KEY, "ES256")])
async def test_public_keys_verify_their_algorithm_only(key: PrivateKey, algorithm: str) -> None:
    tokens = make_tokens(public_key(pem_of(key)))
    assert (await tokens.verify(signed({"id": 1}, key, algorithm))).user_id == 1
    with pytest.raises(TokenInvalid):  # the public key taken for a secret
        await tokens.verify(signed_by_hand(b'{"alg":"HS256"}', pem_of(key)))
    with pytest.raises(TokenInvalid):
        await tokens.verify(signed({"id": 1}, "", "none"))


@pytest.mark.parametrize(
    ("settings", "claims", "good"),
    [
        ({}, {"aud": "elsewhere", "iss": "somebody"}, True),
        ({"audience": "chat"}, {"aud": "chat"}, True),
        ({"audience": "chat"}, {"aud": ["shop", "chat"]}, True),
        ({"audience": "chat"}, {"aud": "shop"}, False),
        ({"audience": "chat"}, {}, False),
        ({"issuer": "shop"}, {"iss": "shop"}, True),
        ({"issuer": "shop"}, {"iss": "chat"}, False),
        ({"issuer": "shop"}, {}, False),
    ],
)
async def test_audience_and_issuer_count_where_they_are_set(
    settings: dict[str, str], claims: dict[str, object], good: bool
) -> None:
    verifying = make_tokens(None, **settings).verify(signed({"id": 1, **claims}))
    if good:
        assert (await verifying).user_id == 1
    else:
        with pytest.raises(TokenInvalid):
            await verifying


async def test_made_tokens_are_good_for_as_long_as_asked() -> None:
    token = make_token(SECRET, {"userId": 5}, now=NOW, expires_in_seconds=60, audience="chat", issuer="shop")
    identity = await make_tokens(None, audience="chat", issuer="shop").verify(token)
    assert identity.expires_at == NOW + 60


async def test_short_secrets_work() -> None:
    token = make_token("short", {"userId": 5}, now=NOW, expires_in_seconds=60)
    assert (await make_tokens(secret_key("short")).verify(token)).user_id == 5


@pytest.mark.parametrize("signed_by", ["new" * 12, "old" * 12])
async def test_two_secrets_verify_at_once_while_one_is_exchanged_for_the_other(signed_by: str) -> None:
    tokens = make_tokens(secret_key("new" * 12, "old" * 12))
    token = make_token(signed_by, {"userId": 5}, now=NOW, expires_in_seconds=60)
    assert (await tokens.verify(token)).user_id == 5
    with pytest.raises(TokenExpired):
        await tokens.verify(make_token(signed_by, {"userId": 5}, now=NOW - 60, expires_in_seconds=60))
    with pytest.raises(TokenInvalid):
        await tokens.verify(make_token("another" * 6, {"userId": 5}, now=NOW, expires_in_seconds=60))


async def test_keys_can_be_exchanged_at_run_time() -> None:
    tokens = make_tokens(secret_key("old" * 12))
    token = make_token("new" * 12, {"userId": 5}, now=NOW, expires_in_seconds=60)
    with pytest.raises(TokenInvalid):
        await tokens.verify(token)
    tokens.keys = secret_key("new" * 12)
    assert (await tokens.verify(token)).user_id == 5
    with pytest.raises(TokenInvalid):
        await tokens.verify(make_token("old" * 12, {"userId": 5}, now=NOW, expires_in_seconds=60))


async def test_keys_that_cannot_be_had_are_no_verdict() -> None:
    class Outage:
        async def find_keys(self, *, algorithm: str, key_id: str | None) -> list[VerificationKey]:
            assert (algorithm, key_id) == ("HS256", "k1")
            raise KeysUnavailable

    token = jwt.encode({"id": 1}, SECRET, algorithm="HS256", headers={"kid": "k1"})
    with pytest.raises(KeysUnavailable):
        await Tokens(Outage()).verify(token)


async def test_listed_origins_may_use_cookies() -> None:
    token = signed({"id": 1})
    shake = handshake(headers={"cookie": f"token={token}", "origin": "https://shop.example"}, cross_origin=True)
    tokens = Tokens(secret_key(SECRET), clock=lambda: NOW, cookie_origins=["https://shop.example/"])
    assert (await tokens.identify(shake)).user_id == 1
    with pytest.raises(TokenMissing):
        await make_tokens().identify(shake)
