"""The OpenAPI document and the page that shows it."""

import base64
import hashlib
import re
from collections.abc import Iterator

import pytest
from litestar.routes import HTTPRoute

from slysock.systems.system import System
from tests.slysock.systems.market import at
from tests.slysock.systems.registered import DECLARED, MAKERS
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


def routes_of(system: System) -> Iterator[tuple[str, str]]:
    """Yield the method and path of each request of a system's own."""
    for area in system.rest:
        for route in area.router.routes:
            if isinstance(route, HTTPRoute):
                for handler in route.route_handlers:
                    if handler.include_in_schema is not False and handler.http_methods != {"OPTIONS"}:
                        yield from ((method, route.path_format) for method in handler.http_methods)


def management_of(system: System) -> Iterator[tuple[str, str]]:
    """Yield the method and path of each request by which another back-end tells a system of something, or asks."""
    for resource in system.manage.resources:
        yield "PUT", f"/manage/{system.name}/{resource.kind}/{{record_id}}"
    if system.manage.presence is not None:
        yield "GET", f"/manage/{system.name}/presence/{{user_id}}"
    if system.manage.notifications is not None:
        yield "POST", f"/manage/{system.name}/notifications"


async def test_every_route_of_the_systems_is_described() -> None:
    async with open_systems(*MAKERS.values()) as running:
        document = json_of(await running.http("GET", "/openapi.json"))
    found = {(method.upper(), path) for path, method, _ in operations(document)}
    assert found == {route for system in DECLARED for route in (*routes_of(system), *management_of(system))}
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
