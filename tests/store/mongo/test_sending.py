"""Sending on MongoDB keeps the contract; what is read ahead for many disturbs none of them."""

from typing import cast

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from slysock_store import (
    AddedMessage,
    BadValue,
    ChatId,
    ChatKey,
    JsonObject,
    NewChat,
    NewMessage,
    StoreError,
    UserKey,
)
from slysock_store.testing import Check, OpenStore, audit
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, between, said
from slysock_store.testing.messages import OF_SENDING
from tests.store.blocking import blocked
from tests.store.contract import each_of
from tests.store.mongo_parts import open_parts

pytestmark = pytest.mark.port


@each_of(OF_SENDING)
async def test_contract(check: Check, open_mongo: OpenStore) -> None:
    await check(open_mongo)


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


async def test_retries_that_wait_together_are_recognised(mongo_url: str) -> None:
    async with open_parts(mongo_url) as parts:
        first = await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA, client_message_id="c"))
        added: list[AddedMessage] = []

        async def add(chat: ChatId | NewChat, client_message_id: str | None) -> None:
            message = said(ANNA, client_message_id=client_message_id)
            added.append(await parts.store.add_message(SYSTEM, chat, message))

        async with trio.open_nursery() as nursery, blocked(parts.writer):
            for chat in (first.chat.id, between(ANNA, BEN)):
                for client_message_id in ("c", "d", None):
                    nursery.start_soon(add, chat, client_message_id)
            await wait_all_tasks_blocked()
        assert sorted(one.is_duplicate for one in added) == [False, False, False, True, True, True]
        assert {one.message.id for one in added if one.message.client_message_id == "c"} == {first.message.id}
        assert len(await audit(parts.store, first.chat.id)) == 4
