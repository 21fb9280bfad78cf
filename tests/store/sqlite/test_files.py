"""Files that are lost are noticed, and so is a disk that is nearly full; service resumes by itself."""

import logging
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio

from slysock_store import NewMessage, Store, StoreFull, StoreUnavailable, open_store
from slysock_store.sqlite import files as files_module
from slysock_store.sqlite.files import free_bytes
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, between, said

MEBIBYTE = 1_048_576
RESERVE = 256 * MEBIBYTE


def remove(path: Path) -> None:
    path.unlink()


def move(path: Path) -> None:
    path.rename(path.with_name("moved"))


def replace_by_nothing(path: Path) -> None:
    path.unlink()
    path.touch()


def replace_by_a_copy(path: Path) -> None:
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
@pytest.mark.parametrize("lose", [remove, move, replace_by_nothing, replace_by_a_copy])
async def test_nothing_is_acknowledged_into_files_that_are_lost(
    tmp_path: Path, lose: Callable[[Path], None], suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "chat.db"
    async with open_store(f"sqlite:///{path}") as store:
        added = await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        lose(Path(f"{path}{suffix}"))
        calls: list[Callable[[], Awaitable[object]]] = [
            lambda: store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA)),
            lambda: store.delete_message(SYSTEM, added.message.id, by=ANNA),
            lambda: store.get_message(SYSTEM, added.message.id),
            lambda: store.list_messages(SYSTEM, added.chat.id),
        ]
        for call in calls:
            with pytest.raises(StoreUnavailable, match=r"chat.db was removed or replaced while it was in use"):
                await call()
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]
    if not suffix and lose is remove:
        assert not path.exists()


async def test_the_write_that_finds_the_loss_does_not_know_its_outcome_and_later_ones_do(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    async with open_store(f"sqlite:///{path}") as store:
        await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        path.rename(tmp_path / "moved")
        for is_unknown in (True, False, False):
            with pytest.raises(StoreUnavailable) as caught:
                await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
            assert caught.value.outcome_unknown is is_unknown


async def test_a_file_that_is_put_back_serves_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "chat.db"
    async with open_store(f"sqlite:///{path}") as store:
        first = await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        path.rename(tmp_path / "moved")
        with pytest.raises(StoreUnavailable):
            await store.get_message(SYSTEM, first.message.id)
        (tmp_path / "moved").rename(path)
        assert await store.get_message(SYSTEM, first.message.id) == first.message
        await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
    assert "is there again" in caplog.records[-1].getMessage()


async def test_a_link_that_leads_elsewhere_is_a_loss_and_one_to_the_same_file_is_none(tmp_path: Path) -> None:
    real, link = tmp_path / "real.db", tmp_path / "chat.db"
    real.touch()
    link.symlink_to(real)
    async with open_store(f"sqlite:///{link}") as store:
        await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        link.unlink()
        (tmp_path / "other.db").touch()
        link.symlink_to(tmp_path / "other.db")
        with pytest.raises(StoreUnavailable):
            await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        link.unlink()
        link.symlink_to(real)
        await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))


async def test_the_working_directory_may_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_store("sqlite:///chat.db") as store:
        monkeypatch.chdir("/")
        added = await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
        assert await store.get_message(SYSTEM, added.message.id) == added.message


class Disk:
    """A disk whose room the test decides, looked at anew at each turn."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free = RESERVE
        monkeypatch.setattr(files_module, "free_bytes", lambda _: self.free)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


async def fill(store: Store, disk: Disk, free: int) -> None:
    """Change the room, and have it seen: what was seen last counts for a transaction that begins."""
    disk.free = free
    await store.upsert_user(SYSTEM, ANNA, role="CUSTOMER", profile={})


async def test_below_the_reserve_nothing_new_is_stored_and_the_rest_goes_on(
    tmp_path: Path, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_store(f"sqlite:///{tmp_path}/chat.db", min_free_bytes=RESERVE) as store:
        retried = NewMessage(sender=ANNA, text="x", client_message_id="1")
        added = await store.add_message(SYSTEM, between(ANNA, BEN), retried)
        await fill(store, disk, RESERVE - 1)
        growing: list[Callable[[], Awaitable[object]]] = [
            lambda: store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA)),
            lambda: store.add_message(SYSTEM, added.chat.id, said(BEN)),
            lambda: store.ensure_chat(SYSTEM, between(ANNA, BEN, key="another")),
            lambda: store.edit_message(SYSTEM, added.message.id, by=ANNA, text="longer"),
            lambda: store.set_reaction(SYSTEM, added.message.id, by=BEN, emoji="+"),
        ]
        for call in growing:
            with pytest.raises(StoreFull, match=f"has less than {RESERVE} bytes free"):
                await call()
        again = await store.add_message(SYSTEM, between(ANNA, BEN), retried)
        assert again.is_duplicate
        assert (await store.ensure_chat(SYSTEM, between(ANNA, BEN))).chat == added.chat
        assert (await store.mark_read(SYSTEM, added.chat.id, BEN)).count == 1
        assert (await store.delete_message(SYSTEM, added.message.id, by=ANNA)).changed
        await fill(store, disk, RESERVE)
        await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))
    told = [record.getMessage() for record in caplog.records]
    assert ["nearly full" in text for text in told] == [True, False]
    assert "has room again" in told[-1]


async def test_without_a_reserve_a_disk_may_fill_up(tmp_path: Path, disk: Disk) -> None:
    disk.free = 0
    async with open_store(f"sqlite:///{tmp_path}/chat.db") as store:
        await store.add_message(SYSTEM, between(ANNA, BEN), said(ANNA))


def test_what_is_free_is_what_others_than_root_may_use(tmp_path: Path) -> None:
    found = os.statvfs(tmp_path)
    assert abs(free_bytes(tmp_path) - found.f_bavail * found.f_frsize) < 64 * MEBIBYTE


ON_A_SMALL_DISK = """
import os, sys, trio
from slysock_store import NewMessage, StoreFull, open_store
from slysock_store.testing.harness import ANNA, BEN, SYSTEM, between

async def main(folder):
    async with open_store(f"sqlite:///{folder}/chat.db", min_free_bytes=4_000_000) as store:
        new = NewMessage(sender=ANNA, text="x" * 50_000)
        kept = []
        try:
            while True:
                kept.append((await store.add_message(SYSTEM, between(ANNA, BEN), new)).message)
        except StoreFull as error:
            print("full", "bytes free" in str(error))
        print("deleted", (await store.delete_message(SYSTEM, kept[0].id, by=ANNA)).changed)
        print("read", (await store.mark_read(SYSTEM, kept[0].chat_id, BEN)).count == len(kept) - 1)
        os.unlink(f"{folder}/ballast")
        await store.touch_user(SYSTEM, (await store.upsert_user(SYSTEM, ANNA, role="x", profile={})).key)
        await store.add_message(SYSTEM, between(ANNA, BEN), new)
        print("again", len((await store.list_messages(SYSTEM, kept[0].chat_id)).items) > 0)

trio.run(main, sys.argv[1])
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a small disk is made by unshare(1)")
async def test_on_a_real_small_disk_sends_are_refused_and_deletes_work(tmp_path: Path) -> None:
    script = tmp_path / "small.py"
    script.write_text(ON_A_SMALL_DISK)
    mounted = tmp_path / "disk"
    mounted.mkdir()
    inside = (
        f"mount -t tmpfs -o size=16m none {mounted} && head -c 4m /dev/zero > {mounted}/ballast && "
        f"exec '{sys.executable}' {script} {mounted}"
    )
    with trio.fail_after(60):
        ended = await trio.run_process(
            ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", inside],
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )
    if b"unshare" in ended.stderr or b"mount" in ended.stderr:
        pytest.skip(f"no small disk can be made here: {ended.stderr.decode()}")
    assert ended.stdout.decode().splitlines() == ["full True", "deleted True", "read True", "again True"], ended.stderr
