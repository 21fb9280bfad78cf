"""What every backend does with what waits for a user until it has been received."""

from slysock_store.models import ChatId, Message, MessageId, NewMessage, NewNotification, NotificationId
from slysock_store.store import Store

from .harness import ANNA, BEN, CARA, OTHER_SYSTEM, START, SYSTEM, OpenStore, SettableClock, between, expect_equal, send


async def _several(store: Store, clock: SettableClock) -> list[Message]:
    """Send five messages for Ben in two chats, two of them at the same time; one of his own, and one deleted."""
    sent: list[Message] = []
    for number in range(5):
        clock.move(number % 2)
        sent += await send(store, ANNA, chat=between(ANNA, BEN, key=str(number % 2)))
    await send(store, BEN, chat=sent[0].chat_id)
    (deleted,) = await send(store, ANNA, chat=sent[0].chat_id)
    await store.delete_message(SYSTEM, deleted.id, by=ANNA)
    return sent


async def check_undelivered_messages_wait_until_they_are_marked(open_store: OpenStore) -> None:
    """Newest first over all chats, behind a message that is named; as often as anybody asks."""
    clock = SettableClock()
    async with open_store(clock=clock) as store:
        sent = await _several(store, clock)
        all_found: list[MessageId] = []
        before: MessageId | None = None
        while True:
            found = await store.list_undelivered(SYSTEM, BEN, before=before, limit=2)
            expect_equal(found.page.total_records, 5, "what waits")
            expect_equal([message.delivered_to for message in found.page.items], [()] * len(found.page.items), "not")
            expect_equal(set(found.chats), {message.chat_id for message in found.page.items}, "their chats")
            if not found.page.items:
                break
            all_found += [message.id for message in found.page.items]
            before = all_found[-1]
        wanted = sorted(sent, key=lambda message: (message.created_at, message.chat_id, message.sequence), reverse=True)
        expect_equal(all_found, [message.id for message in wanted], "newest first, each once")
        for system, user in ((OTHER_SYSTEM, BEN), (SYSTEM, ANNA), (SYSTEM, CARA)):
            others = [message.id for message in (await store.list_undelivered(system, user)).page.items]
            expect_equal([message_id for message_id in others if message_id in all_found], [], "others'")
        unknown = MessageId("0" * 24)
        expect_equal((await store.list_undelivered(SYSTEM, BEN, before=unknown)).page.items, (), "behind nothing")


async def check_undelivered_messages_of_one_chat(open_store: OpenStore) -> None:
    """Only those, also behind one of them."""
    clock = SettableClock()
    async with open_store(clock=clock) as store:
        sent = await _several(store, clock)
        chat_id, mine = sent[0].chat_id, [sent[4], sent[2], sent[0]]
        found = await store.list_undelivered(SYSTEM, BEN, chat_id=chat_id)
        expect_equal([message.id for message in found.page.items], [message.id for message in mine], "of the chat")
        expect_equal(found.page.total_records, 3, "counted")
        rest = await store.list_undelivered(SYSTEM, BEN, chat_id=chat_id, before=mine[0].id)
        expect_equal([message.id for message in rest.page.items], [message.id for message in mine[1:]], "behind")
        nowhere = await store.list_undelivered(SYSTEM, BEN, chat_id=ChatId("0" * 24))
        expect_equal(nowhere.page.items, (), "of an unknown one")


async def check_messages_are_marked_one_by_one(open_store: OpenStore) -> None:
    """Whichever were received, in any order, once; what is not this user's is left alone."""
    clock = SettableClock()
    async with open_store(clock=clock) as store:
        sent = await _several(store, clock)
        received = [sent[3].id, sent[0].id]
        strange = [MessageId("0" * 24)]
        expect_equal(await store.mark_received(SYSTEM, BEN, [*received, *strange]), 2, "marked")
        expect_equal(await store.mark_received(SYSTEM, BEN, received), 0, "again")
        expect_equal(await store.mark_received(SYSTEM, BEN, []), 0, "nothing")
        for system, user in ((OTHER_SYSTEM, BEN), (SYSTEM, ANNA), (SYSTEM, CARA)):
            expect_equal(await store.mark_received(system, user, [sent[1].id]), 0, "not theirs")
        left = {message.id for message in (await store.list_undelivered(SYSTEM, BEN)).page.items}
        expect_equal(left, {sent[1].id, sent[2].id, sent[4].id}, "what still waits")
        marked = await store.get_message(SYSTEM, sent[3].id)
        expect_equal(None if marked is None else (marked.delivered_to, marked.read_by), ((BEN,), ()), "delivered")
        chat = await store.get_chat(SYSTEM, sent[0].chat_id)
        expect_equal(None if chat is None else chat.unread_of(BEN), 3, "delivery is not reading")
        await store.mark_read(SYSTEM, sent[0].chat_id, BEN)
        left = {message.id for message in (await store.list_undelivered(SYSTEM, BEN)).page.items}
        expect_equal(left, {sent[1].id}, "read implies delivered")


async def check_a_message_is_marked_in_the_transaction_that_stores_it(open_store: OpenStore) -> None:
    """Writes that share a commit see each other."""
    async with open_store(clock=SettableClock()) as store:
        (first,) = await send(store, ANNA)
        second = (await store.add_message(SYSTEM, first.chat_id, NewMessage(sender=ANNA, text="x"))).message
        expect_equal(await store.mark_received(SYSTEM, BEN, [first.id, second.id]), 2, "marked")
        expect_equal((await store.list_undelivered(SYSTEM, BEN)).page.total_records, 0, "nothing waits")


async def check_undelivered_notifications_wait_until_they_are_marked(open_store: OpenStore) -> None:
    """Newest first, behind one that is named; each user's own."""
    async with open_store(clock=SettableClock()) as store:
        made = [await store.add_notification(SYSTEM, NewNotification(user=ANNA, kind="k", content=n)) for n in range(4)]
        first = await store.list_undelivered_notifications(SYSTEM, ANNA, limit=3)
        expect_equal(first.items, (made[3], made[2], made[1]), "newest first")
        expect_equal((first.total_records, first.has_next), (4, True), "what waits")
        rest = await store.list_undelivered_notifications(SYSTEM, ANNA, before=made[1].id, limit=3)
        expect_equal((rest.items, rest.total_records), ((made[0],), 4), "behind it")
        unknown = NotificationId("0" * 24)
        nothing = await store.list_undelivered_notifications(SYSTEM, ANNA, before=unknown)
        expect_equal(nothing.items, (), "behind nothing")
        received = [made[2].id, made[0].id, unknown]
        for system, user in ((OTHER_SYSTEM, ANNA), (SYSTEM, BEN)):
            expect_equal(await store.mark_notifications_received(system, user, received), 0, "not theirs")
        expect_equal(await store.mark_notifications_received(SYSTEM, ANNA, received), 2, "marked")
        expect_equal(await store.mark_notifications_received(SYSTEM, ANNA, received), 0, "again")
        left = await store.list_undelivered_notifications(SYSTEM, ANNA)
        expect_equal(left.items, (made[3], made[1]), "what still waits")
        listed = (await store.list_notifications(SYSTEM, ANNA)).items
        expect_equal([one.delivered_at for one in listed], [None, START, None, START], "delivered")


CHECKS = (
    check_undelivered_messages_wait_until_they_are_marked,
    check_undelivered_messages_of_one_chat,
    check_messages_are_marked_one_by_one,
    check_a_message_is_marked_in_the_transaction_that_stores_it,
    check_undelivered_notifications_wait_until_they_are_marked,
)
