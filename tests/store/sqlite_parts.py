"""A store on a file, put together by hand so that tests reach its writer thread."""

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from slysock_store import Store
from slysock_store.engines import ThreadedEngine
from slysock_store.group_commit import Writer
from slysock_store.sqlite import store_on
from slysock_store.sqlite.committer import SqliteCommitter
from slysock_store.sqlite.connection import connect_writer, create_private_file
from slysock_store.sqlite.readers import Readers
from slysock_store.sqlite.schema import migrate
from slysock_store.sqlite.transaction import Transaction
from slysock_store.testing import SettableClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    writer: Writer[Transaction]
    store: Store
    connection: sqlite3.Connection
    committer: SqliteCommitter

    def run(self, statement: str) -> None:
        """Run a statement on the writer's connection, while the writer has nothing to do."""
        self.connection.execute(statement).fetchall()


@asynccontextmanager
async def open_parts(path: Path, *, max_waiting: int = 1_000) -> AsyncGenerator[Parts, None]:
    create_private_file(path)
    connection = connect_writer(path)
    migrate(connection, "the test database")
    committer = SqliteCommitter(connection, where="the test database", clock=SettableClock())
    writer = Writer(committer, max_waiting=max_waiting)
    engine = ThreadedEngine(writer, Readers(path, where="the test database"))
    try:
        yield Parts(
            writer=writer,
            store=store_on(engine),
            connection=connection,
            committer=committer,
        )
    finally:
        await engine.aclose()
