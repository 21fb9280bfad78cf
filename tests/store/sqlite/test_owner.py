"""One process owns a database file; another learns who, waits for a while, and takes it over."""

import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from slysock_store import StoreInUse, StoreUnavailable, open_store
from slysock_store.sqlite.owner import TRY_SECONDS, lock_file, owned
from tests.store.opening import fails

HOLDER = """
import sys, trio
from slysock_store import open_store

async def hold(url):
    async with open_store(url):
        print("open", flush=True)
        await trio.sleep_forever()

trio.run(hold, sys.argv[1])
"""


@contextmanager
def holding(url: str) -> Iterator[subprocess.Popen[str]]:
    """Let another process have a store open."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, url], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
    finally:
        process.kill()
        process.communicate()


async def test_a_second_process_is_told_who_has_the_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    with holding(url) as process:
        error = await fails(url)
        assert isinstance(error, StoreInUse)
        host = re.escape(os.uname().nodename)
        assert re.fullmatch(
            rf"the database .*/chat\.db is in use by process {process.pid} on {host} since [0-9-]+ [0-9:]+ UTC",
            str(error),
        )


@pytest.mark.parametrize("link", ["hard to tell", "relative"])
async def test_a_file_is_one_by_whatever_name(tmp_path: Path, link: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "chat.db")
    (tmp_path / "chat.db").touch()
    monkeypatch.chdir(tmp_path)
    with holding(f"sqlite:///{tmp_path}/chat.db"):
        assert isinstance(await fails("sqlite:///link.db" if link != "relative" else "sqlite:///chat.db"), StoreInUse)


async def test_one_process_does_not_open_a_file_twice(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    async with open_store(url):
        assert isinstance(await fails(url), StoreInUse)
    async with open_store(url):
        pass


async def test_whoever_waits_takes_over_once_the_other_has_been_killed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path}/chat.db"
    with holding(url) as process, trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            opened = trio.Event()

            async def take_over() -> None:
                async with open_store(url, wait_seconds=20):
                    opened.set()

            nursery.start_soon(take_over)
            while not caplog.records:  # noqa: ASYNC110 - the log tells nobody
                await trio.sleep(0.01)
            assert not opened.is_set()
            process.kill()
            await opened.wait()
    (told,) = caplog.records
    assert told.levelno == logging.WARNING
    assert re.search(r"is in use by process \d+ on .*; waiting for up to 20 s", told.getMessage())


async def test_waiting_ends_at_its_time_not_before(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    async with owned(path, where="the database"):
        since = time.monotonic()
        with pytest.raises(StoreInUse, match=f"the database is in use by process {os.getpid()} on "):
            async with owned(path, where="the database", wait_seconds=3 * TRY_SECONDS):
                pass
        assert time.monotonic() - since >= 3 * TRY_SECONDS


async def test_waiting_can_be_cancelled(tmp_path: Path) -> None:
    async with owned(tmp_path / "chat.db", where="the database"):
        with trio.move_on_after(TRY_SECONDS) as scope:
            async with owned(tmp_path / "chat.db", where="the database", wait_seconds=1000):
                pass
        assert scope.cancelled_caught


async def test_an_owner_that_has_not_signed_is_another_process(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    async with owned(path, where="the database"):
        lock_file(path).write_bytes(b"")
        with pytest.raises(StoreInUse, match="in use by another process"):
            async with owned(path, where="the database"):
                pass


async def test_a_lock_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    lock_file(tmp_path / "chat.db").mkdir()
    assert isinstance(await fails(f"sqlite:///{tmp_path}/chat.db"), StoreUnavailable)
