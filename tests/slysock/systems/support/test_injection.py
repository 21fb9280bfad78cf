"""An object where a scalar belongs never reaches the store: it is refused, on every field of every body and payload."""

from collections.abc import Mapping

import pytest

from tests.slysock.systems.market import at
from tests.slysock.systems.support.center import Center, id_of

OPERATORS: list[object] = [
    {"$gt": ""},
    {"$ne": None},
    {"$where": "sleep(1000)"},
    {"$regex": ".*"},
    [{"$gt": ""}],
    ["u1"],
    True,
    1.5,
]

BODIES: list[tuple[str, str, Mapping[str, object], list[str]]] = [
    (
        "POST",
        "/messages",
        {"conversationId": "{id}", "content": "x", "type": "text", "clientMessageId": "c"},
        ["conversationId", "content", "type", "clientMessageId"],
    ),
    (
        "POST",
        "/conversations",
        {"participants": ["u1"], "userId": "u1", "subject": "x", "content": "x", "clientMessageId": "c"},
        ["participants.0", "userId", "subject", "content", "clientMessageId"],
    ),
    (
        "POST",
        "/conversations/with-admin",
        {"subject": "x", "content": "x", "clientMessageId": "c"},
        ["subject", "content", "clientMessageId"],
    ),
    ("PATCH", "/conversations/{id}", {"status": "closed", "subject": "x"}, ["status", "subject"]),
]

MAY_NOT = {
    "/conversations": ("user",),
    "/conversations/with-admin": ("admin",),
    "/conversations/{id}": ("user", "restaurant"),
}
"""Whose bodies are not looked at."""


def injected(body: Mapping[str, object], field: str, value: object, conversation: str) -> object:
    filled = {name: conversation if given == "{id}" else given for name, given in body.items()}
    name, _, position = field.partition(".")
    return {**filled, name: [value] if position else value}


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [(method, path, body, field) for method, path, body, fields in BODIES for field in fields],
)
async def test_every_field_of_a_body(
    center: Center, method: str, path: str, body: Mapping[str, object], field: str
) -> None:
    user, admin, restaurant = await center.user(), await center.admin(), await center.restaurant()
    conversation = id_of(await user.ask("POST", "/conversations/with-admin", {}))
    before = await admin.ask("GET", "/conversations")
    for value in OPERATORS:
        for role, caller in {"user": user, "admin": admin, "restaurant": restaurant}.items():
            answer = await caller.http(method, path.format(id=conversation), injected(body, field, value, conversation))
            assert answer.status == (403 if role in MAY_NOT.get(path, ()) else 400)
            assert b"$" not in answer.body.replace(b"`$.", b"").replace(b"at `$", b"")
    assert await admin.ask("GET", "/conversations") == before


@pytest.mark.parametrize("body", [[], "x", 7, [{"conversationId": "x"}], {"$where": "1"}])
@pytest.mark.parametrize("path", ["/messages", "/conversations"])
async def test_a_body_of_another_type(center: Center, path: str, body: object) -> None:
    admin = await center.admin()
    assert (await admin.http("POST", path, body)).status == 400


@pytest.mark.parametrize("value", OPERATORS)
@pytest.mark.parametrize("event", ["join-conversation", "leave-conversation"])
async def test_every_field_of_an_event(center: Center, event: str, value: object) -> None:
    admin = await center.admin()
    for payload in ({"conversationId": value}, value):
        assert at(await admin.socket.call(event, payload), "statusCode") == 400


@pytest.mark.parametrize("value", OPERATORS)
async def test_a_token_that_is_no_text(center: Center, value: object) -> None:
    user = await center.user()
    assert at(await user.socket.call("refreshToken", {"token": value}), "statusCode") == 400
    socket = await center.running.memory.connect("/support", auth={"token": value})
    (failure,) = await socket.expect("exception")
    assert at(failure, "statusCode") == 401
    await socket.wait_disconnected(5)


@pytest.mark.parametrize(
    "conversation", ["%7B%22%24gt%22%3A%22%22%7D", "%00", "..%2Fmessages", "'%20OR%201=1--", "x" * 2000]
)
async def test_ids_in_paths_are_only_texts(center: Center, conversation: str) -> None:
    user, admin = await center.user(), await center.admin()
    await user.ask("POST", "/conversations/with-admin", {})
    for suffix in ("", "/messages"):
        assert (await admin.http("GET", f"/conversations/{conversation}{suffix}")).status in {400, 404}
    assert (await admin.http("POST", f"/conversations/{conversation}/read")).status in {400, 404, 405}
    assert (await admin.http("GET", f"/order-chat/{conversation}")).status in {400, 404}


@pytest.mark.parametrize("query", ["page[$gt]=1", "limit[$gt]=1", "page=1&page=2", "status[$ne]=open"])
async def test_queries_are_only_texts(center: Center, query: str) -> None:
    user = await center.user()
    answer = await user.http("GET", f"/conversations?{query}")
    assert answer.status in {200, 400}
    if answer.status == 200:
        assert b'"total":0' in answer.body


@pytest.mark.parametrize(
    "body",
    [
        {"userId": {"$gt": ""}, "status": "new"},
        {"userId": "u1", "status": {"$ne": ""}},
        {"userId": "u1", "status": "new", "participants": [{"$gt": ""}]},
        {"userId": "u1", "status": "new", "participants": {"$gt": ""}},
        {"userId": "", "status": "new"},
        {"userId": "u1"},
    ],
)
async def test_every_field_of_an_order(center: Center, body: object) -> None:
    answer = await center.manage("orders/1234", body)
    assert answer.status == 400
    user = await center.user()
    assert (await user.http("POST", "/order-chat/1234")).status == 201  # still nobody has told of it
