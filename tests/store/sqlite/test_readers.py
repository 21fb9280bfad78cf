"""Reads on connections of their own: few, never behind a commit, and whole again after a failure."""

from functools import partial
from pathlib import Path

import pytest
import trio

from slysock_store import StoreError
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, between, said
from tests.store.blocking import blocked
from tests.store.sqlite_parts import open_parts


async def test_reads_do_not_wait_for_a_commit_under_way(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        added = await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        async with blocked(parts.writer):
            assert await parts.store.get_message(SYSTEM, added.message.id) == added.message


async def test_reads_at_once_share_a_few_connections(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        added = await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(partial(parts.store.list_messages, SYSTEM, added.chat.id, limit=5))


async def test_a_read_fails_clearly_and_later_reads_work(tmp_path: Path) -> None:
    async with open_parts(tmp_path / "chat.db") as parts:
        added = await parts.store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        parts.run("ALTER TABLE chats RENAME TO hidden")
        with pytest.raises(StoreError, match="refused a statement: no such table"):
            await parts.store.find_chat(SYSTEM, between(ANNA, BEN).key)
        parts.run("ALTER TABLE hidden RENAME TO chats")
        assert await parts.store.find_chat(SYSTEM, between(ANNA, BEN).key) == added.chat
