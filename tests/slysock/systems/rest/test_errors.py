"""The errors and dependencies that every part of the API shares."""

import msgspec
import pytest
import trio
from litestar import get, post, put
from litestar.params import FromPath, JSONBody

from slysock import Router
from slysock.identity import make_token
from slysock.systems.domain import Conflict, Invalid, NotFound, Unavailable
from slysock.systems.foundation import Foundation
from slysock.systems.rest import Caller, PagingFromQuery, paging, rest_router, then
from slysock.systems.system import System
from tests.slysock.systems.market import now, settle, token_for
from tests.slysock.systems.running import error_of, json_of, open_systems


class Body(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    count: int = 0


happened: list[str] = []


@get("/me")
async def me(identity: Caller) -> dict[str, object]:
    return {"id": identity.user_id, "role": identity.role}


@get("/page", dependencies={"paging": paging(default_limit=7, max_limit=50)})
async def page(paging: PagingFromQuery) -> list[int]:
    return [paging.page, paging.limit]


@put("/things/{thing_id:str}")
async def put_thing(thing_id: FromPath[str], data: JSONBody[Body]) -> list[object]:
    return [thing_id, data.title, data.count]


@get("/fail/{what:str}")
async def fail(what: FromPath[str]) -> None:
    raise {
        "invalid": Invalid("no sense"),
        "missing": NotFound("no such thing"),
        "conflict": Conflict("closed"),
        "down": Unavailable("later"),
        "bug": RuntimeError("the secret of the inside"),
    }[what]


@post("/then")
async def answer_then() -> object:
    happened.append("handled")
    return then({"ok": True}, happened.append, "behind")


def toy(foundation: Foundation) -> System:
    area = rest_router(
        "/toy",
        [me, page, put_thing, fail, answer_then],
        lambda status, text: {"toy": status, "why": text},
    )
    return System(name="toy", routers=(Router("/toy"),), run=trio.sleep_forever, rest=(area,))


async def test_a_request_is_its_tokens_bearer() -> None:
    async with open_systems(toy) as running:
        answer = await running.http("GET", "/toy/me", token=token_for(5, "VENDOR"))
        assert (answer.status, json_of(answer)) == (200, {"id": 5, "role": "VENDOR"})
        answer = await running.http("GET", f"/toy/me?token={token_for('x', 'buyer')}")
        assert (answer.status, json_of(answer)) == (200, {"id": "x", "role": "buyer"})


async def test_a_request_without_a_good_token_is_answered_401_in_the_shape_of_its_part() -> None:
    async with open_systems(toy) as running:
        answer = await running.http("GET", "/toy/me")
        assert (answer.status, json_of(answer)) == (401, {"toy": 401, "why": "Authentication token is missing"})
        assert answer.headers["www-authenticate"] == "Bearer"
        forged = make_token("another secret, also of more than 32 bytes", {"id": 1}, now=now(), expires_in_seconds=60)
        answer = await running.http("GET", "/toy/me", token=forged)
        assert (answer.status, json_of(answer)) == (401, {"toy": 401, "why": "Authentication token is invalid"})


async def test_a_cookie_is_a_token_from_our_own_pages_only() -> None:
    async with open_systems(toy) as running:
        cookie = ("cookie", f"token={token_for(5, 'VENDOR')}")
        assert (await running.http("GET", "/toy/me", headers=[cookie])).status == 200
        foreign = [cookie, ("origin", "https://evil.example")]
        assert (await running.http("GET", "/toy/me", headers=foreign)).status == 401


@pytest.mark.parametrize(
    ("what", "status", "text"),
    [
        ("invalid", 400, "no sense"),
        ("missing", 404, "no such thing"),
        ("conflict", 409, "closed"),
        ("down", 503, "later"),
    ],
)
async def test_what_the_domain_refuses_is_answered_by_status_and_text(what: str, status: int, text: str) -> None:
    async with open_systems(toy) as running:
        answer = await running.http("GET", f"/toy/fail/{what}")
        assert (answer.status, json_of(answer)) == (status, {"toy": status, "why": text})


async def test_nothing_of_the_inside_is_told_about_a_bug_and_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async with open_systems(toy) as running:
        answer = await running.http("GET", "/toy/fail/bug")
    assert (answer.status, json_of(answer)) == (500, {"toy": 500, "why": "Something went wrong"})
    (record,) = caplog.records
    assert record.exc_info is not None


async def test_unknown_paths_and_methods_have_the_shape_of_the_part_that_they_are_in() -> None:
    async with open_systems(toy) as running:
        answer = await running.http("GET", "/toy/nowhere")
        assert (answer.status, json_of(answer)) == (404, {"toy": 404, "why": "Not found"})
        answer = await running.http("DELETE", "/toy/me")
        assert (answer.status, json_of(answer)) == (405, {"toy": 405, "why": "Method not allowed"})
        assert "GET" in answer.headers["allow"]
        answer = await running.http("GET", "/toyland")
        assert (answer.status, json_of(answer)) == (404, error_of(404, "Not found", "Not Found"))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"title": {"$gt": ""}}, "Expected `str`, got `object` at `title`"),
        ({}, "Object missing required field `title`"),
        ({"title": "a", "more": 1}, "Object contains unknown field `more`"),
        ([], "Expected `object`, got `array`"),
    ],
)
async def test_a_body_that_does_not_fit_is_answered_400_with_the_place(body: object, text: str) -> None:
    async with open_systems(toy) as running:
        answer = await running.http("PUT", "/toy/things/x", body=body)
        assert answer.status == 400
        assert json_of(answer) == {"toy": 400, "why": text}


async def test_a_body_that_is_no_json_is_answered_400() -> None:
    async with open_systems(toy) as running:
        headers = [("content-type", "application/json")]
        answer = await running.memory.request("PUT", "/toy/things/x", headers=headers, body=b'{"title"')
        assert (answer.status, json_of(answer)) == (400, {"toy": 400, "why": "The body is not JSON: malformed JSON"})


async def test_a_request_that_needs_a_body_and_has_none_is_told_so() -> None:
    async with open_systems(toy) as running:
        for headers in ([], [("content-type", "application/json")]):
            answer = await running.memory.request("PUT", "/toy/things/x", headers=headers, body=b"")
            assert (answer.status, json_of(answer)) == (400, {"toy": 400, "why": "The request needs a JSON body"})


@pytest.mark.parametrize("body", [rb'{"title": "cut \ud83d"}', rb'{"title": "\udc00 cut"}'])
async def test_half_an_emoji_in_a_body_becomes_a_replacement_character_as_in_an_event(body: bytes) -> None:
    async with open_systems(toy) as running:
        headers = [("content-type", "application/json")]
        answer = await running.memory.request("PUT", "/toy/things/x", headers=headers, body=body)
        assert answer.status == 200
        assert "cut" in str(json_of(answer))
        assert "\ufffd" in str(json_of(answer))


@pytest.mark.parametrize("body", [b'{"title": "\xff"}', b"[" * 100_000])
async def test_a_body_that_no_parser_can_read_is_answered_400(body: bytes) -> None:
    async with open_systems(toy) as running:
        answer = await running.memory.request("PUT", "/toy/things/x", headers=[], body=body)
        assert answer.status == 400


async def test_a_body_over_the_limit_is_answered_413() -> None:
    async with open_systems(toy) as running:
        answer = await running.http("PUT", "/toy/things/x", body={"title": "x" * 1_000_000})
        assert (answer.status, json_of(answer)) == (413, {"toy": 413, "why": "The request is too large"})


@pytest.mark.parametrize(
    ("query", "page"),
    [("", [1, 7]), ("?page=3&limit=9", [3, 9]), ("?limit=51", [1, 50]), ("?limit=999999999999", [1, 50])],
)
async def test_a_page_has_a_cap(query: str, page: list[int]) -> None:
    async with open_systems(toy) as running:
        assert json_of(await running.http("GET", f"/toy/page{query}")) == page


@pytest.mark.parametrize("query", ["?page=0", "?limit=0", "?page=-1", "?page=x", "?limit[$gt]=1&page=0"])
async def test_a_page_that_cannot_be_is_answered_400(query: str) -> None:
    async with open_systems(toy) as running:
        assert (await running.http("GET", f"/toy/page{query}")).status == 400


async def test_what_is_to_follow_an_answer_follows_it() -> None:
    happened.clear()
    async with open_systems(toy) as running:
        answer = await running.http("POST", "/toy/then")
        assert (answer.status, json_of(answer)) == (201, {"ok": True})
        await settle()
    assert happened == ["handled", "behind"]
