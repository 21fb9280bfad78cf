"""One engine over a writer and readers, whichever database they reach."""

from pathlib import Path

import pytest

from slysock_store import StoreClosed
from slysock_store.engines import ThreadedEngine
from slysock_store.group_commit import Writer
from slysock_store.sqlite.committer import SqliteCommitter
from slysock_store.sqlite.connection import connect_writer, create_private_file
from slysock_store.sqlite.readers import Readers
from slysock_store.sqlite.transaction import Transaction
from slysock_store.testing import SettableClock


def add(tx: Transaction, first: int, second: int) -> int:
    return first + second


async def test_operations_get_their_arguments_and_what_they_run_on(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    create_private_file(path)
    committer = SqliteCommitter(connect_writer(path), where="the test database", clock=SettableClock())
    engine = ThreadedEngine(Writer(committer), Readers(path, where="the test database"))
    assert await engine.write(add, 1, 2) == 3
    assert await engine.read(lambda connection, one: connection.execute("SELECT ?", (one,)).fetchone(), "x") == ("x",)
    assert (engine.statistics().writes, engine.statistics().commits) == (1, 1)
    await engine.aclose()
    with pytest.raises(StoreClosed):
        await engine.read(lambda connection: None)
    with pytest.raises(StoreClosed):
        await engine.write(add, 1, 2)
    assert not (tmp_path / "chat.db-wal").exists()  # written back by the last connection, which was the writer's
