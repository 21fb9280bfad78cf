"""Notifications, below any event: what is decided while one is being stored, and whose each is."""

from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from slysock.systems.domain import NotFound
from slysock.systems.domain.notifications import (
    MAX_WAITING_PAGES,
    MISSING_NOTIFICATION,
    PAGE_SIZE,
    Notice,
    Notifications,
)
from slysock_store import (
    NewNotification,
    NotificationId,
    SystemName,
    UserKey,
)
from tests.store.sqlite_parts import open_parts

SYSTEM = SystemName("services")
ANNA, BEN, EVE = UserKey("anna"), UserKey("ben"), UserKey("eve")
pytestmark = [pytest.mark.port]  # stores on files, which a test can make unavailable


async def test_a_stored_notification_is_announced_even_if_whoever_sent_it_is_cancelled(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        notifications, announced = Notifications(parts.store, SYSTEM), list[object]()
        async with trio.open_nursery() as nursery:
            notice = Notice(user=ANNA, kind="x", content="one")
            nursery.start_soon(notifications.notify, notice, lambda told: announced.append(told.content))
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        assert announced == ["one"]
        assert [one.content for one in await notifications.all_waiting(ANNA)] == ["one"]


async def test_one_arrival_is_handed_a_bounded_number_and_the_next_one_the_rest(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        async with trio.open_nursery() as nursery:
            for number in range(MAX_WAITING_PAGES * PAGE_SIZE + 1):
                notification = NewNotification(user=ANNA, kind="x", content=number)
                nursery.start_soon(parts.store.add_notification, SYSTEM, notification)
        notifications = Notifications(parts.store, SYSTEM)
        first = await notifications.all_waiting(ANNA)
        assert len(first) == MAX_WAITING_PAGES * PAGE_SIZE
        assert await notifications.all_waiting(ANNA) == first, "again until they are received"
        await parts.store.mark_notifications_received(SYSTEM, ANNA, [one.id for one in first])
        (rest,) = await notifications.all_waiting(ANNA)
        assert rest.created_at <= first[0].created_at


async def test_lists_counts_and_marks_are_of_one_user(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        notifications = Notifications(parts.store, SYSTEM)
        kept = [
            await notifications.notify(Notice(user=user, kind="x", content=user), lambda told: None)
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
