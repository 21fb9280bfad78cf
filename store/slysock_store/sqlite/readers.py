"""Reader connections in worker threads: the loop never waits for a page of the database."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar, TypeVarTuple, final

import trio

from slysock_store.errors import StoreClosed

from .connection import connect_reader, mapped
from .files import DatabaseFiles

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MAX_READERS = 4
"""Reads at once, each in a thread with a connection of its own. Reads are short; more threads only share the cores."""

READ_SECONDS = 4.0
"""How long a statement may read. While it does, the log cannot be written back beyond what it sees."""

STEPS_BETWEEN_LOOKS = 100_000
"""Steps of SQLite's machine before it looks at the clock: about a millisecond."""

CLOSE_DEADLINE_SECONDS = 30.0
"""How long closing waits for reads that have begun: several busy timeouts."""


@final
class Readers:
    """A pool of connections; owns them. When all are in use, a read waits its turn, and can be cancelled there.

    Args:
        path: the database.
        where: its name for messages.
        files: to see that the database is still there.
        seconds: how long a statement may read.
    """

    def __init__(
        self, path: Path, *, where: str, files: DatabaseFiles | None = None, seconds: float = READ_SECONDS
    ) -> None:
        self._path = path
        self._where = where
        self._files = files
        self._seconds = seconds
        self._idle: list[sqlite3.Connection] = []  # append and pop are atomic
        self._limiter = trio.CapacityLimiter(MAX_READERS)
        self._is_closed = False

    async def read(self, operation: Callable[[sqlite3.Connection, *Ts], T], *args: *Ts) -> T:
        """Run a read in a transaction that sees all that was committed. Once begun it is not cancelled.

        Raises:
            StoreClosed: after `aclose`.
            StoreUnavailable: the database failed, is lost or did not answer in time.
        """
        if self._is_closed:
            raise StoreClosed("the store is closed")
        return await trio.to_thread.run_sync(self._run, operation, *args, limiter=self._limiter)

    async def aclose(self) -> None:
        """Close the connections, after the reads that are under way."""
        self._is_closed = True
        with trio.move_on_after(CLOSE_DEADLINE_SECONDS, shield=True):
            for _ in range(MAX_READERS):
                await self._limiter.acquire_on_behalf_of(object())
        while self._idle:
            self._idle.pop().close()

    # What follows runs in a worker thread.

    def _run(self, operation: Callable[[sqlite3.Connection, *Ts], T], *args: *Ts) -> T:
        if self._files is not None:
            self._files.refuse_lost()
        connection = self._idle_or_new()
        try:
            connection.set_progress_handler(partial(_is_past, time.monotonic() + self._seconds), STEPS_BETWEEN_LOOKS)
            return read_within(connection, self._where, operation, *args)
        finally:
            self._idle.append(connection)

    def _idle_or_new(self) -> sqlite3.Connection:
        try:
            return self._idle.pop()
        except IndexError:
            pass
        try:
            return connect_reader(self._path)
        except sqlite3.Error as error:
            raise mapped(error, self._where) from error


def _is_past(deadline: float) -> bool:
    return time.monotonic() > deadline


def read_within(
    connection: sqlite3.Connection, where: str, operation: Callable[[sqlite3.Connection, *Ts], T], *args: *Ts
) -> T:
    """Run a read in a transaction of its own, with SQLite's errors mapped."""
    try:
        connection.execute("BEGIN")
        return operation(connection, *args)
    except (sqlite3.Error, UnicodeError, OverflowError) as error:
        raise mapped(error, where) from error
    finally:
        with suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
