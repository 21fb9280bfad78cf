"""Somebody who has nothing to do with a conversation: every event and endpoint, and what is left unchanged."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import pytest

from tests.slysock.systems.market import at
from tests.slysock.systems.running import json_of
from tests.slysock.systems.support.center import Caller, Center, data_of, exception, http_failure, id_of

FORBIDDEN = "You do not have access to this conversation"
ROLES = ["user", "restaurant", "market", "pharmacy", "service", "driver", ""]
SECRET = "only between us"


@final
@dataclass(frozen=True)
class Scene:
    """A general conversation and an order chat, of a user, a restaurant and an admin, all listening."""

    user: Caller
    restaurant: Caller
    admin: Caller
    general: str
    order: str

    @property
    def people(self) -> tuple[Caller, ...]:
        return self.user, self.restaurant, self.admin

    async def state(self) -> object:
        """Everything that a stranger might have changed."""
        return [
            await self.admin.ask("GET", "/conversations"),
            *[
                await self.admin.ask("GET", f"/conversations/{conversation}/messages")
                for conversation in (self.general, self.order)
            ],
        ]


async def set_scene(center: Center) -> Scene:
    await center.tell_order("1234", "u1", "preparing", ["r1"])
    user, restaurant, admin = await center.user(), await center.restaurant(), await center.admin()
    general = id_of(await user.ask("POST", "/conversations/with-admin", {"subject": SECRET, "content": SECRET}))
    order = id_of(await user.ask("POST", "/order-chat/1234"))
    await user.send(order, SECRET)
    scene = Scene(user, restaurant, admin, general, order)
    for caller in scene.people:
        for conversation in (general, order):
            await caller.join(conversation)
        await caller.heard()
    return scene


ENDPOINTS: list[tuple[str, str, Mapping[str, object] | None, int]] = [
    ("GET", "/conversations/{id}", None, 403),
    ("PATCH", "/conversations/{id}", {"status": "closed"}, 403),
    ("PATCH", "/conversations/{id}", {"subject": "mine"}, 403),
    ("POST", "/messages", {"conversationId": "{id}", "content": "hello"}, 403),
    ("GET", "/conversations/{id}/messages", None, 403),
    ("POST", "/conversations/{id}/read", None, 403),
    ("POST", "/order-chat/1234", None, 403),
    ("GET", "/order-chat/1234", None, 403),
    ("GET", "/order-chat/1234/messages", None, 403),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), ENDPOINTS)
@pytest.mark.parametrize("role", ROLES)
async def test_every_endpoint_refuses_a_stranger(
    center: Center, method: str, path: str, body: Mapping[str, object] | None, status: int, role: str
) -> None:
    scene = await set_scene(center)
    stranger = await center.call("stranger", role, name="Mallory")
    before = await scene.state()
    for conversation in (scene.general, scene.order):
        filled = None if body is None else {name: str(value).format(id=conversation) for name, value in body.items()}
        answer = await stranger.http(method, path.format(id=conversation), filled)
        assert answer.status == status
        failure = json_of(answer)
        assert isinstance(failure, dict)
        assert set(failure) == {"statusCode", "message", "error"}
        assert SECRET.encode() not in answer.body
    assert await scene.state() == before
    for caller in (*scene.people, stranger):
        assert await caller.heard() == []


@pytest.mark.parametrize("role", ROLES)
async def test_a_stranger_cannot_join_and_hears_nothing(center: Center, role: str) -> None:
    scene = await set_scene(center)
    stranger = await center.call("stranger", role)
    refused = exception(403, FORBIDDEN, "Forbidden")
    for conversation in (scene.general, scene.order):
        assert await stranger.join(conversation) == refused
        assert await stranger.heard() == [("exception", refused)]
        left = {"success": True, "conversationId": conversation}
        assert await stranger.socket.call("leave-conversation", {"conversationId": conversation}) == left
        await scene.user.send(conversation, SECRET)
        await scene.admin.ask("PATCH", f"/conversations/{conversation}", {"subject": "x"})
    await center.tell_order("1234", "u1", "delivered", ["r1"])
    await scene.user.ask("POST", "/conversations/with-admin", {"content": SECRET})
    assert await stranger.heard() == []
    assert await scene.user.names_heard() != []


@pytest.mark.parametrize("role", ROLES)
async def test_a_strangers_list_is_empty(center: Center, role: str) -> None:
    await set_scene(center)
    stranger = await center.call("stranger", role)
    for query in ("", "?limit=100", "?participant=u1", "?userId=u1"):
        listing = await stranger.ask("GET", f"/conversations{query}")
        assert (data_of(listing), at(listing, "total")) == ([], 0)


async def test_leaving_does_not_tell_whether_there_is_such_a_conversation(center: Center) -> None:
    scene = await set_scene(center)
    stranger = await center.stranger()
    for conversation in (scene.general, "6650abc123def4566650abc1"):
        answer = await stranger.socket.call("leave-conversation", {"conversationId": conversation})
        assert answer == {"success": True, "conversationId": conversation}


@pytest.mark.parametrize(
    "room",
    ["user:u1", "admins", "conversation:{id}", "conversation:{id}:u1", "{socket}", "*", "../{id}", "{id} ", "{upper}"],
)
async def test_names_of_rooms_are_no_conversations(center: Center, room: str) -> None:
    scene = await set_scene(center)
    stranger = await center.stranger()
    name = room.format(id=scene.general, upper=scene.general.upper(), socket=scene.user.socket.id)
    missing = exception(404, "Conversation not found", "Not Found")
    assert await stranger.join(name) == missing
    await stranger.heard()
    await scene.user.ask("POST", "/conversations/with-admin", {"content": SECRET})
    await scene.user.send(scene.general, SECRET)
    assert await stranger.heard() == []


async def test_leaving_by_the_name_of_a_room_leaves_none_of_ones_own(center: Center) -> None:
    user, admin = await center.user(), await center.admin()
    for name in ("user:u1", "admins", user.socket.id):
        for caller in (user, admin):
            await caller.socket.call("leave-conversation", {"conversationId": name})
    await user.ask("POST", "/conversations/with-admin", {})
    assert await user.names_heard() == ["new-conversation"]
    assert await admin.names_heard() == ["new-conversation"]


UNKNOWN = "6650abc123def4566650abc1"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"/conversations/{UNKNOWN}", None),
        ("GET", f"/conversations/{UNKNOWN}/messages", None),
        ("POST", f"/conversations/{UNKNOWN}/read", None),
        ("POST", "/messages", {"conversationId": UNKNOWN, "content": "x"}),
    ],
)
@pytest.mark.parametrize("role", ["user", "admin"])
async def test_what_does_not_exist_is_not_found(
    center: Center, method: str, path: str, body: object, role: str
) -> None:
    caller = await center.call("x1", role)
    answer = await caller.http(method, path, body)
    assert (answer.status, json_of(answer)) == (404, http_failure(404, "Conversation not found", "Not Found"))


async def test_an_admin_may_see_and_do_everything(center: Center) -> None:
    scene = await set_scene(center)
    late = await center.admin("a9")
    for conversation in (scene.general, scene.order):
        assert await late.join(conversation) == {"success": True, "conversationId": conversation}
        assert id_of(await late.ask("GET", f"/conversations/{conversation}")) == conversation
        assert at(await late.ask("GET", f"/conversations/{conversation}/messages"), "total") == 1
        assert at(await late.ask("POST", f"/conversations/{conversation}/read"), "success") is True
        await late.send(conversation, "hello")
    assert at(await late.ask("GET", "/conversations"), "total") == 2
    assert id_of(await late.ask("POST", "/order-chat/1234")) == scene.order


async def test_a_users_second_device_hears_what_the_first_does_not_have_open(center: Center) -> None:
    scene = await set_scene(center)
    second = await center.user()
    await scene.admin.send(scene.general, "hello")
    assert await second.heard() == []
    await second.join(scene.general)
    await scene.admin.send(scene.general, "again")
    assert await second.names_heard() == ["new-message"]
    assert len(await scene.user.heard()) == 2
