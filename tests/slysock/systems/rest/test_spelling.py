"""One path, one spelling: a proxy's rule for a path is a rule for all that is there."""

import pytest
from trio.testing import MockClock

from slysock.systems.pets import pets
from slysock.systems.support import support
from tests.slysock.systems.market import token_for
from tests.slysock.systems.running import error_of, json_of, open_systems


@pytest.mark.parametrize("page", ["/metrics", "/docs", "/openapi.json", "/asyncapi.json"])
async def test_a_page_is_where_it_is_and_nowhere_else(page: str, autojump_clock: MockClock) -> None:
    async with open_systems(pets) as running:
        assert (await running.http("GET", page)).status == 200
        encoded = f"/%{ord(page[1]):x}{page[2:]}"
        for other in (f"/{page}", f"{page}/", encoded, f"/.{page}", f"/x/..{page}", f"{page}//", page.upper()):
            answer = await running.http("GET", other)
            assert (answer.status, json_of(answer)) == (404, error_of(404, "Not found", "Not Found"))


@pytest.mark.parametrize(
    "path",
    [
        *("//api/chat/my-chats", "/api//chat/my-chats", "/api/chat//my-chats", "/api/chat/my-chats//"),
        *("/%61pi/chat/my-chats", "/api%2Fchat/my-chats", "/x/../api/chat/my-chats", "//manage/pets/users/1"),
    ],
)
async def test_a_part_of_the_api_is_where_it_is_and_nowhere_else(path: str, autojump_clock: MockClock) -> None:
    async with open_systems(pets) as running:
        assert (await running.http("GET", path, token=token_for(5, "buyer"))).status == 404
        assert (await running.http("GET", "/api/chat/my-chats", token=token_for(5, "buyer"))).status == 200


async def test_within_a_part_ids_are_encoded_as_clients_like(autojump_clock: MockClock) -> None:
    async with open_systems(support) as running:
        for user in ("user-1", "user%2D1", "%75ser-1"):
            body = {"name": "Ada", "role": "user"}
            path = f"/manage/support/users/{user}"
            assert (await running.http("PUT", path, token=token_for("b", "service"), body=body)).status < 300


async def test_what_is_nowhere_is_counted_and_in_the_shape_of_its_part(autojump_clock: MockClock) -> None:
    async with open_systems(pets) as running:
        answer = await running.http("GET", "/api/chat//my-chats")
        assert json_of(answer) == json_of(await running.http("GET", "/api/chat/none/such"))
        metrics = (await running.http("GET", "/metrics")).body
        assert b'slysock_http_errors_total{status="404"} 2' in metrics
