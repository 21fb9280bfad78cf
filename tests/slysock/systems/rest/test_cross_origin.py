"""CORS for the HTTP API: the rule of Engine.IO."""

import pytest

from slysock import Config
from slysock.testing import Response
from tests.slysock.systems.market import token_for
from tests.slysock.systems.rest.test_errors import toy
from tests.slysock.systems.running import open_systems

SHOP = "https://shop.example"
LISTED = Config(cors_origins=[SHOP])


async def ask(
    config: Config | None, method: str, *headers: tuple[str, str], path: str = "/toy/page", origin: str = SHOP
) -> Response:
    async with open_systems(toy, config=config) as running:
        return await running.http(method, path, headers=[("origin", origin), *headers])


async def test_any_origin_may_without_credentials() -> None:
    answer = await ask(None, "GET")
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_listed_origin_may_with_credentials_and_its_cookie_counts() -> None:
    answer = await ask(LISTED, "GET", ("cookie", f"token={token_for(5, 'VENDOR')}"), path="/toy/me")
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS"])
async def test_another_origin_is_refused_before_anything_is_done(method: str) -> None:
    answer = await ask(LISTED, method, origin="https://evil.example")
    assert answer.status == 403
    assert "access-control-allow-origin" not in answer.headers


async def test_our_own_pages_and_programs_are_not_asked() -> None:
    assert (await ask(LISTED, "GET", origin="http://memory")).status == 200
    async with open_systems(toy, config=LISTED) as running:
        assert (await running.http("GET", "/toy/page")).status == 200


async def test_a_preflight_is_answered_for_all_methods() -> None:
    wanted = (("access-control-request-method", "PUT"), ("access-control-request-headers", "authorization"))
    answer = await ask(LISTED, "OPTIONS", *wanted)
    assert answer.status == 204
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == "authorization"
    assert answer.body == b""


async def test_errors_carry_the_headers_too() -> None:
    answer = await ask(None, "GET", path="/toy/nowhere")
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (404, "*")
