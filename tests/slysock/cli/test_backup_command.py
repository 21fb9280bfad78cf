"""`slysock backup`, while a real server writes, and back."""

import shutil
import signal
from pathlib import Path

import httpx  # noqa: ASYNC127 - Litestar needs it anyway
import pytest
import trio

from slysock_store import inspect_store
from tests.slysock.cli.running import SERVED, Writer, run_main, serving, stop, wait_for


def test_a_mongodb_is_copied_by_its_own_tool_which_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    url = "mongodb://anna:secret@one,two:2/chat?replicaSet=rs0"
    assert run_main("backup", "chat copy.gz", "--store", url) == 2
    err = capsys.readouterr().err
    assert (
        "mongodump --uri='mongodb://anna:***@one,two:2/?replicaSet=rs0' --oplog --gzip --archive='chat copy.gz'" in err
    )


def test_what_cannot_be_copied_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in (
        (["--store", "sqlite:///none.db"], "there is no database none.db"),
        (["--store", "sqlite://"], "only a database file can be copied"),
    ):
        assert run_main("backup", "copy.db", *arguments) == 2
        assert words in capsys.readouterr().err
    assert not Path("copy.db").exists()


def test_a_target_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main("backup") == 2
    assert "TARGET" in capsys.readouterr().err


@pytest.mark.port
def test_a_copy_made_while_a_server_writes_has_all_that_was_acknowledged_and_can_be_put_back() -> None:
    with serving(*SERVED) as (process, lines), Writer(lines) as writer:
        wait_for(lambda: len(writer.acknowledged) > 50)
        before = list(writer.acknowledged)
        assert run_main("backup", "copy.db", "--store", "sqlite:///chat.db") == 0
        count = len(writer.acknowledged)
        wait_for(lambda: len(writer.acknowledged) > count + 50)  # nobody waits for a backup
        writer.stop()
        stop(process, signal.SIGTERM)
    found = trio.run(inspect_store, "sqlite:///copy.db")
    assert found.problems == ()
    assert len(before) <= found.messages < len(writer.acknowledged)

    # As README says it: the server is stopped, the database moved away with what is beside it, the copy put there.
    Path("lost").mkdir()
    for path in Path().glob("chat.db*"):
        path.rename(Path("lost") / path.name)
    shutil.copy("copy.db", "chat.db")
    with serving(*SERVED) as (process, lines):
        kept = writer.history(lines)
        assert set(before) <= set(kept)
        assert kept == writer.acknowledged[: len(kept)]
        stop(process, signal.SIGTERM)
    assert run_main("check", "--store", "sqlite:///chat.db") == 0


@pytest.mark.port
def test_a_server_whose_file_is_taken_away_acknowledges_nothing_and_says_why() -> None:
    with serving(*SERVED) as (_, lines), Writer(lines) as writer:
        wait_for(lambda: len(writer.acknowledged) > 10)
        Path("chat.db").rename("moved.db")
        wait_for(lambda: writer.refusals > 3)
        acknowledged = list(writer.acknowledged)
        ready = httpx.get(f"{writer.url}/readyz")
        assert ready.status_code == 503
        assert ready.json()["why"] == {"store": "the database file was removed or replaced"}
        wait_for(lambda: writer.refusals > 6)
        assert writer.acknowledged == acknowledged
        Path("moved.db").rename("chat.db")
        wait_for(lambda: len(writer.acknowledged) > len(acknowledged))
        writer.stop()
        assert set(writer.acknowledged) <= set(writer.history(lines))
