"""Keys by URL: what is fetched, when, and what happens while it cannot be."""

import json
from dataclasses import dataclass, field
from functools import partial

import jwt
import pytest
import trio
from cryptography.hazmat.primitives.asymmetric import rsa

from slysock.identity.errors import KeysUnavailable, TokenInvalid
from slysock.identity.key_sets import FetchFailed, RemoteKeys, fetch_by_http, read_key_set
from slysock.identity.tokens import Tokens
from tests.slysock.identity.private_keys import EC_KEY, OTHER_CURVE, OTHER_KEY, RSA_KEY, WEAK_KEY, PrivateKey

URL = "https://login.example/jwks.json"


def web_key(key: PrivateKey, key_id: str | None, **more: object) -> dict[str, object]:
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        described = jwt.algorithms.RSAAlgorithm.to_jwk(public, as_dict=True)
    else:
        described = jwt.algorithms.ECAlgorithm.to_jwk(public, as_dict=True)
    return {**described, **({} if key_id is None else {"kid": key_id}), **more}


def key_set(*keys: dict[str, object]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def token(key: PrivateKey, key_id: str | None) -> str:
    algorithm = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    return jwt.encode({"sub": "7"}, key, algorithm=algorithm, headers=None if key_id is None else {"kid": key_id})


@dataclass
class Site:
    """Where the set is; an exception in place of a body is an outage."""

    body: bytes | None
    fetches: int = 0
    slow_seconds: float = 0
    asked: list[str] = field(default_factory=list)

    async def fetch(self, url: str) -> bytes:
        self.fetches += 1
        self.asked.append(url)
        await trio.sleep(self.slow_seconds)
        if self.body is None:
            raise FetchFailed("down")
        return self.body


def remote(site: Site) -> Tokens:
    return Tokens(RemoteKeys(URL, fetch=site.fetch))


async def test_both_kinds_of_keys_verify_and_the_set_is_fetched_once() -> None:
    site = Site(key_set(web_key(RSA_KEY, "r"), web_key(EC_KEY, "e", use="sig", alg="ES256")))
    tokens = remote(site)
    for key, key_id in ((RSA_KEY, "r"), (EC_KEY, "e"), (RSA_KEY, "r")):
        assert (await tokens.verify(token(key, key_id))).user_id == "7"
    assert site.asked == [URL]


async def test_a_token_without_key_id_is_verified_by_the_only_key_of_its_algorithm() -> None:
    tokens = remote(Site(key_set(web_key(RSA_KEY, "r"), web_key(EC_KEY, None))))
    assert (await tokens.verify(token(RSA_KEY, None))).user_id == "7"
    assert (await tokens.verify(token(EC_KEY, None))).user_id == "7"
    tokens = remote(Site(key_set(web_key(OTHER_KEY, "o"), web_key(EC_KEY, "e"))))
    with pytest.raises(TokenInvalid):
        await tokens.verify(token(EC_KEY, None))


async def test_a_new_key_works_from_its_first_token_on(autojump_clock: trio.testing.MockClock) -> None:
    site = Site(key_set(web_key(EC_KEY, "old")))
    tokens = remote(site)
    await tokens.verify(token(EC_KEY, "old"))
    await trio.sleep(11)
    site.body = key_set(web_key(EC_KEY, "old"), web_key(OTHER_KEY, "new"))
    assert (await tokens.verify(token(OTHER_KEY, "new"))).user_id == "7"
    assert site.fetches == 2


async def test_a_removed_key_ceases_to_work_when_the_set_has_grown_old(autojump_clock: trio.testing.MockClock) -> None:
    site = Site(key_set(web_key(EC_KEY, "old")))
    tokens = remote(site)
    await tokens.verify(token(EC_KEY, "old"))
    site.body = key_set(web_key(OTHER_KEY, "new"))
    await trio.sleep(599)
    await tokens.verify(token(EC_KEY, "old"))
    await trio.sleep(2)
    with pytest.raises(TokenInvalid):
        await tokens.verify(token(EC_KEY, "old"))


async def test_made_up_key_ids_do_not_make_us_fetch_each_time(autojump_clock: trio.testing.MockClock) -> None:
    site = Site(key_set(web_key(EC_KEY, "e")))
    tokens = remote(site)
    for number in range(20):
        with pytest.raises(TokenInvalid):
            await tokens.verify(token(OTHER_KEY, f"made-up-{number}"))
    assert site.fetches == 1
    await trio.sleep(10)
    with pytest.raises(TokenInvalid):
        await tokens.verify(token(OTHER_KEY, "made-up"))
    assert site.fetches == 2


async def test_many_at_once_fetch_once() -> None:
    site = Site(key_set(web_key(EC_KEY, "e")))
    tokens = remote(site)
    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(tokens.verify, token(EC_KEY, "e"))
    assert site.fetches == 1


async def test_known_keys_survive_an_outage_and_unknown_ones_are_unavailable(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(key_set(web_key(EC_KEY, "e")))
    tokens = remote(site)
    await tokens.verify(token(EC_KEY, "e"))
    site.body = None
    await trio.sleep(80_000)
    assert (await tokens.verify(token(EC_KEY, "e"))).user_id == "7"
    with pytest.raises(KeysUnavailable):
        await tokens.verify(token(OTHER_KEY, "n"))
    assert "cannot be fetched: down" in caplog.text
    site.body = key_set(web_key(OTHER_KEY, "n"))
    await trio.sleep(10)
    assert (await tokens.verify(token(OTHER_KEY, "n"))).user_id == "7"


async def test_a_site_that_does_not_answer_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    tokens = remote(Site(b"", slow_seconds=60))
    start = trio.current_time()
    with pytest.raises(KeysUnavailable):
        await tokens.verify(token(EC_KEY, "e"))
    assert trio.current_time() - start == 5


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"keys": 1}', b'{"keys": []}', b'{"keys": [1, {}, {"kty": "EC"}, {"kty": "oct", "k": "c2VjcmV0"}]}'],
)
async def test_what_is_no_key_set_is_an_outage(body: bytes) -> None:
    with pytest.raises(KeysUnavailable):
        await remote(Site(body)).verify(token(EC_KEY, "e"))


@pytest.mark.parametrize("more", [{"use": "enc"}, {"alg": "RS256"}, {"d": "AAAA"}])
def test_keys_for_something_else_are_left_out(more: dict[str, object]) -> None:
    with pytest.raises(FetchFailed, match="no key"):
        read_key_set(key_set(web_key(EC_KEY, "e", **more)))


def test_weak_keys_and_other_curves_are_left_out() -> None:
    with pytest.raises(FetchFailed, match="no key"):
        read_key_set(key_set(web_key(WEAK_KEY, "w"), web_key(OTHER_CURVE, "c")))


async def test_a_shared_secret_is_never_taken_for_a_key_of_the_set() -> None:
    site = Site(key_set(web_key(EC_KEY, "e")))
    forged = jwt.encode({"sub": "7"}, "x" * 32, algorithm="HS256", headers={"kid": "e"})
    with pytest.raises(TokenInvalid):
        await remote(site).verify(forged)
    assert site.fetches == 0


@pytest.mark.port
async def test_keys_are_fetched_by_http(nursery: trio.Nursery) -> None:
    body = key_set(web_key(EC_KEY, "e"))

    async def serve(stream: trio.SocketStream) -> None:
        asked = await stream.receive_some(65536)
        if b"GET /jwks" in asked:
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
            await stream.send_all(head + body)
        elif b"GET /huge" in asked:
            await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n" + bytes(900_000))
        else:
            await stream.send_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    listeners: list[trio.SocketListener] = await nursery.start(partial(trio.serve_tcp, host="127.0.0.1"), serve, 0)
    port = listeners[0].socket.getsockname()[1]
    tokens = Tokens(RemoteKeys(f"http://127.0.0.1:{port}/jwks"))
    assert (await tokens.verify(token(EC_KEY, "e"))).user_id == "7"
    with pytest.raises(FetchFailed, match="404"):
        await fetch_by_http(f"http://127.0.0.1:{port}/nothing")
    with pytest.raises(FetchFailed, match="larger"):
        await fetch_by_http(f"http://127.0.0.1:{port}/huge")
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("url", ["http://[/jwks", "gopher://127.0.0.1/jwks"])
async def test_what_is_no_url_of_http_is_an_outage(url: str) -> None:
    with pytest.raises(FetchFailed):
        await fetch_by_http(url)
