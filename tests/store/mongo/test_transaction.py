"""Writes that share a transaction see what went before them in it."""

from collections.abc import Awaitable, Callable
from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from slysock_store.testing import audit
from slysock_store.testing.harness import ANNA, BEN, CARA, SYSTEM, between, said, send
from tests.store.blocking import blocked
from tests.store.mongo_parts import open_parts

pytestmark = pytest.mark.port


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
