"""Order chats: whose they are, and how they end."""

import pytest
import trio

from tests.slysock.systems.market import at
from tests.slysock.systems.running import json_of
from tests.slysock.systems.support.center import (
    CONVERSATION_KEYS,
    MESSAGE_KEYS,
    NEW_CONVERSATION_KEYS,
    Caller,
    Center,
    assert_keys,
    data_of,
    http_failure,
    id_of,
)

CHAT = "/order-chat/1234"
NOT_YOURS = http_failure(403, "You do not have access to this order", "Forbidden")
MISSING = http_failure(404, "Order chat not found", "Not Found")
CLOSED_TEXT = "تم إغلاق محادثة الطلب"


def people_in(conversation: object) -> list[object]:
    people = at(conversation, "participants")
    assert isinstance(people, list)
    return [at(person, "_id") for person in people]


async def test_an_order_chat_is_made_once_and_its_user_and_every_admin_are_told(center: Center) -> None:
    user, admin, second = await center.user(), await center.admin(), await center.admin("a2")
    first = await user.http("POST", CHAT)
    again = await user.http("POST", CHAT)
    assert (first.status, again.status) == (201, 200)
    conversation = json_of(first)
    assert json_of(again) == conversation
    assert at(conversation, "participants", 0) == {"_id": "u1", "name": "أحمد محمد", "role": "user"}
    assert at(conversation, "participants", 1) == {"_id": "a1", "name": "المدير", "role": "admin"}
    assert at(conversation, "subject") == "1234# طلب"
    for caller in (user, admin, second):
        ((name, told),) = await caller.heard()
        assert name == "new-conversation"
        assert_keys(told, NEW_CONVERSATION_KEYS, "relatedOrder")
        assert (at(told, "relatedOrder"), at(told, "supportType"), at(told, "status")) == ("1234", "order", "open")


async def test_many_who_open_it_at_once_open_one(center: Center) -> None:
    await center.tell_order("1234", "u1", "new", ["r1"])
    user, restaurant, admin = await center.user(), await center.restaurant(), await center.admin()
    async with trio.open_nursery() as nursery:
        for caller in (user, restaurant, admin) * 4:
            nursery.start_soon(caller.ask, "POST", CHAT)
    assert at(await admin.ask("GET", "/conversations"), "total") == 1
    assert await admin.names_heard() == ["new-conversation"]


async def test_participants_come_from_the_order(center: Center) -> None:
    await center.tell_order("1234", "u1", "preparing", ["r1", "m1"])
    restaurant, user, admin = await center.restaurant(), await center.user(), await center.admin()
    conversation = await restaurant.ask("POST", CHAT)
    assert people_in(conversation) == ["u1", "r1", "m1", "a1"]
    assert await user.names_heard() == ["new-conversation"]
    for caller in (user, restaurant, admin):
        shown = await caller.ask("GET", CHAT)
        assert id_of(shown) == id_of(conversation)
        await caller.send(id_of(conversation), caller.id)
        assert_keys(at(await caller.ask("GET", "/conversations"), "data", 0), CONVERSATION_KEYS, "relatedOrder")
    listing = await user.ask("GET", f"{CHAT}/messages?limit=2")
    assert [at(message, "content") for message in data_of(listing)] == ["a1", "r1"]
    assert at(listing, "total") == 3
    assert_keys(data_of(listing)[0], MESSAGE_KEYS)


async def test_strangers_to_an_order_are_refused_and_change_nothing(center: Center) -> None:
    await center.tell_order("1234", "u1", "preparing", ["r1"])
    stranger, user, admin = await center.stranger(), await center.user(), await center.admin()
    for _ in range(2):  # before there is a chat, and after
        answer = await stranger.http("POST", CHAT)
        assert (answer.status, json_of(answer)) == (403, NOT_YOURS)
        answer = await stranger.http("GET", CHAT)
        assert answer.status == (403 if at(await admin.ask("GET", "/conversations"), "total") else 404)
        await user.ask("POST", CHAT)
    assert await stranger.heard() == []
    assert at(await stranger.ask("GET", "/conversations"), "total") == 0
    assert len(people_in(await user.ask("GET", CHAT))) == 3


async def test_an_order_that_nobody_has_told_of_is_its_first_openers(center: Center) -> None:
    user, stranger, admin = await center.user(), await center.stranger(), await center.admin()
    for method in ("GET", "POST"):
        if method == "POST":
            await user.ask("POST", CHAT)
        answer = await stranger.http(method, CHAT)
        assert (answer.status, json_of(answer)) == ((404, MISSING) if method == "GET" else (403, NOT_YOURS))
    assert id_of(await admin.ask("POST", CHAT)) == id_of(await user.ask("GET", CHAT))


async def test_an_admin_opens_an_untold_order_with_the_admins_alone_and_its_user_comes_later(center: Center) -> None:
    admin, second, user, stranger = (
        await center.admin(),
        await center.admin("a2"),
        await center.user(),
        await center.stranger(),
    )
    answer = await admin.http("POST", CHAT)
    assert (answer.status, people_in(json_of(answer))) == (201, ["a1", "a2"])
    assert await second.names_heard() == ["new-conversation"]
    await admin.join(id_of(json_of(answer)))
    await admin.heard()
    answer = await user.http("GET", CHAT)
    assert (answer.status, json_of(answer)) == (404, MISSING)
    opened = await user.ask("POST", CHAT)
    assert people_in(opened) == ["a1", "a2", "u1"]
    assert await user.names_heard() == ["new-conversation"]
    assert await admin.names_heard() == ["conversation-updated"]
    for method in ("GET", "POST"):
        answer = await stranger.http(method, CHAT)
        assert (answer.status, json_of(answer)) == (403, NOT_YOURS)


async def test_of_many_who_open_an_admins_chat_at_once_one_is_its_user(center: Center) -> None:
    admin, people = await center.admin(), [await center.user(f"u{number}") for number in range(4)]
    await admin.ask("POST", CHAT)
    statuses: list[int] = []

    async def open_it(person: Caller) -> None:
        statuses.append((await person.http("POST", CHAT)).status)

    async with trio.open_nursery() as nursery:
        for person in people:
            nursery.start_soon(open_it, person)
    assert sorted(statuses) == [200, 403, 403, 403]
    assert len(people_in(await admin.ask("GET", CHAT))) == 2


async def test_an_admins_chat_is_the_orders_when_it_is_told_of_and_nobody_elses_after(center: Center) -> None:
    admin, user, other = await center.admin(), await center.user(), await center.user("u2")
    conversation = id_of(await admin.ask("POST", CHAT))
    assert at(await center.tell_order("1234", "u1", "preparing", ["r1"]), "conversationId") == conversation
    assert await user.names_heard() == ["new-conversation"]
    assert people_in(await user.ask("GET", CHAT)) == ["a1", "u1", "r1"]
    await center.tell_order("1234", "u2", "preparing")
    assert id_of(await other.ask("POST", CHAT)) != conversation


async def test_whoever_opens_anothers_order_early_learns_nothing_and_blocks_nobody(center: Center) -> None:
    stranger, user, admin = await center.stranger(), await center.user(), await center.admin()
    early = id_of(await stranger.ask("POST", CHAT))
    await center.tell_order("1234", "u1", "preparing", ["r1"])
    await stranger.heard()
    conversation = id_of(await user.ask("POST", CHAT))
    assert conversation != early
    await user.send(conversation)
    assert (await stranger.http("GET", CHAT)).status == 403
    assert (await stranger.http("GET", f"{CHAT}/messages")).status == 403
    assert (await stranger.http("GET", f"/conversations/{conversation}")).status == 403
    assert id_of(await admin.ask("GET", CHAT)) == conversation
    assert people_in(await admin.ask("GET", f"/conversations/{early}")) == ["stranger", "a1"]
    assert await stranger.heard() == []


async def test_one_whom_the_order_concerns_may_have_opened_it_early(center: Center) -> None:
    restaurant, user = await center.restaurant(), await center.user()
    early = id_of(await restaurant.ask("POST", CHAT))
    told = await center.tell_order("1234", "u1", "preparing", ["r1"])
    assert at(told, "conversationId") == early
    assert await user.names_heard() == ["new-conversation"]
    assert id_of(await user.ask("POST", CHAT)) == early
    assert people_in(await user.ask("GET", CHAT)) == ["r1", "u1"]


async def test_whoever_is_named_later_is_let_in_and_told(center: Center) -> None:
    user, restaurant = await center.user(), await center.restaurant()
    conversation = id_of(await user.ask("POST", CHAT))
    await user.send(conversation, "hello")
    assert await restaurant.heard() == []
    for _ in range(2):
        await center.tell_order("1234", "u1", "preparing", ["r1"])
    assert await restaurant.names_heard() == ["new-conversation"]
    shown = await restaurant.ask("GET", f"/conversations/{conversation}")
    assert at(shown, "unreadCount") == 1


async def test_whoever_is_named_when_it_is_over_finds_it_closed_and_is_not_told_of_a_new_one(center: Center) -> None:
    user, restaurant, market = await center.user(), await center.restaurant(), await center.call("m1", "market")
    await user.ask("POST", CHAT)
    await center.tell_order("1234", "u1", "delivered", ["r1"])
    await center.tell_order("1234", "u1", "delivered", ["r1", "m1"])
    for caller in (restaurant, market):
        assert await caller.heard() == []
        assert at(await caller.ask("GET", CHAT), "status") == "closed"


async def test_an_admins_chat_whose_order_is_told_of_when_it_is_over_is_no_new_one_to_its_user(center: Center) -> None:
    user, admin = await center.user(), await center.admin()
    await admin.ask("POST", CHAT)
    await center.tell_order("1234", "u1", "delivered")
    assert await user.heard() == []
    assert at(await user.ask("GET", CHAT), "status") == "closed"


async def test_ids_of_orders_and_users_that_look_alike_are_not_mixed_up(center: Center) -> None:
    await center.tell_order("1", "2:3", "new")
    await center.tell_order("1:2", "3", "new")
    one, other = await center.call("2:3", "user"), await center.call("3", "user")
    squatter = await center.stranger()
    assert (await squatter.http("POST", "/order-chat/1")).status == 403
    assert id_of(await one.ask("POST", "/order-chat/1")) != id_of(await other.ask("POST", "/order-chat/1%3A2"))
    assert (await one.http("GET", "/order-chat/1%3A2")).status == 403


async def test_numbers_are_ids_as_well(center: Center) -> None:
    await center.tell_order("77", 5, "preparing", [6])
    user, restaurant = await center.call("5", "user"), await center.call("6", "restaurant")
    conversation = id_of(await user.ask("POST", "/order-chat/77"))
    assert id_of(await restaurant.ask("GET", "/order-chat/77")) == conversation


@pytest.mark.parametrize("status", ["delivered", "cancelled", "DELIVERED"])
async def test_the_chat_of_an_order_that_is_over_closes_itself(center: Center, status: str) -> None:
    user, admin, onlooker = await center.user(), await center.admin(), await center.admin("a2")
    conversation = id_of(await user.ask("POST", CHAT))
    for caller in (user, admin, onlooker):
        await caller.join(conversation)
        await caller.heard()
    await center.tell_order("1234", "u1", "preparing")
    assert await user.heard() == []
    await center.tell_order("1234", "u1", status)
    for caller in (user, admin, onlooker):
        (first, message), (second, updated) = await caller.heard()
        assert (first, second) == ("new-message", "conversation-updated")
        assert_keys(message, MESSAGE_KEYS)
        assert (at(message, "type"), at(message, "content")) == ("system", CLOSED_TEXT)
        assert_keys(updated, CONVERSATION_KEYS, "relatedOrder")
        assert at(updated, "status") == "closed"
        assert at(updated, "lastMessage", "_id") == id_of(message)
        assert at(updated, "unreadCount") == 1
    for caller in (user, admin):
        refused = await caller.http("POST", "/messages", {"conversationId": conversation, "content": "x"})
        assert refused.status == 409
        assert json_of(refused) == http_failure(409, "Nothing can be sent to this chat", "Conflict")
    assert at(await user.ask("GET", f"{CHAT}/messages"), "total") == 1


async def test_a_report_that_is_repeated_changes_nothing(center: Center) -> None:
    user, admin = await center.user(), await center.admin()
    conversation = id_of(await user.ask("POST", CHAT))
    await center.tell_order("1234", "u1", "delivered")
    await user.join(conversation)
    await user.heard()
    for status in ("delivered", "cancelled", "delivered"):
        await center.tell_order("1234", "u1", status)
    assert await user.heard() == []
    await admin.ask("PATCH", f"/conversations/{conversation}", {"status": "open"})
    assert await user.names_heard() == ["conversation-updated"]
    await center.tell_order("1234", "u1", "delivered")
    assert await user.heard() == []
    await user.send(conversation, "one more thing")


async def test_a_chat_that_an_admin_has_closed_stays_as_it_is(center: Center) -> None:
    user, admin = await center.user(), await center.admin()
    conversation = id_of(await user.ask("POST", CHAT))
    await admin.ask("PATCH", f"/conversations/{conversation}", {"status": "closed"})
    await user.join(conversation)
    await user.heard()
    for _ in range(2):
        await center.tell_order("1234", "u1", "delivered")
    assert [at(message, "content") for message in data_of(await user.ask("GET", f"{CHAT}/messages"))] == [
        "تم إغلاق المحادثة"
    ]


async def test_a_chat_that_is_opened_after_the_end_is_closed(center: Center) -> None:
    await center.tell_order("1234", "u1", "delivered")
    user = await center.user()
    conversation = await user.ask("POST", CHAT)
    assert at(conversation, "status") == "closed"
    assert at(conversation, "lastMessage", "content") == CLOSED_TEXT
    assert (await user.http("POST", "/messages", {"conversationId": id_of(conversation), "content": "x"})).status == 409


async def test_an_id_beyond_reason_is_refused(center: Center) -> None:
    user = await center.user()
    assert (await user.http("POST", f"/order-chat/{'1' * 129}")).status == 400
    assert (await user.http("POST", f"/order-chat/{'1' * 128}")).status == 201
