"""Checks of delivery, reading and notifications."""

from slysock_store.errors import NotFound
from slysock_store.models import (
    MAX_LIMIT,
    ChatId,
    Message,
    MessageId,
    NewMessage,
    NewNotification,
    NotificationId,
)

from . import model
from .harness import (
    ANNA,
    BEN,
    CARA,
    OTHER_SYSTEM,
    START,
    SYSTEM,
    OpenStore,
    SettableClock,
    audit,
    between,
    chat_of,
    expect_equal,
    expect_raises,
    send,
)


async def check_reading_a_chat_marks_the_messages_of_others(open_store: OpenStore) -> None:
    """Own messages have no receipt; reading implies delivery; twice changes nothing."""
    async with open_store(clock=SettableClock()) as store:
        first, _own, third = await send(store, ANNA, BEN, ANNA)
        marked = await store.mark_read(SYSTEM, first.chat_id, BEN)
        expect_equal((marked.count, marked.message_ids), (2, (third.id, first.id)), "marked, newest first")
        expect_equal((marked.chat.unread_of(BEN), marked.chat.unread_of(ANNA)), (0, 1), "unread")
        messages = await audit(store, first.chat_id)
        expect_equal([m.delivered_to for m in messages], [(BEN,), (), (BEN,)], "delivered to")
        expect_equal([m.read_by for m in messages], [(BEN,), (), (BEN,)], "read by")
        again = await store.mark_read(SYSTEM, first.chat_id, BEN)
        expect_equal((again.count, again.message_ids), (0, ()), "again")
        expect_equal((await store.take_undelivered(SYSTEM, BEN)).page.items, (), "undelivered")


async def check_reading_one_message_leaves_the_others(open_store: OpenStore) -> None:
    """One is marked, earlier ones are not; it must be of this chat."""
    async with open_store(clock=SettableClock()) as store:
        first, second = await send(store, ANNA, ANNA)
        (elsewhere,) = await send(store, ANNA, chat=between(ANNA, BEN, key="elsewhere"))
        marked = await store.mark_read(SYSTEM, first.chat_id, BEN, message_id=second.id)
        expect_equal((marked.count, marked.message_ids, marked.chat.unread_of(BEN)), (1, (second.id,), 1), "one")
        own = await store.mark_read(SYSTEM, first.chat_id, ANNA, message_id=first.id)
        expect_equal(own.count, 0, "one's own")
        for wrong in (elsewhere.id, MessageId("0" * 24)):
            with expect_raises(NotFound):
                await store.mark_read(SYSTEM, first.chat_id, BEN, message_id=wrong)
        with expect_raises(NotFound):
            await store.mark_read(SYSTEM, ChatId("0" * 24), BEN)
        await audit(store, first.chat_id)


async def check_reported_ids_are_bounded(open_store: OpenStore) -> None:
    """All are marked, the newest are named."""
    async with open_store(clock=SettableClock()) as store:
        messages = await send(store, *[ANNA] * (MAX_LIMIT + 5))
        delivered = await store.mark_delivered(SYSTEM, messages[0].chat_id, BEN)
        read = await store.mark_read(SYSTEM, messages[0].chat_id, BEN)
        newest = tuple(message.id for message in reversed(messages))[:MAX_LIMIT]
        for marked in (delivered, read):
            expect_equal((marked.count, marked.message_ids), (MAX_LIMIT + 5, newest), "marked")


async def check_delivery_is_marked_without_reading(open_store: OpenStore) -> None:
    """By chat, or from the start for those who are there."""
    async with open_store(clock=SettableClock()) as store:
        (first,) = await send(store, ANNA)
        there = NewMessage(sender=ANNA, text="you are here", delivered_to=(BEN, CARA))
        second = (await store.add_message(SYSTEM, first.chat_id, there)).message
        expect_equal((second.delivered_to, second.read_by), ((BEN,), ()), "delivered from the start")
        marked = await store.mark_delivered(SYSTEM, first.chat_id, BEN)
        expect_equal((marked.count, marked.message_ids, marked.chat.unread_of(BEN)), (1, (first.id,), 2), "the other")
        expect_equal((await store.mark_delivered(SYSTEM, first.chat_id, BEN)).count, 0, "again")
        expect_equal((await store.mark_delivered(SYSTEM, first.chat_id, CARA)).count, 0, "for a stranger")
        expect_equal((await store.take_undelivered(SYSTEM, BEN)).page.items, (), "nothing left to hand out")
        with expect_raises(NotFound):
            await store.mark_delivered(SYSTEM, ChatId("0" * 24), BEN)


async def check_undelivered_messages_are_handed_out_once(open_store: OpenStore) -> None:
    """Newest first over all chats, page by page, with their chats; not to others."""
    clock = SettableClock()
    async with open_store(clock=clock) as store:
        sent: list[Message] = []
        for number in range(5):
            clock.move(1)
            sent += await send(store, ANNA, chat=between(ANNA, BEN, key=str(number % 2)))
        await send(store, BEN, chat=sent[0].chat_id)
        expect_equal((await store.take_undelivered(OTHER_SYSTEM, BEN)).page.items, (), "another system")
        first = await store.take_undelivered(SYSTEM, BEN, limit=3)
        expect_equal([m.id for m in first.page.items], [m.id for m in reversed(sent[2:])], "newest first")
        expect_equal((first.page.total_records, first.page.has_next), (5, True), "what waited")
        expect_equal([m.delivered_to for m in first.page.items], [(BEN,)] * 3, "marked in the same transaction")
        expect_equal(dict(first.chats), {m.chat_id: await chat_of(store, m) for m in sent[3:]}, "their chats")
        second = await store.take_undelivered(SYSTEM, BEN, limit=3)
        expect_equal([m.id for m in second.page.items], [sent[1].id, sent[0].id], "the rest")
        expect_equal((second.page.total_records, second.page.has_next), (2, False), "what waited then")
        expect_equal((await store.take_undelivered(SYSTEM, BEN)).page.total_records, 0, "nothing left")
        expect_equal(first.chats[sent[3].chat_id].unread_of(BEN), 2, "delivery is not reading")


async def check_notifications_are_listed_counted_and_read(open_store: OpenStore) -> None:
    """Newest first; each user's own."""
    async with open_store(clock=SettableClock()) as store:
        contents = ({"n": 1}, ["two"], 3)
        made = [
            await store.add_notification(SYSTEM, NewNotification(user=ANNA, kind="product:upload", content=content))
            for content in contents
        ]
        await store.add_notification(SYSTEM, NewNotification(user=BEN, kind="other", content=None))
        page = await store.list_notifications(SYSTEM, ANNA, limit=2)
        expect_equal((page.items, page.total_records), ((made[2], made[1]), 3), "first page")
        expect_equal([n.content for n in reversed(page.items)], list(contents[1:]), "contents")
        read = await store.mark_notification_read(SYSTEM, ANNA, made[1].id)
        expect_equal((read.read_at, read.delivered_at), (START, START), "read and so delivered")
        expect_equal(await store.mark_notification_read(SYSTEM, ANNA, made[1].id), read, "read twice")
        for user, wrong in ((BEN, made[0].id), (ANNA, NotificationId("0" * 24))):
            with expect_raises(NotFound):
                await store.mark_notification_read(SYSTEM, user, wrong)
        expect_equal(await store.count_unread_notifications(SYSTEM, ANNA), 2, "unread")
        unread = await store.list_notifications(SYSTEM, ANNA, unread_only=True)
        expect_equal(unread.items, (made[2], made[0]), "unread only")
        expect_equal(await store.mark_all_notifications_read(SYSTEM, ANNA), 2, "all read")
        expect_equal(await store.mark_all_notifications_read(SYSTEM, ANNA), 0, "all read twice")
        expect_equal(await store.count_unread_notifications(SYSTEM, BEN), 1, "another user's")


async def check_notifications_are_handed_out_once(open_store: OpenStore) -> None:
    """Those delivered live or read are not handed out."""
    async with open_store(clock=SettableClock()) as store:
        made = [
            await store.add_notification(SYSTEM, NewNotification(user=ANNA, kind="k", content=n, is_delivered=n == 0))
            for n in range(4)
        ]
        expect_equal([n.delivered_at for n in made], [START, None, None, None], "delivered")
        first = await store.take_undelivered_notifications(SYSTEM, ANNA, limit=2)
        expect_equal([n.id for n in first.items], [made[3].id, made[2].id], "newest first")
        expect_equal((first.total_records, first.has_next), (3, True), "what waited")
        expect_equal({n.delivered_at for n in first.items}, {START}, "marked")
        second = await store.take_undelivered_notifications(SYSTEM, ANNA, limit=2)
        expect_equal([n.id for n in second.items], [made[1].id], "the rest")
        expect_equal((await store.take_undelivered_notifications(SYSTEM, ANNA)).items, (), "nothing left")


OF_RECEIPTS = (
    *model.CHECKS,
    check_reading_a_chat_marks_the_messages_of_others,
    check_reading_one_message_leaves_the_others,
    check_reported_ids_are_bounded,
    check_delivery_is_marked_without_reading,
    check_undelivered_messages_are_handed_out_once,
)
OF_NOTIFICATIONS = (check_notifications_are_listed_counted_and_read, check_notifications_are_handed_out_once)
CHECKS = (*OF_RECEIPTS, *OF_NOTIFICATIONS)
