"""Reads on connections of their own: few, never behind a commit, and whole again after a failure."""

from contextlib import closing
from functools import partial
from pathlib import Path
from sqlite3 import Connection

import pytest
import trio

from slysock_store import StoreClosed, StoreError, StoreUnavailable
from slysock_store.sqlite.connection import connect
from slysock_store.sqlite.readers import Readers, read_within
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


COUNT = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT count(*) FROM n"


async def test_a_statement_reads_for_seconds_at_most_and_the_next_has_its_own_time(tmp_path: Path) -> None:
    (tmp_path / "chat.db").touch()
    readers = Readers(tmp_path / "chat.db", where="the test database", seconds=0.05)

    def count(connection: Connection, most: int) -> int:
        (found,) = connection.execute(COUNT, (most,)).fetchone()
        return int(found)

    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="the test database did not answer in time"):
            await readers.read(count, 10**12)
        assert await readers.read(count, 1_000) == 1_000
    await readers.aclose()


async def test_a_database_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    readers = Readers(tmp_path / "missing" / "chat.db", where="the test database")
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="the test database cannot be opened"):
            await readers.read(lambda connection: None)
    await readers.aclose()


async def test_closed_readers_refuse(tmp_path: Path) -> None:
    (tmp_path / "chat.db").touch()
    readers = Readers(tmp_path / "chat.db", where="the test database")
    assert await readers.read(lambda connection, number: number + 1, 1) == 2
    await readers.aclose()
    with pytest.raises(StoreClosed):
        await readers.read(lambda connection: None)


def test_a_transaction_that_has_ended_is_not_ended_again() -> None:
    with closing(connect(":memory:")) as connection:
        read_within(connection, "memory", lambda found: found.execute("COMMIT"))
        assert not connection.in_transaction
