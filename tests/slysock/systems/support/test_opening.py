"""General conversations: who opens them, with whom, and what admins do with them."""

import pytest
import trio

from tests.slysock.systems.market import at, token_for
from tests.slysock.systems.running import json_of
from tests.slysock.systems.support.center import (
    CONVERSATION_KEYS,
    NEW_CONVERSATION_KEYS,
    Center,
    assert_keys,
    data_of,
    http_failure,
    id_of,
)

WITH_ADMIN = "/conversations/with-admin"
FORBIDDEN = http_failure(403, "Your role does not allow this", "Forbidden")


def people_in(conversation: object) -> list[object]:
    people = at(conversation, "participants")
    assert isinstance(people, list)
    return [at(person, "_id") for person in people]


@pytest.mark.parametrize(
    ("role", "may_create", "may_ask_admin"),
    [
        ("user", False, True),
        ("admin", True, False),
        ("restaurant", True, True),
        ("RESTAURANT", True, True),
        ("market", False, True),
        ("pharmacy", False, True),
        ("service", False, False),
        ("driver", False, False),
        ("", False, True),
    ],
)
async def test_who_may_open_what(center: Center, role: str, may_create: bool, may_ask_admin: bool) -> None:
    caller = await center.call("x1", role)
    created = await caller.http("POST", "/conversations", {"participants": ["u1"]})
    asked = await caller.http("POST", WITH_ADMIN, {})
    for answer, allowed in ((created, may_create), (asked, may_ask_admin)):
        assert answer.status == (201 if allowed else 403)
        if not allowed:
            assert json_of(answer) == FORBIDDEN
    assert at(await caller.ask("GET", "/conversations"), "total") == may_create + may_ask_admin
    assert (await caller.http("POST", "/order-chat/1234")).status == 201


@pytest.mark.parametrize("role", ["user", "restaurant", "market", "pharmacy", "service", ""])
async def test_only_admins_change_conversations(center: Center, role: str) -> None:
    caller = await center.call("x1", role)
    conversation = id_of(await caller.ask("POST", "/order-chat/1234"))
    answer = await caller.http("PATCH", f"/conversations/{conversation}", {"status": "closed"})
    assert (answer.status, json_of(answer)) == (403, FORBIDDEN)
    assert at(await caller.ask("GET", f"/conversations/{conversation}"), "status") == "open"


async def test_an_admins_conversation_reaches_the_user_it_is_for_and_all_admins(center: Center) -> None:
    user, admin, second, stranger = (
        await center.user(),
        await center.admin(),
        await center.admin("a2"),
        await center.stranger(),
    )
    body = {"participants": ["u1"], "subject": "1234#مشكلة في الطلب", "content": "مرحبا"}
    conversation = await admin.ask("POST", "/conversations", body)
    assert_keys(conversation, CONVERSATION_KEYS)
    assert people_in(conversation) == ["a1", "u1"]
    assert at(conversation, "subject") == "1234#مشكلة في الطلب"
    assert at(conversation, "supportType") == "general"
    assert at(conversation, "lastMessage", "content") == "مرحبا"
    for caller in (user, admin, second):
        ((name, told),) = await caller.heard()
        assert name == "new-conversation"
        assert_keys(told, NEW_CONVERSATION_KEYS)
        assert id_of(told) == id_of(conversation)
        assert at(told, "status") == "open"
    assert await stranger.heard() == []


@pytest.mark.parametrize(
    "body", [{"userId": "u1"}, {"participants": ["u1", "u1"]}, {"participants": ["u1"], "userId": "u1"}]
)
async def test_participants_may_be_named_in_several_ways(center: Center, body: object) -> None:
    admin = await center.admin()
    assert people_in(await admin.ask("POST", "/conversations", body)) == ["a1", "u1"]


@pytest.mark.parametrize("body", [{}, {"participants": []}, {"participants": ["a1"]}])
async def test_an_admin_must_name_somebody(center: Center, body: object) -> None:
    admin = await center.admin()
    assert (await admin.http("POST", "/conversations", body)).status == 400
    assert at(await admin.ask("GET", "/conversations"), "total") == 0


async def test_a_restaurants_conversation_has_an_admin(center: Center) -> None:
    restaurant, _ = await center.restaurant(), await center.admin()
    assert people_in(await restaurant.ask("POST", "/conversations", {"participants": ["u1"]})) == ["r1", "u1", "a1"]


async def test_with_admin_takes_the_admin_with_the_fewest_open_conversations(center: Center) -> None:
    busy, idle = await center.admin("a1"), await center.admin("a2")
    await busy.ask("POST", "/conversations", {"participants": ["u9"]})
    user = await center.user()
    assert people_in(await user.ask("POST", WITH_ADMIN, {})) == ["u1", "a2"]
    conversation = await idle.ask("POST", "/conversations", {"participants": ["u9"]})
    assert people_in(await user.ask("POST", WITH_ADMIN, {})) == ["u1", "a1"]
    await idle.ask("PATCH", f"/conversations/{id_of(conversation)}", {"status": "resolved"})
    assert people_in(await user.ask("POST", WITH_ADMIN, {})) == ["u1", "a2"]


async def test_many_who_ask_at_once_are_shared_out_among_the_admins(center: Center) -> None:
    for number in range(4):
        await center.admin(f"a{number}")
    users = [await center.user(f"u{number}") for number in range(8)]
    async with trio.open_nursery() as nursery:
        for user in users:
            nursery.start_soon(user.ask, "POST", WITH_ADMIN, {})
    listing = data_of(await users[0].ask("GET", "/conversations")) + [
        item for user in users[1:] for item in data_of(await user.ask("GET", "/conversations"))
    ]
    assert sorted(str(people_in(item)[1]) for item in listing) == sorted(["a0", "a1", "a2", "a3"] * 2)


async def test_with_admin_works_before_there_is_an_admin_and_who_answers_takes_part(center: Center) -> None:
    user = await center.user()
    conversation = await user.ask("POST", WITH_ADMIN, {"subject": "help", "content": "anybody?"})
    assert people_in(conversation) == ["u1"]
    assert at(conversation, "lastMessage", "content") == "anybody?"
    admin = await center.admin()
    await user.join(id_of(conversation))
    await user.heard()
    assert [id_of(item) for item in data_of(await admin.ask("GET", "/conversations"))] == [id_of(conversation)]
    await admin.send(id_of(conversation), "I am here")
    (first, updated), (second, message) = await user.heard()
    assert (first, second) == ("conversation-updated", "new-message")
    assert people_in(updated) == ["u1", "a1"]
    assert at(message, "content") == "I am here"


async def test_with_admin_needs_no_body(center: Center) -> None:
    user = await center.user()
    conversation = await user.ask("POST", WITH_ADMIN)
    assert_keys(
        {**dict(conversation), "lastMessage": {}} if isinstance(conversation, dict) else None, CONVERSATION_KEYS
    )
    assert at(conversation, "lastMessage") is None


async def test_a_retried_opening_finds_the_first(center: Center) -> None:
    user, admin = await center.user(), await center.admin()
    body = {"content": "help", "clientMessageId": "c1"}
    first = await user.ask("POST", WITH_ADMIN, body)
    assert id_of(await user.ask("POST", WITH_ADMIN, body)) == id_of(first)
    assert await admin.names_heard() == ["new-conversation"]
    assert at(await user.ask("GET", f"/conversations/{id_of(first)}/messages"), "total") == 1
    other = await center.user("u2")  # the same id of another client is another conversation
    assert id_of(await other.ask("POST", WITH_ADMIN, body)) != id_of(first)


async def test_an_admin_closes_reopens_resolves_and_renames(center: Center) -> None:
    user, admin = await center.user(), await center.admin()
    conversation = id_of(await user.ask("POST", WITH_ADMIN, {}))
    for caller in (user, admin):
        await caller.join(conversation)
        await caller.heard()
    path = f"/conversations/{conversation}"

    closed = await admin.ask("PATCH", path, {"status": "closed"})
    for caller, unread in ((user, 1), (admin, 1)):
        (first, message), (second, updated) = await caller.heard()
        assert (first, second) == ("new-message", "conversation-updated")
        assert (at(message, "type"), at(message, "content")) == ("system", "تم إغلاق المحادثة")
        assert at(message, "sender", "name") == "المدير"
        assert_keys(updated, CONVERSATION_KEYS)
        assert at(updated, "status") == "closed"
        assert at(updated, "unreadCount") == unread
        if caller is admin:
            assert updated == closed
    refused = await user.http("POST", "/messages", {"conversationId": conversation, "content": "x"})
    assert refused.status == 409
    assert (await admin.http("POST", "/messages", {"conversationId": conversation, "content": "x"})).status == 409
    assert await user.heard() == []

    await admin.ask("PATCH", path, {"status": "open"})
    ((name, updated),) = await user.heard()
    assert (name, at(updated, "status")) == ("conversation-updated", "open")
    await user.send(conversation)
    await admin.ask("PATCH", path, {"status": "resolved", "subject": "تم"})
    _, (name, updated) = await user.heard()
    assert (name, at(updated, "status"), at(updated, "subject")) == ("conversation-updated", "resolved", "تم")
    await user.send(conversation, "not quite")  # what is not closed takes messages
    renamed = await admin.ask("PATCH", path, {"subject": "again"})
    assert (at(renamed, "status"), at(renamed, "subject")) == ("resolved", "again")


@pytest.mark.parametrize("body", [{}, {"status": "gone"}, {"status": None}, {"subject": "x" * 201}, {"status": "OPEN"}])
async def test_a_change_that_is_none_is_refused(center: Center, body: object) -> None:
    user, admin = await center.user(), await center.admin()
    conversation = id_of(await user.ask("POST", WITH_ADMIN, {}))
    await admin.heard()
    await admin.join(conversation)
    assert (await admin.http("PATCH", f"/conversations/{conversation}", body)).status == 400
    assert await admin.heard() == []


async def test_each_reader_of_an_update_gets_their_own_unread_count(center: Center) -> None:
    user, admin, onlooker = await center.user(), await center.admin(), await center.admin("a2")
    conversation = id_of(await user.ask("POST", WITH_ADMIN, {}))
    for caller in (user, admin, onlooker):
        await caller.join(conversation)
    for text in ("one", "two"):
        await user.send(conversation, text)
    await admin.ask("POST", f"/conversations/{conversation}/read")
    for caller in (user, admin, onlooker):
        await caller.heard()
    await onlooker.ask("PATCH", f"/conversations/{conversation}", {"subject": "x"})
    for caller, unread in ((user, 0), (admin, 0), (onlooker, 2)):
        ((_, updated),) = await caller.heard()
        assert at(updated, "unreadCount") == unread


async def test_a_name_comes_from_whatever_the_token_has_of_it(center: Center) -> None:
    named = {
        "n1": ({"name": "سارة"}, "سارة"),
        "n2": ({"fullName": "Sara A"}, "Sara A"),
        "n3": ({"firstName": "Sara", "lastName": "A"}, "Sara A"),
        "n4": ({"username": "sara"}, "sara"),
        "n5": ({}, "n5"),
    }
    for user_id, (claims, expected) in named.items():
        caller = await center.call(user_id, "user", **claims)
        conversation = await caller.ask("POST", WITH_ADMIN, {})
        assert at(conversation, "participants", 0, "name") == expected


async def test_a_name_is_refreshed_by_the_next_token(center: Center) -> None:
    user = await center.user()
    await user.ask("POST", WITH_ADMIN, {})
    renamed = token_for("u1", "user", name="Ahmed")
    answer = await center.running.http("GET", "/support/conversations", token=renamed)
    assert at(json_of(answer), "data", 0, "participants", 0, "name") == "Ahmed"
