"""Checks of users and references."""

from datetime import timedelta
from typing import cast

from slysock_store.errors import BadValue, NotFound
from slysock_store.models import MAX_LIMIT, ChatKey, MessageId, NewNotification, SystemName, UserKey

from .harness import ANNA, BEN, CARA, OTHER_SYSTEM, START, SYSTEM, OpenStore, SettableClock, expect_equal, expect_raises


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
OF_REFERENCES = (check_references_are_replaced_and_found,)
CHECKS = (*OF_USERS, *OF_REFERENCES)
