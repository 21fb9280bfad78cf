"""CORS around an application: who is let through to it, and what its answers carry."""

from collections.abc import Mapping, Sequence

import pytest
from trio.testing import MockClock

from slysock.asgi import asgi_lifespan, with_cors
from tests.slysock.asgi.applications import BODY, OK, START, ask, lifespan_app, saying

SHOP = "https://shop.example"


async def answer(origins: Sequence[str] | None, method: str = "GET", **headers: str) -> tuple[bytes, bytes]:
    """What an application that says ok is made to answer: the head, in lower case, and the body."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    app = with_cors(saying(START, BODY), origins)
    head, _, body = (await ask(app, f"{method} / HTTP/1.1\r\nhost: a\r\n{lines}\r\n".encode())).partition(b"\r\n\r\n")
    return head.lower(), body


@pytest.mark.parametrize("origins", [None, [SHOP]])
async def test_what_is_no_pages_request_is_left_alone(autojump_clock: MockClock, origins: list[str] | None) -> None:
    assert b"\r\n\r\n".join(await answer(origins)) == OK.lower()


async def test_any_page_may_ask_where_no_origins_are_listed_but_without_credentials(autojump_clock: MockClock) -> None:
    head, body = await answer(None, origin=SHOP)
    assert b"\r\naccess-control-allow-origin: *" in head
    assert b"credentials" not in head
    assert body == b"ok"


async def test_the_answer_to_a_listed_page_is_the_applications_and_says_so(autojump_clock: MockClock) -> None:
    head, body = await answer([SHOP], origin=SHOP)
    assert b"\r\naccess-control-allow-origin: https://shop.example" in head
    assert b"\r\naccess-control-allow-credentials: true" in head
    assert b"\r\nvary: origin" in head
    assert b"\r\ncontent-length: 2" in head, "the application's own"
    assert body == b"ok"


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_a_page_of_another_origin_never_reaches_the_application(autojump_clock: MockClock, method: str) -> None:
    head, body = await answer([SHOP], method, origin="https://evil.example", access_control_request_method="GET")
    assert head.startswith(b"http/1.1 403 ")
    assert b"access-control-allow-origin" not in head
    assert b'{"message":"Forbidden"}' in body


async def test_a_preflight_is_answered_for_the_application(autojump_clock: MockClock) -> None:
    asks = {"access_control_request_method": "PUT", "access_control_request_headers": "x-token"}
    head, body = await answer([SHOP], "OPTIONS", origin=SHOP, **asks)
    assert head.startswith(b"http/1.1 204 ")
    assert b"\r\naccess-control-allow-methods: get,head,post,put,patch,delete" in head
    assert b"\r\naccess-control-allow-headers: x-token" in head
    assert body == b""


async def test_an_options_request_that_is_no_preflight_is_the_applications(autojump_clock: MockClock) -> None:
    _, body = await answer([SHOP], "OPTIONS", origin=SHOP)
    assert body == b"ok"


async def test_the_lifespan_goes_through() -> None:
    log: list[str] = []
    async with asgi_lifespan(with_cors(lifespan_app(log), [SHOP])) as state:
        assert state == {"made": "here"}
    assert log[-1] == "returned"


async def test_an_application_that_sends_no_headers_gets_them_all_the_same(autojump_clock: MockClock) -> None:
    bare: list[Mapping[str, object]] = [{"type": "http.response.start", "status": 200}, BODY]
    data = f"GET / HTTP/1.1\r\nhost: a\r\norigin: {SHOP}\r\n\r\n".encode()
    assert b"\r\naccess-control-allow-origin: *" in (await ask(with_cors(saying(*bare), None), data)).lower()
