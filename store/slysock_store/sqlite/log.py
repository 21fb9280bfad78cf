"""The log beside the database: kept small, whoever reads.

The log can only begin anew when all of it has been written back and nobody reads from it any more. SQLite sees to that
at each commit, unless somebody holds an old snapshot for long: then the log grows. Our own readers hold none for longer
than seconds; a shell or a backup may.
"""

import logging
import sqlite3
import time
from contextlib import suppress
from typing import Final, final

from .connection import BUSY_TIMEOUT_MILLISECONDS, LOG_BYTES
from .files import DatabaseFiles

logger = logging.getLogger("slysock.store")

LARGE_LOG_BYTES: Final = 2 * LOG_BYTES
TRY_SECONDS: Final = 1.0
"""Between attempts to cut a large log."""

HELD_SECONDS: Final = 6.0
"""After so long it is not one of our own readers that keeps the log from being cut."""


@final
class Log:
    """Cuts the log when it has grown large, as soon as nobody reads from it. Belongs to the writer's thread."""

    def __init__(self, connection: sqlite3.Connection, files: DatabaseFiles, *, where: str) -> None:
        self._connection = connection
        self._files = files
        self._where = where
        self._large_since: float | None = None  # time.monotonic, as the next two
        self._try_at = 0.0
        self._is_told = False

    def tend(self) -> None:
        """Cut the log if it is large. Call between transactions, after `DatabaseFiles.look`."""
        if self._files.log_bytes <= LARGE_LOG_BYTES:
            if self._large_since is not None:
                self._end()
            return
        now = time.monotonic()
        if self._large_since is None:
            self._large_since = now
        if now >= self._try_at:
            self._try_at = now + TRY_SECONDS
            self._cut()
            self._tell(now - self._large_since)

    def _cut(self) -> None:
        """Write the log back and empty it, unless somebody reads from it."""
        with suppress(sqlite3.Error):  # SQLite tries again at the next commit
            self._connection.execute("PRAGMA busy_timeout = 0")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        self._connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}")
        self._files.look()

    def _tell(self, large_seconds: float) -> None:
        if self._files.log_bytes <= LARGE_LOG_BYTES:
            self._end()
        elif large_seconds >= HELD_SECONDS and not self._is_told:
            self._is_told = True
            logger.warning(
                "the log of %s has grown to %d MB: another program has been reading the database for long, and the log "
                "cannot be cut until it ends",
                self._where,
                self._files.log_bytes // 1_000_000,
            )

    def _end(self) -> None:
        if self._is_told:
            logger.warning("the log of %s is small again", self._where)
        self._large_since, self._is_told = None, False
