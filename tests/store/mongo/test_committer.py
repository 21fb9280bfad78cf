"""Transactions that several writes share: fewer commands, failing alone, tried again, never torn or lost."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

import pymongo
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from slysock_store import (
    NewNotification,
    NotSender,
    StoreError,
    StoreFull,
    StoreUnavailable,
    UserKey,
)
from slysock_store.group_commit import WRITE_DEADLINE_SECONDS
from slysock_store.mongo.committer import TRANSACTION_SECONDS
from slysock_store.mongo.filters import where
from slysock_store.mongo.transaction import Transaction
from slysock_store.testing import audit
from slysock_store.testing.harness import ANNA, BEN, START, SYSTEM, between, said, send
from tests.store.blocking import blocked
from tests.store.mongo_parts import Parts, failing, open_parts
from tests.store.mongod import Mongod

pytestmark = pytest.mark.port

WRITE_CONFLICT = {"errorCode": 112, "errorLabels": ["TransientTransactionError"]}
LOST_ANSWER = {"writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}}


def tear_messages(tx: Transaction) -> None:
    """Change something by a command, as a write of the backend does."""
    tx.settle()
    collections, session = tx.direct()
    collections.messages.update_many(where(system=SYSTEM), {"$set": {"text": "torn"}}, session=session)


async def test_writes_that_wait_share_one_transaction_and_few_commands(mongo_url: str) -> None:
    async with open_parts(mongo_url) as parts:
        async with trio.open_nursery() as nursery, blocked(parts.writer):
            for number in range(100):
                message = said(ANNA, client_message_id=str(number))
                chat = between(ANNA, BEN, key=str(number % 10))
                nursery.start_soon(parts.store.add_message, SYSTEM, chat, message)
            await wait_all_tasks_blocked()
        statistics = parts.store.statistics()
        assert (statistics.commits, statistics.writes) == (2, 101)  # the blocker's, and one for all


async def test_a_shared_transaction_keeps_the_order_of_calls(mongo_url: str) -> None:
    async with open_parts(mongo_url) as parts:
        async with trio.open_nursery() as nursery, blocked(parts.writer):
            for number in range(10):
                nursery.start_soon(parts.store.add_message, SYSTEM, between(ANNA, BEN), said(ANNA, str(number)))
                await wait_all_tasks_blocked()
        chat = await parts.store.find_chat(SYSTEM, between(ANNA, BEN).key)
        assert chat is not None
        assert [message.text for message in await audit(parts.store, chat.id)] == [str(n) for n in range(10)]


async def test_what_fails_after_sending_commands_fails_alone(mongo_url: str) -> None:
    outcomes: list[str] = []

    def buggy(tx: Transaction) -> None:
        tear_messages(tx)
        raise ZeroDivisionError("a bug")

    def refused_by_the_server(tx: Transaction) -> None:
        tear_messages(tx)
        collections, session = tx.direct()
        collections.chats.update_many(where(system=SYSTEM), {"$no": {"such": "operator"}}, session=session)

    async with open_parts(mongo_url) as parts:
        (message,) = await send(parts.store, ANNA)

        async def fails(error: type[Exception], call: Callable[[], Awaitable[object]]) -> None:
            with pytest.raises(error):
                await call()
            outcomes.append(error.__name__)

        async with trio.open_nursery() as nursery, blocked(parts.writer):
            nursery.start_soon(parts.store.add_message, SYSTEM, between(ANNA, BEN), said(BEN))
            nursery.start_soon(fails, ZeroDivisionError, partial(parts.writer.write, buggy))
            nursery.start_soon(fails, StoreError, partial(parts.writer.write, refused_by_the_server))
            nursery.start_soon(fails, NotSender, partial(parts.store.delete_message, SYSTEM, message.id, by=BEN))
            nursery.start_soon(parts.store.add_message, SYSTEM, between(ANNA, BEN), said(BEN))
            await wait_all_tasks_blocked()
        assert sorted(outcomes) == ["NotSender", "StoreError", "ZeroDivisionError"]
        messages = await audit(parts.store, message.chat_id)
        assert [message.text for message in messages] == ["hello"] * 3
        assert parts.store.statistics().commits == 3


async def test_two_processes_write_into_one_chat_without_a_gap(mongo_url: str) -> None:
    async with open_parts(mongo_url, seconds=30) as one, open_parts(mongo_url, seconds=30) as other:

        async def sending(parts: Parts, sender: UserKey) -> None:
            for number in range(10):
                message = said(sender, f"{sender} {number}", client_message_id=str(number))
                await parts.store.add_message(SYSTEM, between(ANNA, BEN), message)
                await parts.store.mark_read(SYSTEM, chat_id, sender)
                await parts.store.add_notification(SYSTEM, NewNotification(user=ANNA, kind="k", content=number))

        chat_id = (await one.store.ensure_chat(SYSTEM, between(ANNA, BEN))).chat.id
        async with trio.open_nursery() as nursery:
            for parts in (one, other):
                for sender in (ANNA, BEN):
                    nursery.start_soon(sending, parts, sender)
        messages = await audit(other.store, chat_id)
        assert len(messages) == 20  # each was sent twice with one client message id, once by each process
        assert len({(message.sender, message.client_message_id) for message in messages}) == 20
        assert await one.store.count_unread_notifications(SYSTEM, ANNA) == 40


async def test_two_processes_that_make_the_same_records_make_them_once(mongo_url: str) -> None:
    async with open_parts(mongo_url, seconds=30) as one, open_parts(mongo_url, seconds=30) as other:
        async with trio.open_nursery() as nursery:
            for number in range(20):
                for parts in (one, other):
                    user = UserKey(str(number))
                    upsert = partial(parts.store.upsert_user, SYSTEM, user, role="R", profile={})
                    put = partial(parts.store.put_reference, SYSTEM, kind="k", key=str(number), data={})
                    nursery.start_soon(upsert)
                    nursery.start_soon(put)
                    nursery.start_soon(parts.store.ensure_chat, SYSTEM, between(ANNA, key=str(number)))
        assert (await one.store.list_users(SYSTEM, role="R")).total_records == 20
        assert (await one.store.list_chats(SYSTEM)).total_records == 20


async def test_a_conflict_is_tried_again_unseen(mongo_url: str, mongod: Mongod) -> None:
    async with open_parts(mongo_url) as parts:
        with failing(mongod, WRITE_CONFLICT, "insert", times=3):
            await send(parts.store, ANNA)
        with failing(mongod, WRITE_CONFLICT, "commitTransaction", times=3):
            (second,) = await send(parts.store, BEN)
        assert [message.sequence for message in await audit(parts.store, second.chat_id)] == [1, 2]


async def test_a_conflict_that_does_not_end_is_told_and_nothing_is_written(mongo_url: str, mongod: Mongod) -> None:
    async with open_parts(mongo_url, seconds=0.5) as parts:
        with failing(mongod, WRITE_CONFLICT, "insert"), pytest.raises(StoreUnavailable, match="same records") as caught:
            await send(parts.store, ANNA)
        assert not caught.value.outcome_unknown
        assert await parts.store.find_chat(SYSTEM, between(ANNA, BEN).key) is None
        await send(parts.store, ANNA)


async def test_a_commit_whose_answer_is_lost_is_asked_for_again(mongo_url: str, mongod: Mongod) -> None:
    async with open_parts(mongo_url) as parts:
        with failing(mongod, LOST_ANSWER, "commitTransaction", times=3):
            (first,) = await send(parts.store, ANNA)
        with failing(mongod, {"closeConnection": True}, "commitTransaction", times=3):
            await send(parts.store, BEN)
        assert len(await audit(parts.store, first.chat_id)) == 2


async def test_a_commit_without_any_answer_has_an_unknown_outcome_and_a_retry_finds_out(
    mongo_url: str, mongod: Mongod
) -> None:
    message = said(ANNA, client_message_id="c")
    async with open_parts(mongo_url, seconds=1) as parts:
        with failing(mongod, LOST_ANSWER, "commitTransaction"), pytest.raises(StoreUnavailable) as caught:
            await parts.store.add_message(SYSTEM, between(ANNA, BEN), message)
        assert caught.value.outcome_unknown
        assert isinstance(caught.value.__cause__, pymongo.errors.PyMongoError)
        again = await parts.store.add_message(SYSTEM, between(ANNA, BEN), message)
        assert again.is_duplicate
        assert len(await audit(parts.store, again.chat.id)) == 1


async def test_a_full_disk_is_told_and_survived(mongo_url: str, mongod: Mongod) -> None:
    async with open_parts(mongo_url) as parts:
        how = {"errorCode": 14031}
        with failing(mongod, how, "insert", "update"), pytest.raises(StoreFull, match="disk full"):
            await send(parts.store, ANNA)
        assert await parts.store.find_chat(SYSTEM, between(ANNA, BEN).key) is None
        await send(parts.store, ANNA)


def test_a_failing_transaction_leaves_time_for_the_writes_behind_it() -> None:
    assert 2 * TRANSACTION_SECONDS < WRITE_DEADLINE_SECONDS


async def test_a_transaction_whose_every_write_failed_is_given_up(mongo_url: str) -> None:
    def torn(tx: Transaction) -> None:
        tear_messages(tx)
        raise ZeroDivisionError("a bug")

    async with open_parts(mongo_url) as parts:
        (message,) = await send(parts.store, ANNA)
        with pytest.raises(ZeroDivisionError):
            await parts.writer.write(torn)
        assert await parts.store.get_message(SYSTEM, message.id) == message
        assert parts.store.statistics().commits == 1


async def test_a_clock_that_fails_fails_the_writes_and_not_the_thread(mongo_url: str) -> None:
    times = iter([START])

    def broken() -> datetime:
        return next(times)

    async with open_parts(mongo_url, clock=broken) as parts:
        await send(parts.store, ANNA)
        for _ in range(2):
            with pytest.raises(StoreUnavailable) as caught:
                await send(parts.store, ANNA)
            assert isinstance(caught.value.__cause__, StopIteration)
