"""Checks of chats and their members."""

import re

import msgspec

from slysock_store.errors import NotFound
from slysock_store.models import Chat, ChatChanges, ChatId, ChatKey, Json, NewChat

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
    send,
)

REFERENCES: tuple[Json, ...] = (12345, "12345", 12.5, None, True, {"id": [1, "1"]})


async def check_ensuring_makes_a_chat_once(open_store: OpenStore) -> None:
    """The second call returns the first one's chat as it is, whatever else it says."""
    async with open_store(clock=SettableClock()) as store:
        first = await store.ensure_chat(SYSTEM, between(ANNA, BEN, ANNA))
        expect(first.created, "the first call makes it")
        expect(re.fullmatch(r"[0-9a-f]{24}", first.chat.id) is not None, "an id is 24 lowercase hex digits")
        expect_equal(first.chat.participants, (ANNA, BEN), "participants without repetition")
        expect_equal((first.chat.created_at, first.chat.last_message_at), (START, None), "times")
        second = await store.ensure_chat(SYSTEM, between(BEN, CARA))
        expect_equal((second.created, second.chat), (False, first.chat), "the second call")
        other = await store.ensure_chat(OTHER_SYSTEM, between(ANNA, BEN))
        expect(other.created, "a key belongs to one system")


async def check_a_reference_keeps_its_json_type(open_store: OpenStore) -> None:
    """12345 and "12345" stay what they were."""
    async with open_store(clock=SettableClock()) as store:
        for number, reference in enumerate(REFERENCES):
            new = NewChat(kind="product", key=ChatKey(str(number)), participants=(ANNA, BEN), reference=reference)
            await store.ensure_chat(SYSTEM, new)
            found = await store.find_chat(SYSTEM, new.key)
            kept = None if found is None else found.reference
            expect_equal((kept, type(kept)), (reference, type(reference)), "reference")


async def check_a_chat_of_another_system_is_not_found(open_store: OpenStore) -> None:
    """An id does not lead into another system."""
    async with open_store(clock=SettableClock()) as store:
        chat = (await store.ensure_chat(OTHER_SYSTEM, between(ANNA, BEN))).chat
        expect_equal(await store.get_chat(SYSTEM, chat.id), None, "get_chat")
        expect_equal(await store.find_chat(SYSTEM, chat.key), None, "find_chat")
        expect_equal((await store.list_chats(SYSTEM, participant=ANNA)).items, (), "list_chats")
        for attempt in (store.update_chat(SYSTEM, chat.id, ChatChanges()), store.mark_read(SYSTEM, chat.id, ANNA)):
            with expect_raises(NotFound):
                await attempt


async def check_changes_are_merged(open_store: OpenStore) -> None:
    """Status and keys of extra change alone; what is not named stays."""
    clock = SettableClock()
    async with open_store(clock=clock) as store:
        new = msgspec.structs.replace(between(ANNA, BEN), extra={"subject": "Order", "n": 1})
        chat = (await store.ensure_chat(SYSTEM, new)).chat
        clock.move(1)
        changed = await store.update_chat(SYSTEM, chat.id, ChatChanges(extra={"n": 2}))
        expect_equal((changed.status, changed.extra), ("open", {"subject": "Order", "n": 2}), "extra")
        changed = await store.update_chat(SYSTEM, chat.id, ChatChanges(status="closed"))
        expect_equal((changed.status, changed.extra), ("closed", {"subject": "Order", "n": 2}), "status")
        expect(changed.updated_at > chat.updated_at, "updated_at moves")
        with expect_raises(NotFound):
            await store.update_chat(SYSTEM, ChatId("0" * 24), ChatChanges())


async def check_a_new_participant_has_the_history_unread_and_not_undelivered(open_store: OpenStore) -> None:
    """Counters agree for one who comes later, and nothing old is handed out."""
    async with open_store(clock=SettableClock()) as store:
        messages = await send(store, ANNA, BEN, ANNA)
        chat = await chat_of(store, messages[0])
        expect_equal(chat.unread_of(CARA), 3, "unread of one who was never here")
        chat = await store.update_chat(SYSTEM, chat.id, ChatChanges(add_participants=(CARA, ANNA)))
        expect_equal(chat.participants, (ANNA, BEN, CARA), "participants")
        expect_equal(chat.unread_of(CARA), 3, "unread of the new one")
        expect_equal((await store.take_undelivered(SYSTEM, CARA)).page.items, (), "undelivered")
        await send(store, BEN, chat=chat.id)
        await audit(store, chat.id)


async def check_a_reader_who_becomes_a_participant_keeps_what_was_read(open_store: OpenStore) -> None:
    """An admin reads, is not a participant, and later becomes one."""
    async with open_store(clock=SettableClock()) as store:
        messages = await send(store, ANNA, BEN)
        marked = await store.mark_read(SYSTEM, messages[0].chat_id, CARA)
        expect_equal((marked.count, marked.chat.participants), (2, (ANNA, BEN)), "a reader is not a participant")
        expect_equal((await store.list_chats(SYSTEM, participant=CARA)).total_records, 0, "nor lists the chat")
        chat = await store.update_chat(SYSTEM, marked.chat.id, ChatChanges(add_participants=(CARA,)))
        expect_equal((chat.participants, chat.unread_of(CARA)), ((ANNA, BEN, CARA), 0), "participant now")
        await audit(store, chat.id)


async def check_chats_are_listed_by_latest_activity(open_store: OpenStore) -> None:
    """The newest message, or creation without one, decides; filters and pages count right."""
    clock = SettableClock()
    async with open_store(clock=clock) as store:
        chats: list[Chat] = []
        for number in range(5):
            clock.move(1)
            chats.append((await store.ensure_chat(SYSTEM, between(ANNA, BEN, key=str(number)))).chat)
        clock.move(1)
        await send(store, ANNA, chat=chats[1].id)
        await store.update_chat(SYSTEM, chats[0].id, ChatChanges(status="closed"))
        await store.ensure_chat(SYSTEM, between(BEN, CARA, key="not Anna's"))
        first = await store.list_chats(SYSTEM, participant=ANNA, limit=3)
        expect_equal([chat.key for chat in first.items], ["1", "4", "3"], "first page")
        second = await store.list_chats(SYSTEM, participant=ANNA, page=2, limit=3)
        expect_equal([chat.key for chat in second.items], ["2", "0"], "second page")
        expect_equal((second.total_records, second.has_next, second.has_previous), (5, False, True), "its place")
        expect_equal((await store.list_chats(SYSTEM, participant=ANNA, status="open")).total_records, 4, "by status")
        expect_equal((await store.list_chats(SYSTEM, participant=ANNA, kind="order")).total_records, 0, "by kind")
        everybody = await store.list_chats(SYSTEM, kind="product", page=2, limit=4)
        expect_equal((len(everybody.items), everybody.total_records), (2, 6), "of everybody")


async def check_a_block_is_the_participants_own(open_store: OpenStore) -> None:
    """Each lifts only their own block; a stranger blocks nothing."""
    async with open_store(clock=SettableClock()) as store:
        chat = (await store.ensure_chat(SYSTEM, between(ANNA, BEN))).chat
        expect_equal((await store.toggle_block(SYSTEM, chat.id, ANNA)).blocked_by, (ANNA,), "blocked")
        expect_equal((await store.toggle_block(SYSTEM, chat.id, BEN)).blocked_by, (ANNA, BEN), "by both")
        expect_equal((await store.toggle_block(SYSTEM, chat.id, ANNA)).blocked_by, (BEN,), "lifted")
        with expect_raises(NotFound):
            await store.toggle_block(SYSTEM, chat.id, CARA)


CHECKS = (
    check_ensuring_makes_a_chat_once,
    check_a_reference_keeps_its_json_type,
    check_a_chat_of_another_system_is_not_found,
    check_changes_are_merged,
    check_a_new_participant_has_the_history_unread_and_not_undelivered,
    check_a_reader_who_becomes_a_participant_keeps_what_was_read,
    check_chats_are_listed_by_latest_activity,
    check_a_block_is_the_participants_own,
)
