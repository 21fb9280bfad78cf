"""What is read out of the opening request."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slysock.request import EngineRequest, read_headers, read_query


def opening(**headers: str) -> EngineRequest:
    return EngineRequest(headers=headers, query={}, address="", secure=False, url="/")


def test_repeated_headers_are_joined() -> None:
    assert read_headers([(b"x-a", b"1"), (b"x-a", b"2"), (b"b", b"3")]) == {"x-a": "1, 2", "b": "3"}


def test_header_bytes_outside_ascii_are_latin_1() -> None:
    assert read_headers([(b"x", b"\xe9")]) == {"x": "é"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", {}),
        (b"a=1&b=2&a=3", {"a": "3", "b": "2"}),
        (b"a=&b", {"a": "", "b": ""}),
        (b"token=%C3%A9%20x+y", {"token": "é x y"}),
        (b"a=%zz", {"a": "%zz"}),
    ],
)
def test_queries_are_read(query: bytes, expected: dict[str, str]) -> None:
    assert read_query(query) == expected


@given(st.text("ab=&;?/é", max_size=40))
def test_a_query_with_nothing_to_decode_is_read_like_any_other(query: str) -> None:
    data = query.encode("latin-1")
    assert read_query(data) == dict(parse_qsl(data.decode("latin-1"), keep_blank_values=True))


def test_more_parameters_than_any_client_sends_are_refused() -> None:
    with pytest.raises(ValueError, match="Max number"):
        read_query(b"&".join(b"a=%d" % number for number in range(101)))


@given(st.binary(max_size=200))
def test_any_query_is_read_or_refused(query: bytes) -> None:
    if query.count(b"&") < 100:
        assert isinstance(read_query(query), dict)


@pytest.mark.parametrize(
    ("headers", "crosses"),
    [
        ({}, False),
        ({"origin": "https://a.example", "host": "a.example"}, False),
        ({"origin": "http://a.example:3000", "host": "a.example:3000"}, False),
        ({"origin": "https://a.example", "host": "b.example"}, True),
        ({"origin": "null", "host": "a.example"}, True),
        ({"origin": "https://a.example"}, True),
    ],
)
def test_a_request_crosses_origins_when_its_page_is_of_another_host(headers: dict[str, str], crosses: bool) -> None:
    assert opening(**headers).cross_origin is crosses


def test_an_origin_without_a_host_is_foreign_even_where_the_request_names_no_host() -> None:
    assert opening(origin="null").cross_origin


@pytest.mark.parametrize(("query", "opens"), [({}, True), ({"sid": ""}, True), ({"sid": "x"}, False)])
def test_a_request_without_a_session_is_to_open_one(query: dict[str, str], opens: bool) -> None:
    request = EngineRequest(headers={}, query=query, address="", secure=False, url="/")
    assert request.is_handshake is opens
