"""A database of version 1 is converted, chat by chat, and nothing that was delivered or read is lost or invented."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from slysock_store import ChatId, open_store
from slysock_store.sqlite import version_2
from slysock_store.sqlite.connection import connect
from slysock_store.sqlite.ledger import SqliteLedger
from slysock_store.testing import SettableClock
from tests.store import converted
from tests.store.version_1 import make_sqlite, some_chats


async def test_a_database_is_taken_over(tmp_path: Path) -> None:
    make_sqlite(tmp_path / "chat.db", some_chats())
    async with open_store(f"sqlite:///{tmp_path}/chat.db") as store:
        await converted.check(store, some_chats())


def tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


async def test_a_conversion_that_is_cut_short_goes_on_with_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "chat.db"
    make_sqlite(path, some_chats())
    done: list[ChatId] = []
    whole = version_2.convert_chat

    def counted(connection: sqlite3.Connection, chat_id: ChatId) -> None:
        if len(done) in {2, 4}:
            done.append(ChatId(""))
            raise KeyboardInterrupt
        whole(connection, chat_id)
        done.append(chat_id)

    monkeypatch.setattr(version_2, "SECONDS_PER_COMMIT", 0.0)
    monkeypatch.setattr(version_2, "convert_chat", counted)
    for _ in range(2):
        with closing(connect(str(path))) as connection:
            ledger = SqliteLedger(connection, where="the database", clock=SettableClock())
            ledger.beat()
            with pytest.raises(KeyboardInterrupt):
                ledger.convert()
    async with open_store(f"sqlite:///{path}") as store:
        await converted.check(store, some_chats())
    assert sorted(filter(None, done)) == sorted(chat.id for chat in some_chats())
    with closing(connect(str(path))) as connection:
        assert not tables(connection) & {"receipts", "chats_of_version_1"}


def test_a_second_conversion_does_nothing(tmp_path: Path) -> None:
    make_sqlite(tmp_path / "chat.db", some_chats()[:3])
    with closing(connect(str(tmp_path / "chat.db"))) as connection:
        ledger = SqliteLedger(connection, where="the database", clock=SettableClock())
        ledger.beat()
        version_2.convert(connection)
        changes = connection.total_changes
        version_2.convert(connection)
        assert connection.total_changes == changes


def test_a_failure_after_sqlite_has_rolled_back_is_told_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rolled_back(connection: sqlite3.Connection, _: ChatId) -> None:
        connection.execute("ROLLBACK")
        raise ZeroDivisionError

    make_sqlite(tmp_path / "chat.db", some_chats()[:1])
    monkeypatch.setattr(version_2, "convert_chat", rolled_back)
    with closing(connect(str(tmp_path / "chat.db"))) as connection:
        ledger = SqliteLedger(connection, where="the database", clock=SettableClock())
        ledger.beat()
        with pytest.raises(ZeroDivisionError):
            ledger.convert()
