"""Checks of messages: sending, retries, history, edits, reactions, deletion."""

from datetime import timedelta

from slysock_store.errors import BadValue, ChatBlocked, NotFound, NotSender, WrongStatus
from slysock_store.models import ChatChanges, ChatId, MessageId, NewMessage, Reaction

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
    expect,
    expect_equal,
    expect_raises,
    history,
    said,
    send,
)


async def check_a_message_comes_back_as_it_was_given(open_store: OpenStore) -> None:
    """Every field survives; the result and what is read later are equal."""
    async with open_store(clock=SettableClock()) as store:
        (parent,) = await send(store, BEN)
        new = NewMessage(
            sender=ANNA,
            recipient=BEN,
            kind="image",
            text="مرحبا 🐶 \x00",
            attachments=({"imageUrl": "a.jpg", "size": 115998}, {"imageUrl": "b.jpg"}),
            reply_to=parent.id,
            client_message_id="c-1",
            recipient_online=True,
            extra={"senderRole": "user", "n": [1, 2.5, None]},
        )
        added = await store.add_message(SYSTEM, parent.chat_id, new)
        message = added.message
        expect_equal(await store.get_message(SYSTEM, message.id), message, "read later")
        expect_equal(await chat_of(store, message), added.chat, "its chat read later")
        kept = (message.sender, message.recipient, message.kind, message.text, message.attachments, message.reply_to)
        given = (new.sender, new.recipient, new.kind, new.text, new.attachments, new.reply_to)
        expect_equal(kept, given, "contents")
        expect_equal((message.client_message_id, message.recipient_online, message.extra), ("c-1", True, new.extra), "")
        expect_equal((message.sequence, message.created_at), (2, START), "place and time")
        expect_equal((message.is_edited, message.is_deleted, message.reactions), (False, False, ()), "state")


async def check_the_first_message_makes_the_chat(open_store: OpenStore) -> None:
    """created_chat is true once; the sender has nothing unread, the other one message."""
    async with open_store(clock=SettableClock()) as store:
        first = await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        expect_equal((first.created_chat, first.is_duplicate), (True, False), "first")
        expect_equal((first.chat.unread_of(ANNA), first.chat.unread_of(BEN)), (0, 1), "unread")
        expect_equal((first.chat.last_sequence, first.chat.last_message_at), (1, START), "chat")
        second = await store.add_message(SYSTEM, between(ANNA, BEN), said(BEN))
        expect_equal(
            (second.created_chat, second.chat.id, second.message.sequence), (False, first.chat.id, 2), "second"
        )
        await audit(store, first.chat.id)


async def check_a_refused_first_message_leaves_no_chat(open_store: OpenStore) -> None:
    """Chat and message are one transaction."""
    async with open_store(clock=SettableClock()) as store:
        answer = NewMessage(sender=ANNA, text="re", reply_to=MessageId("0" * 24))
        with expect_raises(NotFound):
            await store.add_message(SYSTEM, between(ANNA, BEN), answer)
        with expect_raises(BadValue):
            await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA, "\udfff"))
        with expect_raises(WrongStatus):
            await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA), required_status="closed")
        expect_equal(await store.find_chat(SYSTEM, between(ANNA, BEN).key), None, "the chat")
        with expect_raises(NotFound):
            await store.add_message(SYSTEM, ChatId("0" * 24), said(ANNA))


async def check_a_retry_gets_the_first_result(open_store: OpenStore) -> None:
    """The same client message id of the same sender in the same chat is the same message, even when now refused."""
    async with open_store(clock=SettableClock()) as store:
        first = await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA, client_message_id="c"))
        again = await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA, "changed", client_message_id="c"))
        expect_equal((again.is_duplicate, again.created_chat), (True, False), "flags")
        expect_equal((again.message, again.chat), (first.message, first.chat), "records")
        await store.update_chat(SYSTEM, first.chat.id, ChatChanges(status="closed"))
        await store.toggle_block(SYSTEM, first.chat.id, BEN)
        closed = await store.add_message(
            SYSTEM, first.chat.id, said(ANNA, client_message_id="c"), required_status="open"
        )
        expect_equal(closed.message, first.message, "after closing and blocking")
        await store.toggle_block(SYSTEM, first.chat.id, BEN)
        for added in (
            await store.add_message(SYSTEM, first.chat.id, said(BEN, client_message_id="c")),
            await store.add_message(SYSTEM, between(ANNA, BEN, key="other"), said(ANNA, client_message_id="c")),
            await store.add_message(SYSTEM, first.chat.id, said(ANNA, client_message_id="")),
        ):
            expect(not added.is_duplicate, "another sender, chat or id is another message")
        expect_equal(len(await audit(store, first.chat.id)), 3, "messages")


async def check_blocked_and_closed_chats_take_no_message(open_store: OpenStore) -> None:
    """Refusals change nothing."""
    async with open_store(clock=SettableClock()) as store:
        (message,) = await send(store, ANNA)
        await store.toggle_block(SYSTEM, message.chat_id, BEN)
        with expect_raises(ChatBlocked):
            await send(store, ANNA)
        await store.toggle_block(SYSTEM, message.chat_id, BEN)
        await store.update_chat(SYSTEM, message.chat_id, ChatChanges(status="closed"))
        with expect_raises(WrongStatus):
            await store.add_message(SYSTEM, message.chat_id, said(ANNA), required_status="open")
        await store.add_message(SYSTEM, message.chat_id, NewMessage(sender=CARA, kind="system", text="closed"))
        expect_equal(len(await audit(store, message.chat_id)), 2, "messages")


async def check_a_reply_stays_in_its_chat(open_store: OpenStore) -> None:
    """The parent must be in the same chat."""
    async with open_store(clock=SettableClock()) as store:
        (elsewhere,) = await send(store, ANNA, chat=between(ANNA, CARA, key="elsewhere"))
        with expect_raises(NotFound):
            await store.add_message(
                SYSTEM, between(ANNA, BEN), NewMessage(sender=ANNA, text="re", reply_to=elsewhere.id)
            )


async def check_a_sender_from_outside_becomes_a_member(open_store: OpenStore) -> None:
    """An admin writes into others' chat: counted like everyone, but no participant."""
    async with open_store(clock=SettableClock()) as store:
        await send(store, ANNA)
        (answer,) = await send(store, CARA)
        chat = await chat_of(store, answer)
        expect_equal(chat.participants, (ANNA, BEN), "participants")
        expect_equal([chat.unread_of(user) for user in (ANNA, BEN, CARA)], [1, 2, 1], "unread")
        await send(store, BEN)
        await audit(store, chat.id)


async def check_order_survives_equal_and_backward_clocks(open_store: OpenStore) -> None:
    """Messages of one chat have one order, by sequence, whatever the clock does."""
    clock = SettableClock()
    async with open_store(clock=clock) as store:
        first, second = await send(store, ANNA, BEN)
        clock.move(-3)
        (third,) = await send(store, ANNA)
        clock.move(63)
        (fourth,) = await send(store, BEN)
        messages = await audit(store, first.chat_id)
        expect_equal(messages, (first, second, third, fourth), "history in order of sending")
        expect_equal([m.created_at - START for m in messages], [timedelta(seconds=s) for s in (0, 0, 0, 60)], "times")
        taken = await store.take_undelivered(SYSTEM, BEN)
        expect_equal([m.id for m in taken.page.items], [third.id, first.id], "undelivered, newest first")


async def check_a_clock_that_was_far_ahead_does_not_date_later_messages(open_store: OpenStore) -> None:
    """Once it is right again, so are times; order is by sequence."""
    clock = SettableClock()
    async with open_store(clock=clock) as store:
        clock.move(86_400)
        (ahead,) = await send(store, ANNA)
        clock.move(-86_400)
        later = await send(store, ANNA, BEN)
        expect_equal([m.created_at - START for m in later], [timedelta(0)] * 2, "times after the clock was put right")
        found = await history(store, ahead.chat_id)
        expect_equal([m.id for m in found], [m.id for m in (ahead, *later)], "order")
        chat = await chat_of(store, ahead)
        expect_equal((chat.last_message_at, chat.updated_at), (START, START), "times of the chat")


async def check_history_is_paged_newest_first(open_store: OpenStore) -> None:
    """Pages neither overlap nor leave anything out."""
    async with open_store(clock=SettableClock()) as store:
        messages = await send(store, *[ANNA] * 7)
        chat_id = messages[0].chat_id
        pages = [await store.list_messages(SYSTEM, chat_id, page=number, limit=3) for number in (1, 2, 3, 4, 10**20)]
        numbers = [[message.sequence for message in page.items] for page in pages]
        expect_equal(numbers, [[7, 6, 5], [4, 3, 2], [1], [], []], "sequences")
        expect_equal({(page.total_records, page.total_pages) for page in pages}, {(7, 3)}, "totals")
        expect_equal((await store.list_messages(OTHER_SYSTEM, chat_id)).items, (), "another system")
        expect_equal((await store.list_messages(SYSTEM, ChatId("0" * 24))).total_records, 0, "an unknown chat")


async def check_latest_messages_of_several_chats(open_store: OpenStore) -> None:
    """Each chat's newest, newest first; those without are left out."""
    async with open_store(clock=SettableClock()) as store:
        ours = await send(store, ANNA, BEN, ANNA)
        theirs = await send(store, CARA, chat=between(ANNA, CARA, key="theirs"))
        empty = (await store.ensure_chat(SYSTEM, between(ANNA, key="empty"))).chat
        ids = [ours[0].chat_id, theirs[0].chat_id, empty.id, ChatId("0" * 24)]
        latest = await store.latest_messages(SYSTEM, ids, limit_each=2)
        expect_equal(dict(latest), {ids[0]: (ours[2], ours[1]), ids[1]: theirs}, "two of each")
        expect_equal(dict(await store.latest_messages(OTHER_SYSTEM, ids)), {}, "another system")


async def check_only_the_sender_edits(open_store: OpenStore) -> None:
    """An edit keeps everything but the text and says that it was."""
    clock = SettableClock()
    async with open_store(clock=clock) as store:
        (message,) = await send(store, ANNA)
        with expect_raises(NotSender):
            await store.edit_message(SYSTEM, message.id, by=BEN, text="no")
        with expect_raises(NotFound):
            await store.edit_message(OTHER_SYSTEM, message.id, by=ANNA, text="no")
        expect_equal(await store.get_message(SYSTEM, message.id), message, "after refusals")
        expect_equal(await store.get_message(OTHER_SYSTEM, message.id), None, "read from another system")
        clock.move(1)
        edited = await store.edit_message(SYSTEM, message.id, by=ANNA, text="better")
        now = edited.message
        expect_equal((edited.changed, now.text, now.is_edited), (True, "better", True), "edited")
        expect_equal((now.created_at, now.updated_at), (START, START + timedelta(seconds=1)), "times")
        expect(not (await store.edit_message(SYSTEM, message.id, by=ANNA, text="better")).changed, "edited twice")


async def check_a_user_has_one_reaction(open_store: OpenStore) -> None:
    """Set, replaced, taken back; others' stay."""
    async with open_store(clock=SettableClock()) as store:
        (message,) = await send(store, ANNA)
        for user, emoji in ((BEN, "👍"), (ANNA, "❤")):
            changed = await store.set_reaction(SYSTEM, message.id, by=user, emoji=emoji)
            expect(changed.changed, "a reaction changes the message")
        both = (Reaction(user=ANNA, emoji="❤"), Reaction(user=BEN, emoji="😂"))
        replaced = await store.set_reaction(SYSTEM, message.id, by=BEN, emoji="😂")
        expect_equal(replaced.message.reactions, both, "replaced")
        expect(not (await store.set_reaction(SYSTEM, message.id, by=BEN, emoji="😂")).changed, "the same again")
        taken = await store.set_reaction(SYSTEM, message.id, by=BEN, emoji=None)
        expect_equal(taken.message.reactions, both[:1], "taken back")
        expect(not (await store.set_reaction(SYSTEM, message.id, by=BEN, emoji=None)).changed, "taken back twice")


async def check_only_the_sender_deletes_and_counters_agree(open_store: OpenStore) -> None:
    """A deleted message keeps its number, leaves the unread counts, and is not handed out."""
    async with open_store(clock=SettableClock()) as store:
        read, unread, kept = await send(store, ANNA, ANNA, ANNA)
        await store.mark_read(SYSTEM, read.chat_id, BEN, message_id=read.id)
        with expect_raises(NotSender):
            await store.delete_message(SYSTEM, unread.id, by=BEN)
        await store.delete_message(SYSTEM, read.id, by=ANNA)
        deleted = await store.delete_message(SYSTEM, unread.id, by=ANNA)
        expect_equal((deleted.changed, deleted.message.is_deleted), (True, True), "deleted")
        expect_equal(deleted.chat.unread_of(BEN), 1, "unread of the recipient")
        expect_equal(deleted.chat.unread_of(CARA), 1, "unread of one who was never here")
        expect(not (await store.delete_message(SYSTEM, read.id, by=ANNA)).changed, "deleted twice")
        taken = await store.take_undelivered(SYSTEM, BEN)
        expect_equal([message.id for message in taken.page.items], [kept.id], "handed out")
        messages = await audit(store, read.chat_id)
        expect_equal([message.is_deleted for message in messages], [True, True, False], "history")
        expect_equal(messages[0].read_by, (BEN,), "who had read it is remembered")


async def check_deleted_messages_are_left_out_on_request(open_store: OpenStore) -> None:
    """Pages and totals are of the others alone, in the same order; also where the newest are gone, or all."""
    async with open_store(clock=SettableClock()) as store:
        sent = await send(store, *[ANNA] * 7)
        chat_id = sent[0].chat_id
        kept = [message.id for message in sent[::-1]]
        for gone in (sent[6], sent[5], sent[2], sent[0], sent[1], sent[3], sent[4]):
            await store.delete_message(SYSTEM, gone.id, by=ANNA)
            kept.remove(gone.id)
            pages = [
                await store.list_messages(SYSTEM, chat_id, with_deleted=False, page=page, limit=2)
                for page in range(1, 5)
            ]
            listed = [message.id for page in pages for message in page.items]
            expect_equal(listed, kept, "pages")
            expect_equal({page.total_records for page in pages}, {len(kept)}, "total")
            latest = await store.latest_messages(SYSTEM, (chat_id,), with_deleted=False, limit_each=3)
            newest = {chat_id: kept[:3]} if kept else {}
            expect_equal({key: [m.id for m in found] for key, found in latest.items()}, newest, "latest")
            with_all = await store.list_messages(SYSTEM, chat_id)
            expect_equal([message.id for message in with_all.items], [m.id for m in sent[::-1]], "with deleted ones")
        other = (await store.list_messages(OTHER_SYSTEM, chat_id, with_deleted=False)).total_records
        expect_equal(other, 0, "another system")


async def check_a_deleted_message_is_not_changed(open_store: OpenStore) -> None:
    """Neither edited nor reacted to, and read by nobody new."""
    async with open_store(clock=SettableClock()) as store:
        (message,) = await send(store, ANNA)
        await store.delete_message(SYSTEM, message.id, by=ANNA)
        with expect_raises(NotFound):
            await store.edit_message(SYSTEM, message.id, by=ANNA, text="x")
        with expect_raises(NotFound):
            await store.set_reaction(SYSTEM, message.id, by=BEN, emoji="👍")
        for reader in (BEN, CARA):
            marked = await store.mark_read(SYSTEM, message.chat_id, reader, message_id=message.id)
            expect_equal(marked.count, 0, "marked read")
        await audit(store, message.chat_id)


OF_SENDING = (
    check_a_message_comes_back_as_it_was_given,
    check_the_first_message_makes_the_chat,
    check_a_refused_first_message_leaves_no_chat,
    check_a_retry_gets_the_first_result,
    check_blocked_and_closed_chats_take_no_message,
    check_a_reply_stays_in_its_chat,
    check_a_sender_from_outside_becomes_a_member,
    check_order_survives_equal_and_backward_clocks,
    check_a_clock_that_was_far_ahead_does_not_date_later_messages,
)
OF_HISTORY = (
    check_history_is_paged_newest_first,
    check_latest_messages_of_several_chats,
    check_deleted_messages_are_left_out_on_request,
)
OF_CHANGES = (
    check_only_the_sender_edits,
    check_a_user_has_one_reaction,
    check_only_the_sender_deletes_and_counters_agree,
    check_a_deleted_message_is_not_changed,
)
CHECKS = (*OF_SENDING, *OF_HISTORY, *OF_CHANGES)
