"""A store on a file, put together by hand so that tests reach its writer thread."""

import sqlite3
import threading
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

from slysock_store.group_commit import Writer
from slysock_store.sqlite import SqliteStore
from slysock_store.sqlite.committer import SqliteCommitter
from slysock_store.sqlite.connection import connect_writer
from slysock_store.sqlite.engines import FileEngine
from slysock_store.sqlite.readers import Readers
from slysock_store.sqlite.schema import migrate
from slysock_store.sqlite.transaction import Transaction
from slysock_store.testing import SettableClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    writer: Writer[Transaction]
    store: SqliteStore
    connection: sqlite3.Connection

    def run(self, statement: str) -> None:
        """Run a statement on the writer's connection, while the writer has nothing to do."""
        self.connection.execute(statement).fetchall()


@asynccontextmanager
async def open_parts(path: Path, *, max_waiting: int = 1_000) -> AsyncGenerator[Parts, None]:
    connection = connect_writer(str(path))
    migrate(connection, "the test database")
    writer = Writer(
        SqliteCommitter(connection, where="the test database", clock=SettableClock()),
        max_waiting=max_waiting,
    )
    engine = FileEngine(writer, Readers(str(path), where="the test database"))
    try:
        yield Parts(writer=writer, store=SqliteStore(engine), connection=connection)
    finally:
        await engine.aclose()


class Blocker:
    """A write that holds the writer thread until it is released."""

    def __init__(self) -> None:
        self._begun = threading.Event()
        self._released = threading.Event()

    def __call__(self, tx: Transaction) -> None:
        self._begun.set()
        assert self._released.wait(60)

    async def wait_begun(self) -> None:
        assert await trio.to_thread.run_sync(self._begun.wait, 60)

    def release(self) -> None:
        self._released.set()


@asynccontextmanager
async def blocked(writer: Writer[Transaction]) -> AsyncGenerator[Blocker, None]:
    """Hold the writer thread within a commit for the block, unless it is released earlier."""
    blocker = Blocker()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(writer.write, blocker)
        await blocker.wait_begun()
        try:
            yield blocker
        finally:
            blocker.release()
