"""One server owns a database file: two would each be blind to the other's clients, and to what the other has cached.

The lock is a file beside the database, `chat.db.lock`, that the owner holds by flock(2). So it ends with its process,
however that ends; the file stays. Backups, checks and shells, which only read, need no lock.
"""

import fcntl
import logging
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import trio

from slysock_store.errors import StoreInUse, StoreUnavailable

logger = logging.getLogger("slysock.store")

TRY_SECONDS: Final = 0.1
"""Between attempts: a lock that is let go wakes nobody who also has a deadline."""


def lock_file(path: Path) -> Path:
    """Return the lock of a database file, which is one whatever links lead to it."""
    real = path.resolve()
    return real.with_name(f"{real.name}.lock")


@asynccontextmanager
async def owned(path: Path, *, where: str, wait_seconds: float = 0.0) -> AsyncGenerator[None, None]:
    """Own a database file for the block.

    Args:
        path: the database; its folder exists.
        where: its name for messages.
        wait_seconds: how long to wait for another owner to end.

    Raises:
        StoreInUse: another process owned it all that time.
        StoreUnavailable: the lock cannot be made.
    """
    descriptor = _open(lock_file(path))
    try:
        await _take(descriptor, where, wait_seconds)
        _sign(descriptor)
        yield
    finally:
        os.close(descriptor)


def _open(lock: Path) -> int:
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnavailable(f"cannot open {lock}: {error.strerror}") from error


async def _take(descriptor: int, where: str, wait_seconds: float) -> None:
    if _try(descriptor):
        return
    if wait_seconds:
        logger.warning("%s; waiting for up to %g s", StoreInUse(where, _owner(descriptor)), wait_seconds)
    with trio.move_on_after(wait_seconds):
        while not _try(descriptor):  # noqa: ASYNC110 - see TRY_SECONDS
            await trio.sleep(TRY_SECONDS)
        return
    raise StoreInUse(where, _owner(descriptor))


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(descriptor: int) -> None:
    """Say who we are to those who find the lock taken."""
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()} on {os.uname().nodename} since {now}\n".encode(), 0)


def _owner(descriptor: int) -> str:
    """Return what the owner has said of itself; it may be about to."""
    return os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "another process"
