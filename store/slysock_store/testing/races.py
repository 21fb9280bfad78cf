"""Checks of many callers at once, of cancelled callers, and of closing and reopening."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import trio

from slysock_store.errors import NotFound, StoreClosed
from slysock_store.models import AddedMessage, MessageId, NewNotification
from slysock_store.store import Store

from .harness import (
    ANNA,
    BEN,
    SYSTEM,
    OpenStore,
    SettableClock,
    audit,
    between,
    expect,
    expect_equal,
    expect_raises,
    said,
    send,
)

T = TypeVar("T")
CALLERS = 40


async def _at_once(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Make every call in a task of its own; return the results in the order in which they came."""
    results: list[T] = []

    async def call(one: Callable[[], Awaitable[T]]) -> None:
        results.append(await one())

    async with trio.open_nursery() as nursery:
        for one in calls:
            nursery.start_soon(call, one)
    return results


def _sending(store: Store, number: int, client_message_id: str | None = None) -> Callable[[], Awaitable[AddedMessage]]:
    sender = (ANNA, BEN)[number % 2]
    message = said(sender, f"message {number}", client_message_id=client_message_id)
    return partial(store.add_message, SYSTEM, between(ANNA, BEN), message)


async def check_first_messages_at_once_make_one_chat(open_store: OpenStore) -> None:
    """One caller is told of the new chat; numbers run from 1 without gaps; results agree with what is stored."""
    async with open_store(clock=SettableClock()) as store:
        added = await _at_once([_sending(store, number) for number in range(CALLERS)])
        expect_equal(sum(result.created_chat for result in added), 1, "created_chat")
        expect_equal(len({result.chat.id for result in added}), 1, "chats")
        messages = await audit(store, added[0].chat.id)
        expect_equal(len(messages), CALLERS, "messages")
        expect_equal(messages, tuple(sorted((result.message for result in added), key=lambda m: m.sequence)), "results")
        expect(all(result.chat.last_sequence == result.message.sequence for result in added), "each chat as of its own")


async def check_retries_at_once_store_one_message(open_store: OpenStore) -> None:
    """One is the first, all others are told so and get the same."""
    async with open_store(clock=SettableClock()) as store:
        added = await _at_once([_sending(store, 0, "c-1") for _ in range(CALLERS)])
        expect_equal(sum(not result.is_duplicate for result in added), 1, "firsts")
        expect_equal(len({result.message.id for result in added}), 1, "messages")
        expect_equal(len(await audit(store, added[0].chat.id)), 1, "stored")


async def check_counters_agree_after_reading_writing_and_deleting_at_once(open_store: OpenStore) -> None:
    """Whatever the order was, the sums are right."""
    async with open_store(clock=SettableClock()) as store:
        messages = await send(store, *[ANNA] * CALLERS)
        chat_id = messages[0].chat_id

        async def disturb(number: int) -> None:
            message = messages[number]
            match number % 4:
                case 0:
                    await store.delete_message(SYSTEM, message.id, by=ANNA)
                case 1:
                    await store.mark_read(SYSTEM, chat_id, BEN, message_id=message.id)
                case 2:
                    await store.add_message(SYSTEM, chat_id, said(BEN))
                case _:
                    await store.mark_read(SYSTEM, chat_id, ANNA)

        await _at_once([partial(disturb, number) for number in range(CALLERS)])
        await audit(store, chat_id)


async def check_takers_at_once_share_the_undelivered(open_store: OpenStore) -> None:
    """Every message and notification is handed to exactly one taker."""
    async with open_store(clock=SettableClock()) as store:
        messages = await send(store, *[ANNA] * 30)
        takes = await _at_once([partial(store.take_undelivered, SYSTEM, BEN, limit=4) for _ in range(10)])
        taken = [message.id for take in takes for message in take.page.items]
        expect_equal(sorted(taken), sorted(message.id for message in messages), "messages handed out")
        made = [
            (await store.add_notification(SYSTEM, NewNotification(user=BEN, kind="k", content=n))).id for n in range(30)
        ]
        pages = await _at_once([partial(store.take_undelivered_notifications, SYSTEM, BEN, limit=4) for _ in range(10)])
        expect_equal(sorted(n.id for page in pages for n in page.items), sorted(made), "notifications handed out")


async def check_a_failing_write_fails_alone(open_store: OpenStore) -> None:
    """Writes that share a transaction with a refused one are stored."""
    async with open_store(clock=SettableClock()) as store:
        refusals = 0

        async def refused() -> None:
            nonlocal refusals
            with expect_raises(NotFound):
                await store.delete_message(SYSTEM, MessageId("0" * 24), by=ANNA)
            refusals += 1

        async def sending(number: int) -> None:
            await _sending(store, number)()

        calls = [partial(sending, number) if number % 2 else refused for number in range(CALLERS)]
        await _at_once(calls)
        chat = await store.find_chat(SYSTEM, between(ANNA, BEN).key)
        expect_equal((refusals, chat and chat.message_count), (CALLERS // 2, CALLERS // 2), "refused and stored")


async def check_a_cancelled_caller_leaves_no_half_write(open_store: OpenStore) -> None:
    """Each write is whole or absent, and one that was stored gave its result although its caller was cancelled."""
    async with open_store(clock=SettableClock()) as store:
        told: list[MessageId] = []

        async def sending(number: int) -> None:
            told.append((await _sending(store, number)()).message.id)

        first = await _sending(store, 0)()
        async with trio.open_nursery() as nursery:
            for number in range(CALLERS):
                nursery.start_soon(sending, number)
            await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        messages = await audit(store, first.chat.id)
        expect_equal({message.id for message in messages}, {first.message.id, *told}, "stored and told")


async def check_a_caller_that_is_already_cancelled_writes_nothing(open_store: OpenStore) -> None:
    """The call is a checkpoint before it is a write."""
    async with open_store(clock=SettableClock()) as store:
        with trio.CancelScope() as scope:
            scope.cancel()
            await _sending(store, 0)()
        expect(scope.cancelled_caught, "the caller is told")
        expect_equal(await store.find_chat(SYSTEM, between(ANNA, BEN).key), None, "the chat")


async def check_a_closed_store_says_so(open_store: OpenStore) -> None:
    """After closing, reads and writes raise at once."""
    async with open_store(clock=SettableClock()) as store:
        pass
    with expect_raises(StoreClosed):
        await store.get_user(SYSTEM, ANNA)
    with expect_raises(StoreClosed):
        await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})


async def check_statistics_count_what_was_acknowledged(open_store: OpenStore) -> None:
    """A refused write is not counted as written."""
    async with open_store(clock=SettableClock()) as store:
        before = store.statistics()
        await send(store, ANNA, BEN)
        with expect_raises(NotFound):
            await store.touch_user(SYSTEM, ANNA)
        after = store.statistics()
        expect_equal(after.writes - before.writes, 2, "writes")
        expect_equal(after.waiting_writes, 0, "waiting")


CHECKS = (
    check_first_messages_at_once_make_one_chat,
    check_retries_at_once_store_one_message,
    check_counters_agree_after_reading_writing_and_deleting_at_once,
    check_takers_at_once_share_the_undelivered,
    check_a_failing_write_fails_alone,
    check_a_cancelled_caller_leaves_no_half_write,
    check_a_caller_that_is_already_cancelled_writes_nothing,
    check_a_closed_store_says_so,
    check_statistics_count_what_was_acknowledged,
)


async def check_everything_is_there_after_reopening(open_store: OpenStore) -> None:
    """Records, counters, numbers and delivery marks survive."""
    clock = SettableClock()
    async with open_store(clock=clock) as store:
        user = await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={"name": "Anna"})
        await send(store, ANNA, ANNA)
        await store.take_undelivered(SYSTEM, BEN, limit=1)
        chat = await store.find_chat(SYSTEM, between(ANNA, BEN).key)
    async with open_store(clock=clock) as store:
        expect_equal(await store.get_user(SYSTEM, ANNA), user, "the user")
        expect_equal(await store.find_chat(SYSTEM, between(ANNA, BEN).key), chat, "the chat")
        (third,) = await send(store, ANNA)
        expect_equal(third.sequence, 3, "the next number")
        taken = await store.take_undelivered(SYSTEM, BEN)
        expect_equal([message.sequence for message in taken.page.items], [3, 1], "handed out")
        await audit(store, third.chat_id)


DURABLE_CHECKS = (check_everything_is_there_after_reopening,)
