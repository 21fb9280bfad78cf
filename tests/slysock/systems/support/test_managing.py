"""What the back-end tells of users, and what it can ask."""

import pytest
import trio

from tests.slysock.systems.market import at, settle, token_for
from tests.slysock.systems.running import json_of
from tests.slysock.systems.support.center import Center, id_of


async def test_a_user_whom_the_back_end_has_told_of_has_a_name(center: Center) -> None:
    answer = await center.manage("users/r1", {"role": "RESTAURANT", "name": "مطعم"})
    assert (answer.status, json_of(answer)) == (200, {"_id": "r1", "name": "مطعم", "role": "restaurant"})
    admin = await center.admin()
    conversation = await admin.ask("POST", "/conversations", {"participants": ["r1"]})
    assert at(conversation, "participants", 1) == {"_id": "r1", "name": "مطعم", "role": "restaurant"}


async def test_an_admin_whom_the_back_end_has_told_of_can_be_asked(center: Center) -> None:
    await center.manage("users/a7", {"role": "Admin", "name": "المدير"})
    user = await center.user()
    conversation = await user.ask("POST", "/conversations/with-admin", {})
    assert at(conversation, "participants", 1) == {"_id": "a7", "name": "المدير", "role": "admin"}


async def test_the_next_token_wins_over_what_was_told(center: Center) -> None:
    user = await center.user()
    await center.manage("users/u1", {"role": "user", "name": "Renamed"})
    conversation = await user.ask("POST", "/conversations/with-admin", {})
    assert at(conversation, "participants", 0, "name") == "أحمد محمد"


async def test_a_role_that_was_told_gives_no_rights(center: Center) -> None:
    await center.manage("users/u1", {"role": "admin"})
    user, other = await center.user(), await center.user("u2")
    conversation = id_of(await other.ask("POST", "/conversations/with-admin", {}))
    assert (await user.http("GET", f"/conversations/{conversation}")).status == 403
    assert (await user.http("PATCH", f"/conversations/{conversation}", {"status": "closed"})).status == 403


async def test_a_token_without_a_role_leaves_the_one_that_was_told_and_gives_no_rights(center: Center) -> None:
    await center.manage("users/r9", {"role": "restaurant", "name": "مطعم"})
    nameless, admin = await center.call("r9", ""), await center.admin()
    assert (await nameless.http("POST", "/conversations", {"participants": ["u1"]})).status == 403
    conversation = await admin.ask("POST", "/conversations", {"participants": ["r9", "new"]})
    assert at(conversation, "participants", 1) == {"_id": "r9", "name": "مطعم", "role": "restaurant"}
    newcomer = await center.call("new", "")
    shown = await newcomer.ask("GET", f"/conversations/{id_of(conversation)}")
    assert at(shown, "participants", 2, "role") == "user"


async def presence_of(center: Center, user_id: str) -> object:
    token = token_for("backend", "service")
    answer = await center.running.http("GET", f"/manage/support/presence/{user_id}", token=token)
    assert answer.status == 200
    return json_of(answer)


async def test_presence_counts_sockets(center: Center, autojump_clock: trio.testing.MockClock) -> None:
    nobody = {"userId": "u1", "isOnline": False, "sockets": 0, "lastActive": None}
    assert await presence_of(center, "u1") == nobody
    first, second = await center.user(), await center.user()
    here = await presence_of(center, "u1")
    assert (at(here, "isOnline"), at(here, "sockets")) == (True, 2)
    await trio.sleep(10)
    await first.socket.disconnect()
    await settle()
    assert at(await presence_of(center, "u1"), "sockets") == 1
    await second.socket.disconnect()
    await settle()
    gone = await presence_of(center, "u1")
    assert (at(gone, "isOnline"), at(gone, "sockets")) == (False, 0)
    assert str(at(gone, "lastActive")) > str(at(here, "lastActive"))


@pytest.mark.parametrize("path", ["users/u1", "orders/1234"])
@pytest.mark.parametrize("role", ["user", "restaurant", ""])
async def test_only_the_back_end_and_admins_tell(center: Center, path: str, role: str) -> None:
    body = {"role": "user", "userId": "x1", "status": "new"}
    answer = await center.running.http("PUT", f"/manage/support/{path}", token=token_for("x1", role), body=body)
    assert answer.status == 403


async def test_every_endpoint_and_event_is_documented(center: Center) -> None:
    openapi = json_of(await center.running.http("GET", "/openapi.json"))
    paths = at(openapi, "paths")
    assert isinstance(paths, dict)
    endpoints = {
        (method, path) for path, methods in paths.items() if path.startswith("/support/") for method in methods
    }
    assert endpoints == {
        ("post", "/support/conversations"),
        ("post", "/support/conversations/with-admin"),
        ("get", "/support/conversations"),
        ("get", "/support/conversations/{conversation_id}"),
        ("patch", "/support/conversations/{conversation_id}"),
        ("post", "/support/messages"),
        ("get", "/support/conversations/{conversation_id}/messages"),
        ("post", "/support/conversations/{conversation_id}/read"),
        ("post", "/support/order-chat/{order_id}"),
        ("get", "/support/order-chat/{order_id}"),
        ("get", "/support/order-chat/{order_id}/messages"),
    }
    asyncapi = json_of(await center.running.http("GET", "/asyncapi.json"))
    operations = at(asyncapi, "operations")
    assert isinstance(operations, dict)
    assert {name.rpartition(".")[2] for name in operations} == {
        "join-conversation",
        "leave-conversation",
        "refreshToken",
        "new-message",
        "conversation-updated",
        "new-conversation",
        "exception",
    }
