"""Files on disk, with calls that block: the caller makes them in a thread.

Only names that are made here are ever appended to a folder's path.
"""

import errno
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, NewType, final

from msgspec import Struct

from .errors import FolderBroken, NoRoom
from .kinds import KINDS, MediaKind

MediaName = NewType("MediaName", str)
"""The name of a complete file: what `mediaUrl` says and what is requested."""

INCOMING: Final = "incoming"
"""The folder of partial files, inside the folder of complete ones: one disk, so a rename moves them."""

PART: Final = ".part"
DOUBT: Final = ".doubt"
"""Ends the name of a note, in the folder of partial files, about a complete one that may be needed or not."""

FOLDER_MODE: Final = 0o700
OTHERS_MAY: Final = 0o077
SECRET_BYTES: Final = 16  # 128 bits, which nobody guesses

_KINDS: Final = {kind.extension: kind for kind in KINDS}
_NAME: Final = re.compile(rf"chat-[0-9]{{1,12}}-[0-9a-f]{{{2 * SECRET_BYTES}}}\.(?:{'|'.join(_KINDS)})", re.ASCII)
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def maybe_name(text: str) -> MediaName | None:
    """Return a text as a name if it could be one; no such name contains a slash or two dots."""
    return MediaName(text) if _NAME.fullmatch(text) else None


def make_name(kind: MediaKind) -> MediaName:
    """Make a name that nobody can guess; it contains nothing of the client's file name."""
    return MediaName(f"chat-{int(time.time())}-{secrets.token_hex(SECRET_BYTES)}.{kind.extension}")


def kind_of_name(name: MediaName) -> MediaKind:
    """Return the kind of a file, as it was when the file got its name."""
    return _KINDS[name.rpartition(".")[2]]


@final
class StoredFile(Struct, frozen=True):
    """A complete file, open for reading."""

    file: BinaryIO
    size: int


@contextmanager
def translated_disk_errors() -> Generator[None]:
    """Turn the system's errors into those that a client may be shown."""
    try:
        yield
    except OSError as error:
        raise (NoRoom() if error.errno in _FULL else FolderBroken()) from error


def open_new(path: Path) -> BinaryIO:
    """Create a file for writing; nobody else may read it, and an existing one is not touched."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    return open(descriptor, "wb", buffering=0)


def prepare(folder: Path) -> None:
    """Make the folder, keep everybody else out of it, and see that files can be put into it.

    Raises:
        OSError: they cannot.
    """
    _make_folders(folder)
    for made in (folder, folder / INCOMING):
        _keep_others_out(made)
    part = begin(folder)
    try:
        with open_new(part) as file:
            write_all(file, b"\0")
            os.fsync(file.fileno())
        part.rename(folder / part.name)
    finally:
        part.unlink(missing_ok=True)
        (folder / part.name).unlink(missing_ok=True)


def _make_folders(folder: Path) -> None:
    for path in (folder, folder / INCOMING):  # one by one: the mode is that of the last one that mkdir makes
        path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)


def _keep_others_out(folder: Path) -> None:
    """Take others' rights in a folder away, unless it is everybody's, as /tmp is, or not ours to change.

    The files in it are closed to others in any case.
    """
    mode = folder.stat().st_mode
    if mode & OTHERS_MAY and not mode & stat.S_ISVTX:
        with suppress(PermissionError):
            folder.chmod(FOLDER_MODE)


def free_bytes(folder: Path) -> int | None:
    """Return what is free on the disk of a folder, or of where it will be made; None if nothing can be put there."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free if os.access(there, os.W_OK | os.X_OK) else None


def begin(folder: Path) -> Path:
    """Return the path of a new partial file, in a folder that is created if missing."""
    _make_folders(folder)
    return folder / INCOMING / f"{secrets.token_hex(SECRET_BYTES)}{PART}"


def write_all(file: BinaryIO, data: bytes) -> None:
    """Write all of some bytes; a raw file may take fewer than it is given."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def settle(file: BinaryIO, part: Path, whole: Path) -> None:
    """Turn a partial file into a complete one that survives a power cut."""
    os.fsync(file.fileno())
    file.close()
    part.rename(whole)
    _sync_folder(whole.parent)


def open_whole(path: Path) -> StoredFile:
    """Open a complete file."""
    file = open(path, "rb", buffering=0)  # noqa: SIM115 - whoever called closes it
    return StoredFile(file, os.fstat(file.fileno()).st_size)


def note_doubt(folder: Path, name: MediaName, note: str) -> Path:
    """Make a note, which survives a power cut, that a complete file may or may not be needed."""
    _make_folders(folder)
    path = folder / INCOMING / f"{name}{DOUBT}"
    with open_new(path) as file:
        write_all(file, note.encode())
        os.fsync(file.fileno())
    _sync_folder(path.parent)
    return path


def doubts(folder: Path, older_than_seconds: float) -> list[tuple[MediaName, str]]:
    """List the complete files that were left in doubt so long ago, each with its note."""
    oldest = time.time() - older_than_seconds
    found: list[tuple[MediaName, str]] = []
    for path in (folder / INCOMING).glob(f"*{DOUBT}"):
        name = maybe_name(path.name.removesuffix(DOUBT))
        with suppress(FileNotFoundError):  # another process sweeps, too
            if name is not None and path.stat().st_mtime < oldest:
                found.append((name, path.read_text()))
    return found


def forget_doubt(folder: Path, name: MediaName) -> None:
    """Remove the note about a file."""
    (folder / INCOMING / f"{name}{DOUBT}").unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep(folder: Path, older_than_seconds: float) -> int:
    """Remove partial files that nobody has written to for this long; return how many."""
    removed = 0
    oldest = time.time() - older_than_seconds
    for part in (folder / INCOMING).glob(f"*{PART}"):
        try:
            if part.stat().st_mtime < oldest:
                part.unlink()
                removed += 1
        except FileNotFoundError:  # another process sweeps, too
            continue
    return removed
