"""Proxies: whose word counts, how far back it goes, and that nobody else is heard."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slysock.http.proxies import MAX_HOPS, TrustedProxies, read_node
from tests.slysock.http.peer import connect

PROXIES = TrustedProxies(["10.0.0.0/8", "fd00::/8", "192.0.2.1"])
NEAR = "10.0.0.1"


def seen(*lines: tuple[str, str], peer: str = NEAR, secure: bool = False) -> tuple[str, bool, str]:
    """Who is behind a peer that sends these headers: address, TLS or not, host."""
    headers = [(b"host", b"inside"), *((name.encode(), value.encode("latin-1")) for name, value in lines)]
    found = PROXIES.see(headers, peer=peer, secure=secure)
    (host,) = [value for name, value in found.headers if name == b"host"]
    return found.address, found.secure, host.decode()


def address(*values: str, name: str = "x-forwarded-for") -> str:
    return seen(*((name, value) for value in values))[0]


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [
        ("10.255.255.255", True),
        ("11.0.0.0", False),
        ("192.0.2.1", True),
        ("192.0.2.2", False),
        ("fd12::1", True),
        ("fe80::1%eth0", False),
        ("::ffff:10.0.0.1", True),
        ("::ffff:11.0.0.1", False),
        ("", False),
        ("no address", False),
    ],
)
def test_proxies_are_those_in_the_networks(peer: str, trusted: bool) -> None:
    assert PROXIES.trusts(peer) is trusted


def test_nobody_is_trusted_by_default_and_unix_sockets_only_by_name() -> None:
    assert not any(TrustedProxies().trusts(peer) for peer in ("127.0.0.1", "::1", ""))
    assert TrustedProxies(["unix"]).trusts("")
    assert not TrustedProxies(["unix"]).trusts("127.0.0.1")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["198.51.100.7"], "198.51.100.7"),
        (["203.0.113.9, 198.51.100.7"], "198.51.100.7"),  # what the client made up is to the left
        (["203.0.113.9, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
        (["203.0.113.9", "198.51.100.7, 10.0.0.2", "192.0.2.1"], "198.51.100.7"),
        (["10.0.0.3, 10.0.0.2"], "10.0.0.3"),  # a client in the network of the proxies
        (["198.51.100.7:4711"], "198.51.100.7"),
        (["2001:DB8::7"], "2001:db8::7"),
        (["[2001:db8::7]:4711"], "2001:db8::7"),
        (["::ffff:198.51.100.7"], "198.51.100.7"),
        ([" 198.51.100.7\t"], "198.51.100.7"),
        (["198.51.100.7, unknown"], NEAR),
        (["198.51.100.7, unknown, 10.0.0.2"], "10.0.0.2"),
        (["198.51.100.7,"], NEAR),
        ([""], NEAR),
        (["198.51.100.7; drop"], NEAR),
        (["1.2.3"], NEAR),
        (["fe80::1%eth0"], NEAR),
    ],
)
def test_the_rightmost_address_that_is_no_proxys_is_the_clients(values: list[str], expected: str) -> None:
    assert address(*values) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["for=198.51.100.7"], "198.51.100.7"),
        (['For="198.51.100.7:4711"; by=10.0.0.1'], "198.51.100.7"),
        (['for="[2001:db8::7]:4711"'], "2001:db8::7"),
        (["for=203.0.113.9, for=198.51.100.7;proto=http, for=10.0.0.2"], "198.51.100.7"),
        (["for=203.0.113.9", "for=198.51.100.7"], "198.51.100.7"),
        (['for="', "for=198.51.100.7"], "198.51.100.7"),  # an open quote of the client's swallows nobody else's words
        (['for=203.0.113.9;x=", for=198.51.100.7'], "198.51.100.7"),
        (["for=198.51.100.7, for=_hidden, for=10.0.0.2"], "10.0.0.2"),
        (["for=unknown"], NEAR),
        (["for=198.51.100.7;for=203.0.113.9"], NEAR),
        (["proto=https"], NEAR),
        (["nonsense"], NEAR),
    ],
)
def test_the_standard_header_says_the_same(values: list[str], expected: str) -> None:
    assert address(*values, name="forwarded") == expected


def test_the_usual_header_goes_first_as_many_proxies_let_the_standard_one_pass() -> None:
    assert seen(("forwarded", "for=203.0.113.9"), ("x-forwarded-for", "198.51.100.7"))[0] == "198.51.100.7"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([("x-forwarded-proto", "https"), ("x-forwarded-host", "shop.example")], (True, "shop.example")),
        ([("x-forwarded-proto", "WSS"), ("x-forwarded-host", "shop.example:8443")], (True, "shop.example:8443")),
        ([("x-forwarded-proto", "gopher"), ("x-forwarded-host", "a b")], (False, "inside")),
        ([("x-forwarded-host", "a/b")], (False, "inside")),
        ([("x-forwarded-host", "[::1]:80")], (False, "[::1]:80")),
        # The client's own words are to the left of the proxy's.
        ([("x-forwarded-for", "198.51.100.7"), ("x-forwarded-proto", "https, http")], (False, "inside")),
        (
            [("x-forwarded-for", "198.51.100.7"), ("x-forwarded-host", "evil.example, shop.example")],
            (False, "shop.example"),
        ),
        # Of two proxies, the outer one has seen the client.
        ([("x-forwarded-for", "198.51.100.7, 10.0.0.2"), ("x-forwarded-proto", "https, http")], (True, "inside")),
        ([("x-forwarded-for", "198.51.100.7, 10.0.0.2"), ("x-forwarded-proto", "https")], (True, "inside")),
        ([("forwarded", 'for=198.51.100.7;proto=https;host="shop.example:8443"')], (True, "shop.example:8443")),
        ([("forwarded", "proto=https;host=shop.example")], (True, "shop.example")),
        ([("forwarded", "proto=https;host=evil.example, for=198.51.100.7")], (False, "inside")),
    ],
)
def test_scheme_and_host_are_those_that_the_outermost_proxy_has_seen(
    lines: list[tuple[str, str]], expected: tuple[bool, str]
) -> None:
    assert seen(*lines)[1:] == expected


def test_a_proxy_that_speaks_tls_to_us_can_say_that_its_client_did_not() -> None:
    assert seen(("x-forwarded-proto", "http"), secure=True)[1] is False
    assert seen(secure=True)[1] is True


def test_no_more_hops_are_looked_at_than_there_can_be() -> None:
    proxies = ["10.0.0.2"] * (MAX_HOPS - 1)
    assert address(", ".join(["198.51.100.7", *proxies])) == "198.51.100.7"
    assert address(", ".join(["198.51.100.7", *proxies, "10.0.0.2"])) == "10.0.0.2"
    assert address(*["198.51.100.7", *proxies, "10.0.0.2"]) == "10.0.0.2"


@given(st.binary(max_size=60))
def test_whatever_stands_in_the_headers_an_address_comes_out(value: bytes) -> None:
    for name in (b"x-forwarded-for", b"forwarded", b"x-forwarded-host"):
        found = PROXIES.see([(b"host", b"h"), (name, value)], peer=NEAR, secure=False)
        assert found.address == NEAR or read_node(found.address.encode()) == found.address


def test_a_head_full_of_commas_costs_next_to_nothing() -> None:
    headers = [
        (b"x-forwarded-for", b"," * 16_000),
        (b"forwarded", b";=," * 5_000),
        (b"x-forwarded-host", b"," * 16_000),
    ]
    since = time.process_time()
    for _ in range(20):
        PROXIES.see(headers, peer=NEAR, secure=False)
    assert time.process_time() - since < 0.5


async def test_only_from_a_proxy_do_the_headers_count() -> None:
    for peer, expected in (
        (NEAR, ("198.51.100.7", True, b"shop.example")),
        ("11.0.0.1", ("11.0.0.1", False, b"inside")),
    ):
        client, connection = connect(peer=peer, proxies=PROXIES)
        await client.send_all(
            b"GET / HTTP/1.1\r\nhost: inside\r\nx-forwarded-for: 198.51.100.7\r\nx-forwarded-proto: https\r\n"
            b"x-forwarded-host: shop.example\r\n\r\n"
        )
        request = await connection.next_request()
        assert request is not None
        assert (request.peer, request.secure, request.header(b"host")) == expected
        assert dict(request.headers)[b"host"] == expected[2]
