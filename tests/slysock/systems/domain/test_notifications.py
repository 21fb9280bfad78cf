"""Notifications, below any event: what is decided while one is being stored, and whose each is."""

import sqlite3
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from slysock.systems.domain import ConnectionKey, NotFound, Presence
from slysock.systems.domain.notifications import (
    MAX_WAITING_PAGES,
    MISSING_NOTIFICATION,
    PAGE_SIZE,
    Notice,
    Notifications,
)
from slysock_store import (
    NewNotification,
    Notification,
    NotificationId,
    SystemName,
    UserKey,
)
from tests.store.sqlite_parts import open_parts

SYSTEM = SystemName("services")
ANNA, BEN, EVE = UserKey("anna"), UserKey("ben"), UserKey("eve")
pytestmark = [pytest.mark.port]  # stores on files, which a test can make unavailable


async def test_a_notification_of_one_who_comes_meanwhile_is_announced_with_those_that_waited(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        listening = Presence()
        notifications = Notifications(parts.store, SYSTEM, listening=listening)
        announced: list[object] = []

        def announce(notification: Notification) -> None:
            announced.append(notification.content)

        await notifications.notify(Notice(user=ANNA, kind="x", content="early"), announce)
        lock = sqlite3.connect(tmp_path / "chat.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(notifications.notify, Notice(user=ANNA, kind="x", content="late"), announce)
            await wait_all_tasks_blocked()
            listening.arrive(ANNA, ConnectionKey("one"))
            lock.execute("ROLLBACK")
        lock.close()
        assert announced == ["early", "late"]
        await notifications.notify(Notice(user=ANNA, kind="x", content="live"), announce)
        assert announced == ["early", "late", "live"]
        assert await notifications.take_all_waiting(ANNA) == []


async def test_one_arrival_is_handed_a_bounded_number_and_the_next_one_the_rest(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        async with trio.open_nursery() as nursery:
            for number in range(MAX_WAITING_PAGES * PAGE_SIZE + 1):
                notification = NewNotification(user=ANNA, kind="x", content=number)
                nursery.start_soon(parts.store.add_notification, SYSTEM, notification)
        notifications = Notifications(parts.store, SYSTEM, listening=Presence())
        first = await notifications.take_all_waiting(ANNA)
        assert len(first) == MAX_WAITING_PAGES * PAGE_SIZE
        (rest,) = await notifications.take_all_waiting(ANNA)
        assert rest.created_at <= first[0].created_at


async def test_lists_counts_and_marks_are_of_one_user(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        notifications = Notifications(parts.store, SYSTEM, listening=Presence())
        kept = [
            await notifications.notify(Notice(user=user, kind="x", content=user), lambda told: pytest.fail("told"))
            for user in (ANNA, BEN, ANNA)
        ]
        assert [item.id for item in (await notifications.page_of(ANNA, page=1, limit=10)).items] == [
            kept[2].id,
            kept[0].id,
        ]
        await notifications.mark_read(ANNA, kept[0].id)
        assert (await notifications.page_of(ANNA, page=1, limit=10, unread_only=True)).total_records == 1
        for missing in (kept[1].id, NotificationId("x")):
            with pytest.raises(NotFound, match=MISSING_NOTIFICATION):
                await notifications.mark_read(ANNA, missing)
        assert await notifications.mark_all_read(ANNA) == 1
        assert (await notifications.count_unread(ANNA), await notifications.count_unread(BEN)) == (0, 1)
