"""The OpenAPI document and the page that shows it."""

import base64
import hashlib
import re
from collections.abc import Iterator

import pytest

from slysock.systems import SYSTEMS
from tests.slysock.systems.market import at
from tests.slysock.systems.registered import MAKERS
from tests.slysock.systems.rest.test_errors import toy
from tests.slysock.systems.running import json_of, open_systems
from tests.slysock.systems.test_asyncapi import references


def operations(document: object) -> Iterator[tuple[str, str, dict[str, object]]]:
    paths = at(document, "paths")
    assert isinstance(paths, dict)
    for path, methods in paths.items():
        for method, operation in methods.items():
            yield path, method, operation


async def test_routes_are_described_with_the_errors_and_tokens_that_they_really_have() -> None:
    async with open_systems(toy) as running:
        answer = await running.http("GET", "/openapi.json")
        assert answer.headers["content-type"].startswith("application/json")
        document = json_of(answer)
    assert at(document, "openapi") == "3.1.0"
    me = at(document, "paths", "/toy/me", "get")
    assert at(me, "security") == [{"bearer": []}, {"query": []}, {"cookie": []}]
    assert at(me, "responses", "401", "content", "application/json", "schema", "required") == ["toy", "why"]
    page = at(document, "paths", "/toy/page", "get")
    assert isinstance(page, dict)
    assert "security" not in page
    assert [at(parameter, "name") for parameter in page["parameters"]] == ["page", "limit"]
    body = at(document, "paths", "/toy/things/{thing_id}", "put", "requestBody", "content", "application/json")
    assert at(body, "schema", "$ref") == "#/components/schemas/Body"


async def test_every_route_of_the_systems_is_described() -> None:
    async with open_systems(*MAKERS.values()) as running:
        document = json_of(await running.http("GET", "/openapi.json"))
    found = {(method.upper(), path) for path, method, _ in operations(document)}
    manage = {
        *(("PUT", f"/manage/{system}/users/{{record_id}}") for system in SYSTEMS),
        *(("GET", f"/manage/{system}/presence/{{user_id}}") for system in SYSTEMS),
        ("POST", "/manage/marketplace/notifications"),
        ("POST", "/manage/services/notifications"),
        ("PUT", "/manage/marketplace/products/{record_id}"),
        ("PUT", "/manage/pets/listings/{record_id}"),
        ("PUT", "/manage/services/chats/{record_id}"),
        ("PUT", "/manage/services/tickets/{record_id}"),
        ("PUT", "/manage/support/orders/{record_id}"),
    }
    assert {route for route in found if route[1].startswith("/manage/")} == manage
    assert sum(path.startswith("/support/") for _, path in found) == 11
    assert sum(path.startswith("/api/chat/") for _, path in found) >= 9
    for path, method, operation in operations(document):
        assert operation["summary"], (method, path)
        assert operation.get("security"), f"{method} {path} is open to everybody"
    for reference in references(document):
        at(document, *reference.removeprefix("#/").split("/"))
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))


async def test_the_page_needs_nothing_from_elsewhere() -> None:
    async with open_systems(toy) as running:
        answer = await running.http("GET", "/docs")
    page = answer.body.decode()
    assert answer.headers["content-type"].startswith("text/html")
    assert re.findall(r"https?://", page) == []
    assert re.findall(r"(?:src|href)=\"([^\"]*)\"", page) == ["openapi.json", "asyncapi.json"]
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    for tag in ("script", "style"):
        (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


@pytest.mark.parametrize("path", ["/", "/schema", "/docs/", "/openapi.yaml", "/nothing"])
async def test_nothing_else_is_there(path: str) -> None:
    async with open_systems(toy) as running:
        assert (await running.http("GET", path)).status in {404} | ({200} if path == "/docs/" else set())
