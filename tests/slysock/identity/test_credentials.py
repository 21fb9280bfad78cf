"""Where a client may carry a token, and what goes before what."""

import pytest

from slysock import Handshake, Origins
from slysock.identity.credentials import find_token
from slysock.identity.errors import TokenInvalid, TokenMissing
from tests.slysock.identity.handshakes import handshake

COOKIE = {"cookie": "a=b; token=from-cookie; c=d"}
FOREIGN = {**COOKIE, "origin": "https://evil.example"}
LISTED = {**COOKIE, "origin": "https://shop.example"}
BELOW = {**COOKIE, "origin": "https://eu.shop.example"}
LISTED_ORIGINS = Origins(["https://shop.example", "https://*.shop.example", "null"])


@pytest.mark.parametrize(
    ("shake", "token"),
    [
        (handshake({"token": "from-auth"}), "from-auth"),
        (handshake({"token": "Bearer from-auth"}), "from-auth"),
        (handshake({"token": "bearer  from-auth "}), "from-auth"),
        (handshake(headers={"authorization": "Bearer from-header"}), "from-header"),
        (handshake(headers={"authorization": "bearer from-header"}), "from-header"),
        (handshake(query={"token": "from-query"}), "from-query"),
        (handshake(headers=COOKIE), "from-cookie"),
        (handshake(headers={"cookie": 'token="from-cookie"'}), "from-cookie"),
        (handshake(headers=LISTED, cross_origin=True), "from-cookie"),
        (handshake(headers=BELOW, cross_origin=True), "from-cookie"),
        (handshake({"token": None}, query={"token": "from-query"}), "from-query"),
        (handshake({"token": ""}, query={"token": "from-query"}), "from-query"),
        (handshake(headers={"authorization": "Basic abc"}, query={"token": "from-query"}), "from-query"),
        (
            handshake({"token": "from-auth"}, headers={"authorization": "Bearer h", **COOKIE}, query={"token": "q"}),
            "from-auth",
        ),
        (handshake(headers={"authorization": "Bearer from-header", **COOKIE}, query={"token": "q"}), "from-header"),
        (handshake(headers=COOKIE, query={"token": "from-query"}), "from-query"),
    ],
)
def test_places_of_a_token_have_an_order(shake: Handshake, token: str) -> None:
    assert find_token(shake, cookie_origins=LISTED_ORIGINS) == token


@pytest.mark.parametrize(
    "shake",
    [
        handshake(),
        handshake(headers=FOREIGN, cross_origin=True),
        handshake(headers={**COOKIE, "origin": "null"}, cross_origin=True),
        handshake(headers={"cookie": "xtoken=a; tokens=b"}),
        handshake(headers={"authorization": "Basic abc"}),
        handshake({"token": "Bearer "}),
    ],
)
def test_other_places_do_not_count(shake: Handshake) -> None:
    with pytest.raises(TokenMissing):
        find_token(shake, cookie_origins=LISTED_ORIGINS)


@pytest.mark.parametrize("token", [1, True, ["a"], {"$gt": ""}])
def test_a_token_that_is_no_text_is_bad_rather_than_missing(token: object) -> None:
    with pytest.raises(TokenInvalid):
        find_token(handshake({"token": token}, query={"token": "q"}))
