"""Each method of the store asks for the operation of its name, with defaults filled in and pages put into bounds."""

from typing import TypeVar

import pytest

from slysock_store import (
    MAX_LIMIT,
    ChatChanges,
    ChatId,
    MessageId,
    NewNotification,
    NotificationId,
    Page,
    Store,
    open_store,
)
from slysock_store.errors import NotFound
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, between, said

T = TypeVar("T")


def place(page: Page[T]) -> tuple[int, int, int]:
    return page.page, page.limit, page.total_records


async def filled(store: Store) -> tuple[ChatId, MessageId, NotificationId]:
    """Store one record of each kind."""
    await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})
    added = await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
    made = await store.add_notification(SYSTEM, NewNotification(user=ANNA, kind="k", content=None))
    await store.put_reference(SYSTEM, kind="listing", key="7", data={"title": "Puppy"})
    return added.chat.id, added.message.id, made.id


async def test_every_record_is_found_by_each_way_to_it() -> None:
    async with open_store("sqlite://") as store:
        chat_id, message_id, notification_id = await filled(store)
        user = await store.touch_user(SYSTEM, ANNA)
        assert await store.get_user(SYSTEM, ANNA) == user
        assert await store.get_users(SYSTEM, [ANNA, BEN]) == {ANNA: user}
        assert (await store.list_users(SYSTEM, role="CUSTOMER")).items == (user,)
        chat = (await store.ensure_chat(SYSTEM, between(ANNA, BEN))).chat
        assert await store.get_chat(SYSTEM, chat_id) == await store.find_chat(SYSTEM, chat.key) == chat
        assert (await store.list_chats(SYSTEM, participant=BEN, kind="product", status="open")).items == (chat,)
        message = await store.get_message(SYSTEM, message_id)
        assert message is not None
        assert (await store.list_messages(SYSTEM, chat_id)).items == (message,)
        assert await store.latest_messages(SYSTEM, [chat_id]) == {chat_id: (message,)}
        (notification,) = (await store.list_notifications(SYSTEM, ANNA, unread_only=True)).items
        assert notification.id == notification_id
        reference = await store.get_reference(SYSTEM, kind="listing", key="7")
        assert await store.get_references(SYSTEM, kind="listing", keys=["7"]) == {"7": reference}


async def test_every_change_is_made() -> None:
    async with open_store("sqlite://") as store:
        chat_id, message_id, notification_id = await filled(store)
        assert (await store.mark_delivered(SYSTEM, chat_id, BEN)).count == 1
        assert (await store.mark_read(SYSTEM, chat_id, BEN)).count == 1
        assert (await store.take_undelivered(SYSTEM, BEN)).page.total_records == 0
        assert (await store.edit_message(SYSTEM, message_id, by=ANNA, text="other")).message.text == "other"
        assert (await store.set_reaction(SYSTEM, message_id, by=BEN, emoji="!")).changed
        assert (await store.delete_message(SYSTEM, message_id, by=ANNA)).message.is_deleted
        assert (await store.update_chat(SYSTEM, chat_id, ChatChanges(status="closed"))).status == "closed"
        assert (await store.toggle_block(SYSTEM, chat_id, BEN)).blocked_by == (BEN,)
        assert (await store.take_undelivered_notifications(SYSTEM, ANNA)).total_records == 1
        assert await store.count_unread_notifications(SYSTEM, ANNA) == 1
        assert (await store.mark_notification_read(SYSTEM, ANNA, notification_id)).read_at is not None
        assert await store.mark_all_notifications_read(SYSTEM, ANNA) == 0
        assert store.statistics().writes == 15


async def test_every_page_is_put_into_bounds() -> None:
    async with open_store("sqlite://") as store:
        chat_id, _, _ = await filled(store)
        places = [
            place(await store.list_users(SYSTEM, role="CUSTOMER", page=0, limit=1000)),
            place(await store.list_chats(SYSTEM, page=0, limit=1000)),
            place(await store.list_messages(SYSTEM, chat_id, page=0, limit=1000)),
            place(await store.list_notifications(SYSTEM, ANNA, page=0, limit=1000)),
            place((await store.take_undelivered(SYSTEM, BEN, limit=1000)).page),
            place(await store.take_undelivered_notifications(SYSTEM, ANNA, limit=1000)),
        ]
        assert places == [(1, MAX_LIMIT, 1)] * 6
        assert len((await store.latest_messages(SYSTEM, [chat_id], limit_each=0))[chat_id]) == 1


async def test_deleted_messages_are_listed_unless_one_asks_not_to() -> None:
    async with open_store("sqlite://") as store:
        chat_id, message_id, _ = await filled(store)
        await store.delete_message(SYSTEM, message_id, by=ANNA)
        assert (await store.list_messages(SYSTEM, chat_id)).total_records == 1
        assert (await store.list_messages(SYSTEM, chat_id, with_deleted=False)).total_records == 0
        assert await store.latest_messages(SYSTEM, [chat_id], with_deleted=False) == {}


async def test_one_message_is_marked_read_if_it_is_named() -> None:
    async with open_store("sqlite://") as store:
        chat_id, message_id, _ = await filled(store)
        await store.add_message(SYSTEM, chat_id, said(ANNA))
        assert (await store.mark_read(SYSTEM, chat_id, BEN, message_id=message_id)).chat.unread_of(BEN) == 1
        with pytest.raises(NotFound):
            await store.mark_read(SYSTEM, chat_id, BEN, message_id=MessageId("0" * 24))
