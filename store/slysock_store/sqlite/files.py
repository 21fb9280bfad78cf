"""The files of an open database: whether they are still those that were opened, and what room their disk has.

A connection goes on with a file that was removed or replaced under its name, and all that is written to it is lost with
the connection. So the names are looked up anew with each transaction.
"""

import logging
import os
from pathlib import Path
from typing import final

from slysock_store.errors import StoreFull, StoreUnavailable
from slysock_store.models import StoreFiles

logger = logging.getLogger("slysock.store")


def free_bytes(folder: Path | str) -> int:
    """Return how much of the disk of a folder may still be used, by others than the system's own user.

    Raises:
        OSError: it cannot be told.
    """
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


@final
class DatabaseFiles:
    """What is known of the files of a database that has just been opened in WAL mode. One thread at a time may `look`.

    Args:
        path: the database.
        where: its name for messages.
        min_free_bytes: with less than this on the disk, nothing new is stored.

    Attributes:
        is_lost: the files were not there when that was last checked.
        log_bytes: the size of the log beside the database.
        free_bytes: what is free on the disk.
    """

    def __init__(self, path: Path, *, where: str, min_free_bytes: int = 0) -> None:
        self._where = where
        self._min_free_bytes = min_free_bytes
        real = os.path.realpath(path)  # SQLite follows links, and has the other two beside what they lead to
        self._folder = os.path.dirname(real)
        self._log = f"{real}-wal"
        self._names = (os.path.abspath(path), self._log, f"{real}-shm")
        self._opened = [_identity(name) for name in self._names]
        self.is_lost = False
        self.log_bytes = 0
        self.free_bytes = min_free_bytes
        self.look()

    @property
    def has_room(self) -> bool:
        """Whether something new may be stored."""
        return self.free_bytes >= self._min_free_bytes

    def seen(self) -> StoreFiles:
        """Return what was seen last. Safe in any thread."""
        return StoreFiles(
            log_bytes=self.log_bytes, free_bytes=self.free_bytes, has_room=self.has_room, is_lost=self.is_lost
        )

    def refuse_lost(self) -> None:
        """Refuse to go on with files that are no longer there under their names. Safe in any thread.

        Raises:
            StoreUnavailable: they are not.
        """
        is_lost = any(_identity(name) != opened for name, opened in zip(self._names, self._opened, strict=True))
        if is_lost is not self.is_lost:
            self.is_lost = is_lost
            say = logger.critical if is_lost else logger.warning
            say("%s %s", self._where, "was removed or replaced while it was in use" if is_lost else "is there again")
        if is_lost:
            raise StoreUnavailable(f"{self._where} was removed or replaced while it was in use")

    def refuse_growth(self) -> None:
        """Refuse to store something new while the disk has less room than is kept free.

        Raises:
            StoreFull: it has.
        """
        if not self.has_room:
            raise StoreFull(f"the disk of {self._where} has less than {self._min_free_bytes} bytes free")

    def look(self) -> None:
        """See how large the log is, and what room there is: a disk may fill within a second."""
        try:
            self.log_bytes = os.stat(self._log).st_size
            self._see_room(free_bytes(self._folder))
        except OSError:
            logger.debug("the disk of %s cannot be looked at", self._where, exc_info=True)

    def _see_room(self, found: int) -> None:
        had_room, self.free_bytes = self.has_room, found
        if self.has_room is not had_room:
            state = "has room again" if self.has_room else "is nearly full: nothing new is stored"
            logger.warning("the disk of %s %s (%d MB free)", self._where, state, found // 1_000_000)


def _identity(name: str) -> tuple[int, int] | None:
    """Tell files of one name apart; None if there is none."""
    try:
        found = os.stat(name)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
