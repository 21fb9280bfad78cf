"""`slysock check`: 0 for a sound database, 1 with what is wrong, 2 where it cannot look."""

import sqlite3
from contextlib import closing

import pytest
import trio

from slysock_store import open_store
from slysock_store.testing.harness import ANNA, BEN, send
from tests.slysock.cli.running import run_main

URL = "sqlite:///chat.db"


async def fill() -> None:
    async with open_store(URL) as store:
        await send(store, ANNA, BEN)


def test_a_sound_database_is_0_and_one_that_is_not_1(capsys: pytest.CaptureFixture[str]) -> None:
    trio.run(fill)
    assert run_main("check", "--store", URL) == 0
    assert capsys.readouterr().out == "sqlite:///chat.db: 1 chats, 2 messages, no problems\n"
    with closing(sqlite3.connect("chat.db", isolation_level=None)) as connection:
        connection.execute("UPDATE chats SET message_count = 7")
    assert run_main("check", "--store", URL) == 1
    first, last = capsys.readouterr().out.splitlines()
    assert first.endswith("2 messages are not deleted, recorded are 7")
    assert last == "sqlite:///chat.db: 1 chats, 2 messages, 1 problem"


def test_many_problems_are_counted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slysock_store.auditing.MAX_PROBLEMS", 1)
    trio.run(fill)
    with closing(sqlite3.connect("chat.db", isolation_level=None)) as connection:
        connection.execute("UPDATE chats SET message_count = 7, last_sequence = 9, active_at = 0")
    assert run_main("check", "--store", URL) == 1
    assert capsys.readouterr().out.splitlines()[1:] == [
        "… and 2 more",
        "sqlite:///chat.db: 1 chats, 2 messages, 3 problems",
    ]


def test_what_cannot_be_checked_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main("check", "--store", "sqlite:///none.db") == 2
    assert "there is no database none.db" in capsys.readouterr().err
