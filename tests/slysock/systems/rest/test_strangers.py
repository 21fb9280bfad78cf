"""No route of any system is open to those without a token, and none of the management to those without the role."""

import re

from tests.slysock.systems.market import token_for
from tests.slysock.systems.registered import DECLARED, MAKERS
from tests.slysock.systems.rest.test_documents import operations
from tests.slysock.systems.running import Running, json_of, open_systems


async def routes(running: Running) -> list[tuple[str, str]]:
    document = json_of(await running.http("GET", "/openapi.json"))
    return [(method.upper(), re.sub(r"{[^}]*}", "anything", path)) for path, method, _ in operations(document)]


async def test_without_a_token_every_route_is_401_whatever_is_sent() -> None:
    async with open_systems(*MAKERS.values()) as running:
        for method, path in await routes(running):
            for body in (None, {}, {"$gt": ""}):
                answer = await running.http(method, path, body=body)
                assert answer.status == 401, (method, path, body, answer.body)


async def test_without_the_role_every_route_of_the_management_is_403_whatever_is_sent() -> None:
    async with open_systems(*MAKERS.values()) as running:
        for method, path in await routes(running):
            if path.startswith("/manage/"):
                for role in {system.roles[0] for system in DECLARED}:
                    answer = await running.http(method, path, token=token_for("anything", role), body={})
                    assert answer.status == 403, (method, path, answer.body)
