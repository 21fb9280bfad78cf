"""Checks of users and references."""

from datetime import timedelta
from typing import cast

import trio

from slysock_store.errors import BadValue, NotFound
from slysock_store.models import (
    MAX_LIMIT,
    ChatKey,
    JsonObject,
    MessageId,
    NewNotification,
    ReferenceChange,
    SystemName,
    UserKey,
)
from slysock_store.store import Store

from .harness import (
    ANNA,
    BEN,
    CARA,
    OTHER_SYSTEM,
    START,
    SYSTEM,
    OpenStore,
    SettableClock,
    between,
    expect_equal,
    expect_raises,
    said,
)


async def check_an_upsert_refreshes_given_fields_and_keeps_others(open_store: OpenStore) -> None:
    """The profile is merged, the role replaced, the id stays."""
    clock = SettableClock()
    async with open_store(clock=clock) as store:
        first = await store.upsert_user(
            SYSTEM, ANNA, role="CUSTOMER", profile={"firstName": "Anna", "store": [{"id": 7}]}
        )
        clock.move(1)
        second = await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={"firstName": "Änne", "email": None})
        expect_equal(second.profile, {"firstName": "Änne", "store": [{"id": 7}], "email": None}, "merged profile")
        expect_equal((second.id, second.created_at), (first.id, START), "identity")
        expect_equal(second.updated_at, START + timedelta(seconds=1), "updated_at")
        clock.move(1)
        third = await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={"firstName": "Änne"})
        expect_equal(third, second, "an upsert that changes nothing")


async def check_systems_do_not_see_each_others_users(open_store: OpenStore) -> None:
    """The same key in two systems is two people."""
    async with open_store(clock=SettableClock()) as store:
        await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})
        expect_equal(await store.get_user(OTHER_SYSTEM, ANNA), None, "the other system's user")
        expect_equal(dict(await store.get_users(OTHER_SYSTEM, [ANNA])), {}, "the other system's users")


async def check_touching_records_activity_alone(open_store: OpenStore) -> None:
    """last_active moves, updated_at does not; an unknown user is not found."""
    clock = SettableClock()
    async with open_store(clock=clock) as store:
        await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})
        clock.move(5)
        touched = await store.touch_user(SYSTEM, ANNA)
        expect_equal(touched.last_active, START + timedelta(seconds=5), "last_active")
        expect_equal(touched.updated_at, START, "updated_at")
        with expect_raises(NotFound):
            await store.touch_user(SYSTEM, BEN)


async def check_users_are_found_by_key_and_listed_by_role(open_store: OpenStore) -> None:
    """Unknown keys are left out; a role's list is paged."""
    async with open_store(clock=SettableClock()) as store:
        for number in range(5):
            await store.upsert_user(SYSTEM, UserKey(f"ADMIN:{number}"), role="ADMIN", profile={})
        await store.upsert_user(SYSTEM, BEN, role="VENDOR", profile={})
        found = await store.get_users(SYSTEM, [BEN, CARA, UserKey("nobody")])
        expect_equal(set(found), {BEN, CARA}, "found keys")
        page = await store.list_users(SYSTEM, role="ADMIN", page=2, limit=2)
        expect_equal([user.key for user in page.items], ["ADMIN:2", "ADMIN:3"], "second page")
        expect_equal((page.total_records, page.total_pages, page.has_next), (5, 3, True), "its place")


async def check_pages_are_put_into_bounds(open_store: OpenStore) -> None:
    """Any page and limit gets an answer that says what was applied."""
    async with open_store(clock=SettableClock()) as store:
        await store.upsert_user(SYSTEM, BEN, role="VENDOR", profile={})
        asked = [(0, 0), (-5, -1), (1, 10**30), (10**30, 10), (2, 1)]
        pages = [await store.list_users(SYSTEM, role="VENDOR", page=page, limit=limit) for page, limit in asked]
        applied = [(page.page, page.limit, len(page.items), page.total_records) for page in pages]
        wanted = [(1, 1, 1, 1), (1, 1, 1, 1), (1, MAX_LIMIT, 1, 1), (10**30, 10, 0, 1), (2, 1, 0, 1)]
        expect_equal(applied, wanted, "applied bounds")


async def check_a_value_that_cannot_be_kept_is_refused(open_store: OpenStore) -> None:
    """A lone surrogate has no UTF-8; the store says so and goes on."""
    async with open_store(clock=SettableClock()) as store:
        with expect_raises(BadValue):
            await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={"firstName": "\ud800"})
        with expect_raises(BadValue):
            await store.upsert_user(SYSTEM, UserKey("\ud800"), role="CUSTOMER", profile={})
        with expect_raises(BadValue):
            await store.get_user(SYSTEM, UserKey("\ud800"))
        await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})


async def check_an_object_where_a_scalar_belongs_matches_nothing(open_store: OpenStore) -> None:
    """What reads as an operator in some query language is refused before it is one."""
    operator = cast("UserKey", {"$gt": ""})
    async with open_store(clock=SettableClock()) as store:
        user = await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})
        await store.add_notification(SYSTEM, NewNotification(user=ANNA, kind="k", content=None))
        for attempt in (
            store.get_user(SYSTEM, operator),
            store.get_user(cast("SystemName", operator), ANNA),
            store.list_users(SYSTEM, role=operator),
            store.list_chats(SYSTEM, participant=operator),
            store.find_chat(SYSTEM, cast("ChatKey", operator)),
            store.get_message(SYSTEM, cast("MessageId", operator)),
            store.touch_user(SYSTEM, operator),
            store.take_undelivered(SYSTEM, operator),
            store.mark_all_notifications_read(SYSTEM, operator),
            store.add_notification(SYSTEM, NewNotification(user=ANNA, kind="k", content=None, priority=10**30)),
        ):
            with expect_raises(BadValue):
                await attempt
        expect_equal(await store.get_user(SYSTEM, ANNA), user, "the user")
        expect_equal(await store.count_unread_notifications(SYSTEM, ANNA), 1, "unread notifications")


async def check_references_are_replaced_and_found(open_store: OpenStore) -> None:
    """A put replaces the data, keeps created_at; kinds and systems are apart."""
    clock = SettableClock()
    async with open_store(clock=clock) as store:
        await store.put_reference(SYSTEM, kind="listing", key="7", data={"title": "Puppy", "price": 15000})
        clock.move(1)
        put = await store.put_reference(SYSTEM, kind="listing", key="7", data={"title": "Puppy, sold"})
        expect_equal(put.data, {"title": "Puppy, sold"}, "replaced data")
        expect_equal(put.updated_at - put.created_at, timedelta(seconds=1), "times")
        expect_equal(await store.get_reference(SYSTEM, kind="listing", key="7"), put, "found")
        expect_equal(await store.get_reference(SYSTEM, kind="order", key="7"), None, "another kind")
        expect_equal(await store.get_reference(OTHER_SYSTEM, kind="listing", key="7"), None, "another system")
        expect_equal(dict(await store.get_references(SYSTEM, kind="listing", keys=["7", "8"])), {"7": put}, "several")


OF_USERS = (
    check_an_upsert_refreshes_given_fields_and_keeps_others,
    check_systems_do_not_see_each_others_users,
    check_touching_records_activity_alone,
    check_users_are_found_by_key_and_listed_by_role,
    check_pages_are_put_into_bounds,
    check_a_value_that_cannot_be_kept_is_refused,
    check_an_object_where_a_scalar_belongs_matches_nothing,
)


def _counting(key: str, most: int = 10) -> ReferenceChange:
    """Count in a reference up to a number, and refuse beyond it."""

    def count(data: JsonObject | None) -> JsonObject:
        found = 0 if data is None else data["count"]
        if not isinstance(found, int) or found >= most:
            raise ValueError("enough")
        return {"count": found + 1}

    return ReferenceChange(kind="counter", key=key, change=count)


async def _counted(store: Store, key: str) -> object:
    found = await store.get_reference(SYSTEM, kind="counter", key=key)
    return None if found is None else found.data["count"]


async def check_references_change_with_the_message_that_is_sent_or_deleted(open_store: OpenStore) -> None:
    """A retry and a second deletion change nothing."""
    async with open_store(clock=SettableClock()) as store:
        new, changes = said(ANNA, client_message_id="1"), [_counting("a"), _counting("b")]
        added = await store.add_message(SYSTEM, between(ANNA, BEN), new, changes=changes)
        await store.add_message(SYSTEM, between(ANNA, BEN), new, changes=changes)
        expect_equal((await _counted(store, "a"), await _counted(store, "b")), (1, 1), "counts after sending")
        for _ in range(2):
            await store.delete_message(SYSTEM, added.message.id, by=ANNA, changes=[_counting("a")])
        expect_equal((await _counted(store, "a"), await _counted(store, "b")), (2, 1), "counts after deleting")


async def check_a_refused_change_of_a_reference_refuses_everything(open_store: OpenStore) -> None:
    """Its exception comes out as it is; neither message nor chat nor any reference has changed."""
    async with open_store(clock=SettableClock()) as store:
        changes = [_counting("a"), _counting("b", most=0)]
        with expect_raises(ValueError):
            await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA), changes=changes)
        expect_equal(await store.find_chat(SYSTEM, between(ANNA, BEN).key), None, "chat of a refused message")
        added = await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        with expect_raises(ValueError):
            await store.delete_message(SYSTEM, added.message.id, by=ANNA, changes=changes)
        expect_equal(await store.get_message(SYSTEM, added.message.id), added.message, "a message not deleted")
        expect_equal((await _counted(store, "a"), await _counted(store, "b")), (None, None), "counts")


async def check_a_change_may_leave_a_reference_as_it_is(open_store: OpenStore) -> None:
    """None creates nothing and replaces nothing."""
    async with open_store(clock=SettableClock()) as store:
        change = ReferenceChange(kind="counter", key="a", change=lambda _: None)
        await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA), changes=[change])
        expect_equal(await store.get_reference(SYSTEM, kind="counter", key="a"), None, "a reference left alone")


async def check_changes_of_one_reference_at_once_are_all_made(open_store: OpenStore) -> None:
    """Many messages count in one place, up to its limit."""
    async with open_store(clock=SettableClock()) as store:
        refused: list[int] = []

        async def send(number: int) -> None:
            try:
                await store.add_message(
                    SYSTEM, between(ANNA, BEN, key=str(number % 5)), said(ANNA), changes=[_counting("a", most=20)]
                )
            except ValueError:
                refused.append(number)

        async with trio.open_nursery() as nursery:
            for number in range(30):
                nursery.start_soon(send, number)
        expect_equal((await _counted(store, "a"), len(refused)), (20, 10), "counted and refused")


OF_REFERENCES = (
    check_references_are_replaced_and_found,
    check_references_change_with_the_message_that_is_sent_or_deleted,
    check_a_refused_change_of_a_reference_refuses_everything,
    check_a_change_may_leave_a_reference_as_it_is,
    check_changes_of_one_reference_at_once_are_all_made,
)
CHECKS = (*OF_USERS, *OF_REFERENCES)
