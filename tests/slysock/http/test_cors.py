"""CORS: which pages may, and the headers that tell them."""

import pytest
from trio.testing import memory_stream_pair

from slysock import Config
from slysock.http import HttpConnection, Request
from slysock.http.cors import Cors

PAGE = b"https://page.example"


async def request(*lines: bytes) -> Request:
    client, server = memory_stream_pair()
    await client.send_all(b"\r\n".join((b"GET / HTTP/1.1", b"host: chat.example", *lines, b"", b"")))
    made = await HttpConnection(server, Config(), secure=False, peer="").next_request()
    assert made is not None
    return made


def origin(value: bytes) -> bytes:
    return b"origin: " + value


@pytest.mark.parametrize(
    ("origins", "line", "allowed", "headers"),
    [
        (None, (), True, {}),
        (None, (origin(PAGE),), True, {b"access-control-allow-origin": b"*"}),
        (None, (origin(b"null"),), True, {b"access-control-allow-origin": b"*"}),
        (["https://page.example"], (), True, {b"vary": b"Origin"}),
        (
            ["https://page.example/"],
            (origin(PAGE),),
            True,
            {
                b"vary": b"Origin",
                b"access-control-allow-origin": PAGE,
                b"access-control-allow-credentials": b"true",
            },
        ),
        (["https://page.example"], (origin(b"https://evil.example"),), False, {b"vary": b"Origin"}),
        (["https://page.example"], (origin(b"http://page.example"),), False, {b"vary": b"Origin"}),
        (["https://page.example"], (origin(b"https://page.example.evil.example"),), False, {b"vary": b"Origin"}),
        (["https://page.example"], (origin(b"null"),), False, {b"vary": b"Origin"}),
        (
            [],
            (origin(b"http://chat.example"),),
            True,
            {
                b"vary": b"Origin",
                b"access-control-allow-origin": b"http://chat.example",
                b"access-control-allow-credentials": b"true",
            },
        ),
    ],
)
async def test_the_rule_and_its_headers(
    origins: list[str] | None, line: tuple[bytes, ...], allowed: bool, headers: dict[bytes, bytes]
) -> None:
    cors, made = Cors(origins), await request(*line)
    assert cors.allows(made) is allowed
    assert dict(cors.headers(made)) == headers


async def test_any_origin_comes_without_credentials() -> None:
    names = [name for name, _ in Cors(None).preflight(await request(origin(PAGE)))]
    assert b"access-control-allow-credentials" not in names


async def test_a_preflight_names_methods_and_allows_the_headers_asked_for() -> None:
    made = await request(origin(PAGE), b"access-control-request-headers: x-token")
    headers = dict(Cors(None).preflight(made))
    assert headers[b"access-control-allow-methods"] == b"GET,POST"
    assert headers[b"access-control-allow-headers"] == b"x-token"
    assert int(headers[b"access-control-max-age"]) > 0


async def test_a_preflight_that_asks_for_no_headers_gets_none() -> None:
    assert b"access-control-allow-headers" not in dict(Cors(None).preflight(await request(origin(PAGE))))


# ---- which pages are listed, and which are on our own host -----------------------------------------------------------

SHOPS = ["https://*.shop.example", "http://*.local.example:8080", "null"]


@pytest.mark.parametrize(
    ("page", "allowed"),
    [
        (b"https://eu.shop.example", True),
        (b"https://a.b.shop.example", True),
        (b"HTTPS://EU.Shop.example", True),
        (b"https://eu.shop.example:443", True),
        (b"http://a.local.example:8080", True),
        (b"null", True),
        (b"https://shop.example", False),
        (b"https://.shop.example", False),
        (b"https://evilshop.example", False),
        (b"https://eu.shop.example.evil.example", False),
        (b"https://evil.example/.shop.example", False),
        (b"https://evil.example#.shop.example", False),
        (b"https://evil.example:1.shop.example", False),
        (b"http://eu.shop.example", False),
        (b"https://eu.shop.example:8443", False),
        (b"http://a.local.example", False),
    ],
)
async def test_a_pattern_is_for_the_names_below_it_with_its_scheme_and_port(page: bytes, allowed: bool) -> None:
    assert Cors(SHOPS).allows(await request(origin(page))) is allowed


async def test_null_is_let_in_without_credentials_as_any_page_can_be_it() -> None:
    headers = dict(Cors(["null"]).headers(await request(origin(b"null"))))
    assert headers[b"access-control-allow-origin"] == b"null"
    assert b"access-control-allow-credentials" not in headers


@pytest.mark.parametrize(
    ("page", "host", "same"),
    [
        (b"https://chat.example", b"chat.example:443", True),
        (b"http://chat.example", b"chat.example:80", True),
        (b"https://chat.example", b"Chat.EXAMPLE", True),
        (b"https://chat.example:8443", b"chat.example:8443", True),
        (b"https://[::1]", b"[::1]:443", True),
        (b"https://chat.example", b"chat.example:80", False),
        (b"http://chat.example", b"chat.example:443", False),
        (b"https://chat.example:8443", b"chat.example", False),
        (b"https://chat.example.evil.example", b"chat.example", False),
        (b"null", b"null", False),
        (b"null", b"", False),
        (b"https://", b"", False),
    ],
)
async def test_our_own_pages_are_those_on_the_host_and_port_of_the_request(
    page: bytes, host: bytes, same: bool
) -> None:
    client, server = memory_stream_pair()
    await client.send_all(b"GET / HTTP/1.1\r\nhost: " + host + b"\r\norigin: " + page + b"\r\n\r\n")
    made = await HttpConnection(server, Config(), secure=False, peer="").next_request()
    assert made is not None
    assert Cors([]).allows(made) is same


# ---- a check of one's own --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("origins", [None, ["https://other.example"]])
async def test_a_check_decides_for_origins_that_are_not_listed(origins: list[str] | None) -> None:
    asked = list[str]()

    def check(page: str) -> bool:
        asked.append(page)
        return page == PAGE.decode()

    cors = Cors(origins, check=check)
    made = await request(origin(PAGE))
    assert cors.allows(made)
    assert dict(cors.headers(made))[b"access-control-allow-credentials"] == b"true"
    assert not cors.allows(await request(origin(b"https://evil.example")))
    assert cors.allows(await request())
    assert set(asked) == {PAGE.decode(), "https://evil.example"}


@pytest.mark.parametrize("answer", [1, "yes", object(), None, False])
async def test_only_true_lets_a_page_in(answer: object) -> None:
    def check(_: str) -> bool:
        return answer  # type: ignore[return-value]  # the mistake under test

    assert not Cors(None, check=check).allows(await request(origin(PAGE)))


async def test_a_check_that_fails_lets_nobody_in_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    def check(_: str) -> bool:
        raise KeyError("tenants")

    assert not Cors(None, check=check).allows(await request(origin(PAGE)))
    assert "the check of an origin failed" in caplog.text


# ---- private networks ------------------------------------------------------------------------------------------------

PRIVATE = b"access-control-request-private-network: true"


@pytest.mark.parametrize(
    ("origins", "lines", "answered"),
    [
        ([PAGE.decode()], (origin(PAGE), PRIVATE), True),
        (["https://*.example"], (origin(PAGE), PRIVATE), True),
        ([PAGE.decode()], (origin(PAGE),), False),
        ([PAGE.decode()], (origin(b"https://evil.example"), PRIVATE), False),
        (None, (origin(PAGE), PRIVATE), False),
    ],
)
async def test_listed_pages_of_the_internet_may_talk_to_a_private_network(
    origins: list[str] | None, lines: tuple[bytes, ...], answered: bool
) -> None:
    headers = Cors(origins).preflight(await request(*lines))
    assert ((b"access-control-allow-private-network", b"true") in headers) is answered
