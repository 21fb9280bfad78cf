"""Messages into existing chats and notifications, below any event: what is decided while something is being stored."""

import sqlite3
from collections.abc import Collection
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from slysock.systems.domain import Conflict, ConnectionKey, Invalid, NotFound, Presence
from slysock.systems.domain.notifications import (
    MAX_WAITING_PAGES,
    MISSING_NOTIFICATION,
    PAGE_SIZE,
    Notice,
    Notifications,
)
from slysock.systems.domain.posts import Post, Posts
from slysock_store import (
    Chat,
    ChatKey,
    MessageId,
    NewChat,
    NewNotification,
    Notification,
    NotificationId,
    Store,
    SystemName,
    UserKey,
)
from tests.store.sqlite_parts import Parts, open_parts

SYSTEM = SystemName("services")
ANNA, BEN, EVE = UserKey("anna"), UserKey("ben"), UserKey("eve")
pytestmark = [pytest.mark.port]  # stores on files, which a test can put out of order


async def chat_of(store: Store, *participants: UserKey) -> Chat:
    chat = NewChat(kind="chat", key=ChatKey("c"), participants=participants)
    return (await store.ensure_chat(SYSTEM, chat)).chat


class Arriving:
    """Readers who are not there when a message is about to be stored, and are when it has been."""

    def __init__(self, *users: UserKey, parts: Parts | None = None) -> None:
        self._users = users
        self._parts = parts
        self._asked = 0

    def __call__(self) -> Collection[UserKey]:
        self._asked += 1
        if self._asked == 1:
            return ()
        if self._parts is not None:
            self._parts.run("PRAGMA query_only = ON")
        return self._users


async def test_it_counts_as_delivered_to_participants_who_come_while_it_is_stored(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        chat = await chat_of(parts.store, ANNA, BEN)
        announced: list[tuple[UserKey, ...]] = []
        post = Post(chat=chat, sender=ANNA, text="hello", readers=Arriving(ANNA, BEN, EVE))
        stored = await Posts(parts.store, SYSTEM).post(post, lambda added: announced.append(added.message.delivered_to))
        assert announced == [stored.message.delivered_to] == [(BEN,)]


async def test_a_stored_message_is_announced_even_if_delivery_cannot_be_marked(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        chat = await chat_of(parts.store, ANNA, BEN)
        announced: list[str | None] = []
        post = Post(chat=chat, sender=ANNA, text="hello", readers=Arriving(BEN, parts=parts))
        await Posts(parts.store, SYSTEM).post(post, lambda added: announced.append(added.message.text))
        assert announced == ["hello"]


@pytest.mark.parametrize(
    ("text", "attachments"), [(None, 0), (" ", 0), ("x" * 10_001, 0), ("x", 11)], ids=["none", "blank", "long", "many"]
)
async def test_nothing_and_too_much_are_refused(tmp_path: Path, text: str | None, attachments: int) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        chat = await chat_of(parts.store, ANNA, BEN)
        post = Post(chat=chat, sender=ANNA, text=text, attachments=({"url": "/a"},) * attachments)
        with pytest.raises(Invalid):
            await Posts(parts.store, SYSTEM).post(post, lambda added: pytest.fail("told"))
        assert (await parts.store.list_messages(SYSTEM, chat.id)).items == ()


async def test_status_and_reply_are_the_stores_to_check(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        chat, posts = await chat_of(parts.store, ANNA, BEN), Posts(parts.store, SYSTEM)
        closed = Post(chat=chat, sender=ANNA, text="x", required_status="closed")
        with pytest.raises(Conflict):
            await posts.post(closed, lambda added: pytest.fail("told"))
        reply = Post(chat=chat, sender=ANNA, text="x", reply_to=MessageId("f" * 24))
        with pytest.raises(NotFound):
            await posts.post(reply, lambda added: pytest.fail("told"))
        with pytest.raises(NotFound):
            await posts.get(MessageId("f" * 24))


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
