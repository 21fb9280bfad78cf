"""Transactions that several writes share: fewer commands, failing alone, tried again, never torn or lost."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import cast

import pymongo
import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from slysock_store import (
    BadValue,
    ChatKey,
    JsonObject,
    NewChat,
    NewMessage,
    NewNotification,
    NotSender,
    StoreError,
    StoreUnavailable,
    UserKey,
)
from slysock_store.group_commit import WRITE_DEADLINE_SECONDS
from slysock_store.mongo.committer import TRANSACTION_SECONDS
from slysock_store.mongo.filters import where
from slysock_store.mongo.transaction import Transaction
from slysock_store.testing import audit
from slysock_store.testing.harness import ANNA, BEN, CARA, SYSTEM, between, said, send
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


async def test_what_shares_a_transaction_sees_what_went_before_in_it(mongo_url: str) -> None:
    """Records kept in memory and commands to the server take turns within one transaction."""
    async with open_parts(mongo_url) as parts:
        store, chat = parts.store, between(ANNA, BEN)
        calls: list[Callable[[], Awaitable[object]]] = []
        (first,) = await send(store, ANNA)
        calls.append(partial(store.add_message, SYSTEM, chat, said(ANNA, "second", client_message_id="c")))
        calls.append(partial(store.mark_delivered, SYSTEM, first.chat_id, BEN))
        calls.append(partial(store.edit_message, SYSTEM, first.id, by=ANNA, text="edited"))
        calls.append(partial(store.mark_read, SYSTEM, first.chat_id, BEN))
        calls.append(partial(store.mark_read, SYSTEM, first.chat_id, CARA))
        calls.append(partial(store.add_message, SYSTEM, chat, said(ANNA, "retry", client_message_id="c")))
        calls.append(partial(store.add_message, SYSTEM, chat, said(BEN, "third")))
        calls.append(partial(store.delete_message, SYSTEM, first.id, by=ANNA))
        async with trio.open_nursery() as nursery, blocked(parts.writer):
            for call in calls:
                nursery.start_soon(call)
                await wait_all_tasks_blocked()
        assert store.statistics().commits == 3
        messages = await audit(store, first.chat_id)
        assert [message.text for message in messages] == ["edited", "second", "third"]
        assert [message.read_by for message in messages] == [(CARA, BEN), (CARA, BEN), ()]
        assert messages[0].is_deleted


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


async def test_names_that_are_none_do_not_disturb_those_they_share_with(mongo_url: str) -> None:
    not_json = cast("JsonObject", {"n": object()})
    bad = [
        (between(ANNA, BEN, key="\ud800"), said(ANNA)),
        (between(ANNA, BEN), said(UserKey("\ud800"), client_message_id="c")),
        (between(ANNA, BEN), said(ANNA, client_message_id="\ud800")),
        (NewChat(kind="k", key=ChatKey("2"), participants=(ANNA,), reference="\ud800"), said(ANNA)),
        (
            NewChat(kind="k", key=ChatKey("3"), participants=(ANNA,), extra=not_json),
            said(ANNA),
        ),
        (cast("NewChat", {"$gt": ""}), said(ANNA)),
        (between(ANNA, BEN), NewMessage(sender=ANNA, recipient=cast("UserKey", {"$gt": ""}))),
        (between(ANNA, BEN), NewMessage(sender=ANNA, text="x" * 17_000_000)),
    ]
    refusals = 0
    async with open_parts(mongo_url) as parts:

        async def refused(chat: NewChat, message: NewMessage) -> None:
            nonlocal refusals
            with pytest.raises(BadValue):
                await parts.store.add_message(SYSTEM, chat, message)
            refusals += 1

        async with trio.open_nursery() as nursery, blocked(parts.writer):
            for chat, message in bad:
                nursery.start_soon(parts.store.add_message, SYSTEM, between(ANNA, BEN), said(ANNA))
                nursery.start_soon(refused, chat, message)
            await wait_all_tasks_blocked()
        assert refusals == len(bad)
        sound = await parts.store.find_chat(SYSTEM, between(ANNA, BEN).key)
        assert sound is not None
        assert len(await audit(parts.store, sound.id)) == len(bad)
        assert parts.store.statistics().commits == 2


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
        with failing(mongod, {"errorCode": 14031}, "insert", "update"):
            with pytest.raises(StoreUnavailable, match="disk full") as caught:
                await send(parts.store, ANNA)
            assert not caught.value.outcome_unknown
        assert await parts.store.find_chat(SYSTEM, between(ANNA, BEN).key) is None
        await send(parts.store, ANNA)


async def test_a_read_that_fails_is_told_and_later_reads_work(mongo_url: str, mongod: Mongod) -> None:
    async with open_parts(mongo_url) as parts:
        await send(parts.store, ANNA)
        with failing(mongod, {"errorCode": 8}, "find"), pytest.raises(StoreError, match="refused a command: code 8"):
            await parts.store.find_chat(SYSTEM, between(ANNA, BEN).key)
        with failing(mongod, {"errorCode": 246}, "find", times=5):
            assert await parts.store.find_chat(SYSTEM, between(ANNA, BEN).key) is not None
        with failing(mongod, {"closeConnection": True}, "find", times=1):
            assert await parts.store.find_chat(SYSTEM, between(ANNA, BEN).key) is not None


async def test_a_document_that_somebody_else_wrote_is_told(mongo_url: str) -> None:
    async with open_parts(mongo_url) as parts:
        parts.connection.collections.users.insert_one({"system": SYSTEM, "key": ANNA, "role": 7})
        with pytest.raises(StoreError, match="not a UserDocument"):
            await parts.store.get_user(SYSTEM, ANNA)


async def test_a_chat_that_somebody_else_wrote_disturbs_no_other(mongo_url: str) -> None:
    failures = 0
    async with open_parts(mongo_url) as parts:
        parts.connection.collections.chats.insert_one({"system": SYSTEM, "key": "theirs", "status": 7})

        async def fails() -> None:
            nonlocal failures
            with pytest.raises(StoreError, match="not a ChatDocument"):
                await parts.store.add_message(SYSTEM, between(ANNA, key="theirs"), said(ANNA))
            failures += 1

        async with trio.open_nursery() as nursery, blocked(parts.writer):
            for number in range(3):
                nursery.start_soon(fails)
                nursery.start_soon(parts.store.add_message, SYSTEM, between(ANNA, BEN, key=str(number)), said(ANNA))
            await wait_all_tasks_blocked()
        assert failures == 3
        assert (await parts.store.list_chats(SYSTEM, participant=ANNA)).total_records == 3


async def test_names_with_dollars_dots_and_nul_come_back(mongo_url: str) -> None:
    data: JsonObject = {
        "$gt": "",
        "a.b": {"$set": [{"$where": 1}]},
        "": 0,
        "\x00": "\x00",
        "$ref": "c",
        "$id": "i",
        "n": 2**63,
    }
    async with open_parts(mongo_url) as parts:
        store = parts.store
        await store.put_reference(SYSTEM, kind="k", key="$key.with.dots", data=data)
        reference = await store.get_reference(SYSTEM, kind="k", key="$key.with.dots")
        assert reference is not None
        assert reference.data == data
        user = await store.upsert_user(SYSTEM, UserKey("$where"), role="$role", profile=data)
        assert await store.get_user(SYSTEM, UserKey("$where")) == user
        assert user.profile == data
        message = NewMessage(sender=UserKey("$sender.a"), attachments=(data,), extra=data, client_message_id="$c")
        added = await store.add_message(SYSTEM, between(ANNA, UserKey("$sender.a")), message)
        await store.mark_read(SYSTEM, added.chat.id, UserKey("$reader.b"))
        found = await store.get_message(SYSTEM, added.message.id)
        assert found is not None
        assert (found.attachments, found.extra, found.read_by) == ((data,), data, ("$reader.b",))


def test_a_failing_transaction_leaves_time_for_the_writes_behind_it() -> None:
    assert 2 * TRANSACTION_SECONDS < WRITE_DEADLINE_SECONDS
