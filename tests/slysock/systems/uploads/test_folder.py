"""The folder: files are whole or gone, whatever happens."""

import errno
import os
import shutil
import signal
import stat
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, nullcontext
from pathlib import Path
from typing import BinaryIO

import pytest
import trio

from slysock.systems.domain import NotAllowed, Unavailable
from slysock.systems.system import SystemUnusable
from slysock.systems.uploads import (
    MAX_OVERHEAD_BYTES,
    FolderBroken,
    MediaFolder,
    MediaName,
    NoRoom,
    NotMedia,
    QuotaReached,
    TooManyUploads,
    maybe_name,
)
from slysock.systems.uploads import disk as disk_module
from slysock.systems.uploads.folder import (
    DOUBT_SECONDS,
    MAX_UPLOADS_PER_USER,
    PIECE_BYTES,
)
from tests.slysock.systems.uploads.test_form import part, pieces

PNG = b"\x89PNG\r\n\x1a\n" + bytes(PIECE_BYTES * 2 + 17)
BODY = part("media", PNG) + part("content", b"caption") + b"--x--"


def folder_of(tmp_path: Path, open_new: Callable[[Path], BinaryIO] | None = None) -> MediaFolder:
    path = tmp_path / "media"
    if open_new is None:
        return MediaFolder(path, max_file_bytes=10_000_000)
    return MediaFolder(path, max_file_bytes=10_000_000, open_new=open_new)


def files(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "media").rglob("*") if path.is_file()]


async def keep(folder: MediaFolder, *, want: bool = True) -> MediaName:
    async with folder.receive(pieces(BODY, 16384), "x", file_field="media", owner="anna") as upload:
        assert upload.fields == {"content": "caption"}
        assert (upload.kind.mime, upload.size) == ("image/png", len(PNG))
        name = await upload.keep()
        if want:
            upload.want()
        return name


async def test_a_file_that_is_wanted_is_there_under_its_name_for_nobody_else_to_read(tmp_path: Path) -> None:
    name = await keep(folder_of(tmp_path))
    assert files(tmp_path) == [name]
    path = tmp_path / "media" / name
    assert path.read_bytes() == PNG
    assert path.stat().st_mode & 0o777 == 0o600


async def test_nothing_stays_of_a_file_that_nobody_wants(tmp_path: Path) -> None:
    await keep(folder_of(tmp_path), want=False)
    async with folder_of(tmp_path).receive(pieces(BODY, 999), "x", file_field="media", owner="anna"):
        assert len(files(tmp_path)) == 1
    assert files(tmp_path) == []


async def test_nothing_stays_when_the_block_fails_even_after_the_file_was_kept(tmp_path: Path) -> None:
    async def keep_and_fail() -> None:
        async with folder_of(tmp_path).receive(pieces(BODY, 999), "x", file_field="media", owner="anna") as upload:
            await upload.keep()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await keep_and_fail()
    assert files(tmp_path) == []


@pytest.mark.parametrize("taken", [0, 5, 100_000, len(BODY) - 1])
async def test_nothing_stays_of_an_upload_that_is_cancelled_at_any_point(tmp_path: Path, taken: int) -> None:
    stuck = trio.Event()

    async def stalling() -> AsyncIterator[bytes]:
        async for piece in pieces(BODY[:taken], 4096):
            yield piece
        stuck.set()
        await trio.sleep_forever()

    async def receive() -> None:
        async with folder_of(tmp_path).receive(stalling(), "x", file_field="media", owner="anna"):
            raise AssertionError("it never comes whole")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        await stuck.wait()
        assert len(files(tmp_path)) == 1
        nursery.cancel_scope.cancel()
    assert files(tmp_path) == []


async def test_what_is_no_media_is_refused_before_its_rest_comes(tmp_path: Path) -> None:
    body = pieces(part("media", b"#!/bin/sh\n" * 100_000) + b"--x--", 4096)
    with pytest.raises(NotMedia):
        async with folder_of(tmp_path).receive(body, "x", file_field="media", owner="anna"):
            pass
    assert body.read_bytes <= 3 * 4096
    assert files(tmp_path) == []


async def test_a_full_disk_is_told_as_such_and_leaves_nothing(tmp_path: Path) -> None:
    def open_full(path: Path) -> BinaryIO:
        path.touch()
        return open("/dev/full", "wb", buffering=0)

    with pytest.raises(NoRoom):
        await keep(folder_of(tmp_path, open_full))
    assert files(tmp_path) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
async def test_no_room_for_a_new_file_is_told_as_such(tmp_path: Path, code: int) -> None:
    def refuse(path: Path) -> BinaryIO:
        raise OSError(code, os.strerror(code))

    with pytest.raises(NoRoom):
        await keep(folder_of(tmp_path, refuse))


async def test_a_folder_that_is_none_is_broken(tmp_path: Path) -> None:
    (tmp_path / "media").write_bytes(b"")
    with pytest.raises(FolderBroken):
        await keep(folder_of(tmp_path))


async def test_a_user_has_a_bounded_number_of_uploads_under_way_and_another_is_not_held_up(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)

    async def stuck() -> AsyncIterator[bytes]:
        yield BODY[:100]
        await trio.sleep_forever()

    async def begin(started: trio.Event) -> None:
        async def body() -> AsyncIterator[bytes]:
            started.set()
            async for piece in stuck():
                yield piece

        async with folder.receive(body(), "x", file_field="media", owner="anna"):
            pass

    async with trio.open_nursery() as nursery:
        for _ in range(MAX_UPLOADS_PER_USER):
            started = trio.Event()
            nursery.start_soon(begin, started)
            await started.wait()
        with pytest.raises(TooManyUploads):
            await keep(folder)
        async with folder.receive(pieces(BODY, 999), "x", file_field="media", owner="ben"):
            pass
        nursery.cancel_scope.cancel()
    await keep(folder)


async def test_partial_files_of_a_killed_server_are_swept_and_those_under_way_are_not(tmp_path: Path) -> None:
    incoming = tmp_path / "media" / "incoming"
    incoming.mkdir(parents=True)
    for name, age in (("old.part", 100_000), ("new.part", 0), ("other.txt", 100_000)):
        (incoming / name).write_bytes(b"x")
        then = (incoming / name).stat().st_mtime - age
        os.utime(incoming / name, (then, then))
    folder = folder_of(tmp_path)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(folder.run, unasked)
        while (incoming / "old.part").exists():  # noqa: ASYNC110 - a folder tells nobody
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert sorted(files(tmp_path)) == ["new.part", "other.txt"]


async def test_a_removed_file_is_gone_and_removing_it_again_is_no_error(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    name = await keep(folder)
    stored = await folder.open(name)
    stored.file.close()
    assert stored.size == len(PNG)
    await folder.remove(name)
    await folder.remove(name)
    with pytest.raises(FileNotFoundError):
        await folder.open(name)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "/etc/passwd",
        "../media/x.png",
        f"chat-1-{'0' * 32}.png/..",
        f"chat-1-{'0' * 32}.png\n",
        f"chat-1-{'0' * 32}.php",
        f"chat-1-{'0' * 31}.png",
        f"chat-1-{'G' * 32}.png",
        f"chat-\N{ARABIC-INDIC DIGIT ONE}-{'0' * 32}.png",
        f"incoming/{'0' * 32}.part",
    ],
)
def test_a_text_that_is_no_name_of_ours_is_never_one(text: str) -> None:
    assert maybe_name(text) is None
    assert maybe_name(f"chat-1640995200-{'0f' * 16}.jpg") is not None


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_prepared_folder_is_there_empty_and_closed_to_others(tmp_path: Path) -> None:
    folder = MediaFolder(tmp_path / "new" / "media", max_file_bytes=1)
    for _ in range(2):
        folder.prepare()
        assert [mode_of(path) for path in (folder.path, folder.path / "incoming")] == [0o700, 0o700]
        assert files(tmp_path) == []


def test_a_folder_that_others_could_look_into_is_closed_to_them(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    folder.path.mkdir(mode=0o755)
    folder.prepare()
    assert mode_of(folder.path) == 0o700


def test_a_folder_that_is_everybodys_stays_so(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    folder.path.mkdir()
    folder.path.chmod(0o1777)
    folder.prepare()
    assert mode_of(folder.path) == 0o1777
    assert mode_of(folder.path / "incoming") == 0o700


async def test_the_folder_of_a_first_upload_is_closed_to_others(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    await keep(folder)
    assert [mode_of(path) for path in (folder.path, folder.path / "incoming")] == [0o700, 0o700]


@pytest.mark.parametrize("taken", ["media", "media/incoming"])
def test_a_folder_that_cannot_be_used_is_named_before_anything_is_served(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).parent.mkdir(exist_ok=True)
    (tmp_path / taken).touch()
    with pytest.raises(SystemUnusable, match=r"uploads cannot be kept in .*/media \(media_path\): File exists"):
        folder_of(tmp_path).prepare()


async def unasked(name: MediaName, note: str) -> bool | None:
    raise AssertionError("nothing is in doubt")


async def test_there_is_room_where_the_reserve_is_free_and_files_may_be_written(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    assert await MediaFolder(tmp_path / "not" / "yet", max_file_bytes=1).has_room()
    assert not await MediaFolder(tmp_path, max_file_bytes=1, min_free_bytes=2 * free).has_room()


class Disk:
    """A disk whose room the test decides."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free: int | None = RESERVE
        monkeypatch.setattr(disk_module, "free_bytes", lambda _: self.free)


RESERVE = 1_000_000


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


async def test_below_the_reserve_nothing_is_accepted_and_above_it_again(tmp_path: Path, disk: Disk) -> None:
    folder = MediaFolder(tmp_path / "media", max_file_bytes=10_000_000, min_free_bytes=RESERVE)
    for free, has_room in ((RESERVE, True), (RESERVE - 1, False), (RESERVE, True)):
        disk.free = free
        assert await folder.has_room() is has_room
        if has_room:
            await keep(folder)
        else:
            body = pieces(BODY, 16384)
            with pytest.raises(NoRoom):
                async with folder.receive(body, "x", file_field="media", owner="anna"):
                    pass
            assert body.read_bytes == 0
    assert len(files(tmp_path)) == 2
    disk.free = None
    assert not await folder.has_room()


@pytest.mark.parametrize(("expected", "is_refused"), [(MAX_OVERHEAD_BYTES + 5, False), (MAX_OVERHEAD_BYTES + 6, True)])
async def test_a_file_that_is_said_to_be_too_large_for_the_room_is_refused_at_once(
    tmp_path: Path, disk: Disk, expected: int, is_refused: bool
) -> None:
    folder = MediaFolder(tmp_path / "media", max_file_bytes=10_000_000, min_free_bytes=RESERVE)
    disk.free = RESERVE + 5
    body = pieces(BODY, 16384)
    with pytest.raises(NoRoom) if is_refused else nullcontext():
        async with folder.receive(body, "x", file_field="media", owner="anna", expected_bytes=expected):
            pass
    assert (body.read_bytes == 0) is is_refused
    assert files(tmp_path) == []


async def test_an_upload_that_finds_the_disk_filled_ends(tmp_path: Path, disk: Disk) -> None:
    folder = MediaFolder(tmp_path / "media", max_file_bytes=10_000_000, min_free_bytes=RESERVE)

    async def body() -> AsyncIterator[bytes]:
        async for piece in pieces(BODY, 16384):
            yield piece
            disk.free = RESERVE - 1

    async with aclosing(body()) as coming:
        with pytest.raises(NoRoom):
            async with folder.receive(coming, "x", file_field="media", owner="anna"):
                pass
    assert files(tmp_path) == []


async def test_a_size_that_is_not_allowed_ends_an_upload_as_soon_as_it_is_known(tmp_path: Path) -> None:
    def allow(size: int) -> None:
        if size > 100_000:
            raise QuotaReached(100_000)

    body = pieces(BODY, 16384)
    with pytest.raises(QuotaReached):
        async with folder_of(tmp_path).receive(body, "x", file_field="media", owner="anna", allow=allow):
            pass
    assert 100_000 < body.read_bytes < 150_000
    with pytest.raises(QuotaReached):
        async with folder_of(tmp_path).receive(
            body, "x", file_field="media", owner="anna", allow=allow, expected_bytes=100_001 + MAX_OVERHEAD_BYTES
        ):
            pass
    assert files(tmp_path) == []


def age(tmp_path: Path, name: str, seconds: float) -> None:
    """Make the note about a file older."""
    path = tmp_path / "media" / "incoming" / f"{name}.doubt"
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


async def left_in_doubt(folder: MediaFolder, note: str = "") -> MediaName:
    async with folder.receive(pieces(BODY, 16384), "x", file_field="media", owner="anna") as upload:
        name = await upload.keep(note)
        upload.leave_in_doubt()
    return name


@pytest.mark.parametrize(("needed", "left"), [(True, ["whole"]), (False, []), (None, ["whole", "note"])])
async def test_a_file_that_a_killed_server_left_in_doubt_is_decided_about(
    tmp_path: Path, needed: bool | None, left: list[str]
) -> None:
    folder = folder_of(tmp_path)
    name = await left_in_doubt(folder, "chat 1")
    asked: list[tuple[MediaName, str]] = []

    async def decide(name: MediaName, note: str) -> bool | None:
        await trio.lowlevel.checkpoint()
        asked.append((name, note))
        return needed

    await folder.sweep(decide)
    assert asked == []  # it may still be under way
    age(tmp_path, name, DOUBT_SECONDS + 1)
    await folder.sweep(decide)
    assert asked == [(name, "chat 1")]
    wanted = {"whole": name, "note": f"{name}.doubt"}
    assert sorted(files(tmp_path)) == sorted(wanted[each] for each in left)


KILLED = """
import os, signal, sys, trio
from pathlib import Path
from slysock.systems.uploads import MediaFolder
from tests.slysock.systems.uploads.test_form import part, pieces

BODY = part("media", bytes.fromhex("89504e470d0a1a0a") + bytes(600_000)) + b"--x--"

async def main():
    folder = MediaFolder(Path(sys.argv[1]), max_file_bytes=10_000_000)
    async with folder.receive(pieces(BODY, 16384), "x", file_field="media", owner="anna") as upload:
        await upload.keep("chat 1")
        os.kill(os.getpid(), signal.SIGKILL)

trio.run(main)
"""


async def test_a_file_whose_server_was_killed_before_its_message_was_stored_is_removed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / "media")]
    assert (await trio.run_process(command, check=False)).returncode == -signal.SIGKILL
    (name,) = [file for file in files(tmp_path) if not file.endswith(".doubt")]
    age(tmp_path, name, DOUBT_SECONDS + 1)

    async def decide(_: MediaName, note: str) -> bool | None:
        await trio.lowlevel.checkpoint()
        return note != "chat 1"

    await folder_of(tmp_path).sweep(decide)
    assert files(tmp_path) == []


async def test_a_store_that_does_not_answer_leaves_files_in_doubt(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = folder_of(tmp_path)
    name = await left_in_doubt(folder)
    age(tmp_path, name, DOUBT_SECONDS + 1)

    async def fail(name: MediaName, note: str) -> bool | None:
        await trio.lowlevel.checkpoint()
        raise Unavailable("later")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(folder.run, fail)
        while not caplog.records:  # noqa: ASYNC110 - the log tells nobody
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    assert "could not be removed" in caplog.text
    assert len(files(tmp_path)) == 2


@pytest.mark.parametrize(
    ("error", "is_left"), [(None, False), (NotAllowed("no"), False), (Unavailable("?"), True), (OSError("?"), True)]
)
async def test_a_file_stays_in_doubt_where_the_outcome_is_not_known(
    tmp_path: Path, error: Exception | None, is_left: bool
) -> None:
    folder = folder_of(tmp_path)
    name = await keep(folder)

    async def hold() -> None:
        async with folder.in_doubt(name, "chat 1"):
            assert sorted(files(tmp_path)) == sorted([name, f"{name}.doubt"])
            if error is not None:
                raise error

    with pytest.raises(type(error)) if error is not None else nullcontext():
        await hold()
    assert (len(files(tmp_path)) == 2) is is_left


async def test_where_no_note_can_be_made_a_file_is_still_let_go(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    name = await keep(folder)
    shutil.rmtree(tmp_path / "media" / "incoming")
    (tmp_path / "media" / "incoming").touch()
    async with folder.in_doubt(name, "chat 1"):
        await folder.remove(name)
    assert name not in files(tmp_path)
