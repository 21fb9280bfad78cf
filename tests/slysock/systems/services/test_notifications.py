"""Notifications: stored, told live or at the next joining, once; read by their user alone."""

import pytest

from slysock.systems.domain import Invalid
from slysock.systems.services import is_user_online, send_notification, send_notification_to_user
from slysock.systems.services.shapes import NotificationShape
from slysock_store import UserKey
from tests.slysock.systems.market import at, nothing_for
from tests.slysock.systems.services.office import ANNA, BEN, EVE, ROOT, SERVICES, Office, heard, names_heard, refused

DATA = {"type": "booking", "content": {"title": "Confirmed", "message": "See you on Monday"}}


async def notify(office: Office, user: str = ANNA, **data: object) -> NotificationShape:
    return await send_notification(office.services, user, {**DATA, **data})


async def test_a_notification_is_told_live_to_all_windows_of_its_user(office: Office) -> None:
    first, second, eve = [await office.visit(user) for user in (ANNA, ANNA, EVE)]
    for client, user in ((first, ANNA), (second, ANNA), (eve, EVE)):
        await client.call("join-notifications", user)
    await heard(first)
    await heard(second)
    told = await notify(office, channel="EMAIL", priority=3)
    for client in (first, second):
        (notification,) = await client.expect("new-notification")
        assert isinstance(notification, dict)
        assert notification.pop("_id") == told.id
        assert str(notification.pop("createdAt")).endswith("Z")
        assert notification == {
            "userId": ANNA,
            **DATA,
            "channel": "EMAIL",
            "priority": 3,
            "delivered": True,
            "isRead": False,
        }
    assert "new-notification" not in await names_heard(eve)


async def test_what_waited_comes_at_joining_oldest_first_and_once(office: Office) -> None:
    ids = [(await notify(office)).id for _ in range(120)]
    anna = await office.visit(ANNA)
    await nothing_for(anna)
    assert await anna.call("join-notifications", ANNA) == {"success": True}
    assert [at(event.args[0], "_id") for event in await heard(anna)] == ids
    second = await office.visit(ANNA)
    await second.call("join-notifications", ANNA)
    await anna.call("join-notifications", ANNA)
    await nothing_for(anna, second)


async def test_an_admin_who_looks_on_takes_nothing_away(office: Office) -> None:
    await notify(office)
    root = await office.connect(ROOT)
    await root.call("join-notifications", ANNA)
    await nothing_for(root)
    live = await notify(office)
    assert live.delivered is False
    anna = await office.connect(ANNA)
    await anna.call("join-notifications", ANNA)
    assert len(await heard(anna)) == 2
    await notify(office)
    assert await names_heard(root) == ["new-notification"]


async def test_after_the_last_window_notifications_wait_again(office: Office) -> None:
    anna = await office.connect(ANNA)
    await anna.call("join-notifications", ANNA)
    await anna.call("join-notifications", ANNA)
    await anna.disconnect()
    await heard(await office.visit(EVE))
    assert (await notify(office)).delivered is False


async def test_counting_and_reading(office: Office) -> None:
    anna, second = await office.connect(ANNA), await office.connect(ANNA)
    for client in (anna, second):
        await client.call("join-notifications", ANNA)
    ids = [(await notify(office)).id for _ in range(3)]
    for client in (anna, second):
        await heard(client)
    assert await anna.call("get-unread-count", ANNA) == {"success": True, "count": 3}
    assert await anna.expect("unread-count") == ({"count": 3},)
    for _ in range(2):  # twice is once
        assert await anna.call("mark-notification-read", {"notificationId": ids[0]}) == {"success": True}
        for client in (anna, second):
            assert await client.expect("notification-read") == ({"notificationId": ids[0]},)
    assert at(await anna.call("get-unread-count", ANNA), "count") == 2
    await anna.expect("unread-count")
    assert await anna.call("mark-all-notifications-read", ANNA) == {"success": True, "count": 2}
    for client in (anna, second):
        assert await client.expect("all-notifications-read") == ()
    assert at(await anna.call("get-unread-count", ANNA), "count") == 0


async def test_reading_needs_no_joining(office: Office) -> None:
    told = await notify(office)
    anna = await office.connect(ANNA)
    await anna.emit("mark-notification-read", {"notificationId": told.id})
    assert await anna.expect("notification-read") == ({"notificationId": told.id},)
    await anna.emit("mark-all-notifications-read", ANNA)
    assert await anna.expect("all-notifications-read") == ()


async def test_nobody_reads_anothers_notification(office: Office) -> None:
    told = await notify(office)
    eve = await office.connect(EVE)
    missing = (404, "Notification not found")
    assert await refused(eve, "mark-notification-read", {"notificationId": told.id}) == missing
    assert await refused(eve, "mark-notification-read", {"notificationId": "f" * 24}) == missing
    assert await refused(eve, "mark-notification-read", {"notificationId": "x"}) == missing
    assert await office.running.store.count_unread_notifications(SERVICES, UserKey(ANNA)) == 1


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"type": "x"},
        {"content": "x"},
        {"type": "", "content": "x"},
        {**DATA, "priority": "high"},
        {**DATA, "content": "x" * 9_000},
        {**DATA, "content": object()},
    ],
)
async def test_what_is_no_notification_is_refused_and_not_stored(office: Office, data: dict[str, object]) -> None:
    with pytest.raises(Invalid, match="Not a notification"):
        await send_notification(office.services, ANNA, data)
    assert await office.running.store.count_unread_notifications(SERVICES, UserKey(ANNA)) == 0


async def test_a_prepared_notification_is_sent_and_not_stored(office: Office) -> None:
    anna = await office.connect(ANNA)
    send_notification_to_user(office.services, ANNA, {"title": "nobody hears this"})
    await anna.call("join-notifications", ANNA)
    send_notification_to_user(office.services, ANNA, {"title": "as it is"})
    assert await anna.expect("new-notification") == ({"title": "as it is"},)
    assert await office.running.store.count_unread_notifications(SERVICES, UserKey(ANNA)) == 0


async def test_is_user_online_is_about_sockets_not_about_what_users_say(office: Office) -> None:
    assert not is_user_online(office.services, BEN)
    ben = await office.visit(BEN)
    await ben.call("set-online-status", {"userId": BEN, "isOnline": False})
    assert is_user_online(office.services, BEN)
    await ben.disconnect()
    await heard(await office.visit(EVE))
    assert not is_user_online(office.services, BEN)
