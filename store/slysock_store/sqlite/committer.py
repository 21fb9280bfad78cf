"""How several writes become one transaction of SQLite and still fail alone. Knows neither threads nor tasks."""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from typing import final

from slysock_store.errors import StoreUnavailable
from slysock_store.group_commit import Write, as_failed_transaction
from slysock_store.ids import IdGenerator
from slysock_store.models import StoreFiles
from slysock_store.times import Clock, to_milliseconds

from .connection import mapped, primary_code
from .files import DatabaseFiles
from .known_chats import KnownChats
from .log import Log
from .transaction import Transaction


@final
class SqliteCommitter:
    """Carries writes into the database, many to a transaction. Owned by one thread at a time; owns its connection.

    A write that fails is undone alone. When the database fails (disk full, lock, I/O) and SQLite aborts the
    transaction, every write in it fails.

    Nearly every write succeeds or fails before it has changed anything, so there is nothing to undo and no savepoint is
    set, which saves a quarter of a small write. Where there is something to undo, the transaction begins anew with a
    savepoint for each write.

    Args:
        connection: the writer's.
        where: the database's name for messages.
        clock: returns the times for records.
        files: those of the database; None for one in memory, which has none.
    """

    def __init__(
        self, connection: sqlite3.Connection, *, where: str, clock: Clock, files: DatabaseFiles | None = None
    ) -> None:
        self._connection = connection
        self._where = where
        self._clock = clock
        self._files = files
        self._log = None if files is None else Log(connection, files, where=where)
        self._ids = IdGenerator()
        self._chats = KnownChats()
        self._version = -1  # changes when another connection has written
        self.writes = 0
        self.commits = 0

    @property
    def connection(self) -> sqlite3.Connection:
        """Return the connection, for the thread that owns the committer."""
        return self._connection

    @property
    def chats(self) -> KnownChats:
        """Return the chats that are known, for the same thread."""
        return self._chats

    @property
    def files(self) -> StoreFiles | None:
        """The database's files, as they were when they were last looked at; for any thread."""
        return None if self._files is None else self._files.seen()

    def commit(self, writes: Sequence[Write[Transaction, object]]) -> None:
        """Do the writes in one durable transaction; each has its outcome afterwards."""
        is_ending = False
        try:
            tx = self._begin()
            if not self._run_plainly(tx, writes):
                self._connection.execute("ROLLBACK")
                self._chats.clear()
                tx = self._begin()
                for write in writes:
                    self._run_within_savepoint(tx, write)
            is_ending = True
            self._connection.execute("COMMIT")
            self._look_after()
        except Exception as error:
            # A task boundary: the exception belongs to the tasks that wait, and the thread must live for later ones.
            self._abandon(writes, error, outcome_unknown=is_ending and _may_be_written(error))
        else:
            self.commits += 1
            self.writes += sum(write.error is None for write in writes)

    def _look_after(self) -> None:
        """Refuse to acknowledge what went into files that are lost; keep the log small."""
        if self._files is not None and self._log is not None:
            self._files.refuse_lost()
            self._files.look()
            self._log.tend()

    def rest(self) -> None:
        """Look after the files while nothing is written."""
        with suppress(StoreUnavailable):  # it is in the log, and whoever writes next is told
            self._look_after()

    def _begin(self) -> Transaction:
        if self._files is not None:
            self._files.look()  # others fill the disk, too
            if self._files.is_lost:
                self._files.refuse_lost()
        self._connection.execute("BEGIN IMMEDIATE")
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._version:
            self._version = version
            self._chats.clear()
        now = to_milliseconds(self._clock())
        return Transaction(connection=self._connection, now=now, ids=self._ids, chats=self._chats, files=self._files)

    def _run_plainly(self, tx: Transaction, writes: Sequence[Write[Transaction, object]]) -> bool:
        """Do the writes without savepoints; return False as soon as one fails that has changed something."""
        for write in writes:
            before = self._connection.total_changes
            try:
                write.run(tx)
            except Exception as error:
                if not self._connection.in_transaction:
                    raise
                if self._connection.total_changes != before:
                    return False
                write.fail(self._told(error))
        return True

    def _run_within_savepoint(self, tx: Transaction, write: Write[Transaction, object]) -> None:
        self._connection.execute("SAVEPOINT write")
        try:
            write.run(tx)
        except Exception as error:
            if not self._connection.in_transaction:
                raise
            self._connection.execute("ROLLBACK TO write")
            self._chats.clear()
            write.fail(self._told(error))
        self._connection.execute("RELEASE write")

    def _told(self, error: Exception) -> Exception:
        return _caused(mapped(error, self._where), error)

    def _abandon(
        self, writes: Sequence[Write[Transaction, object]], error: Exception, *, outcome_unknown: bool
    ) -> None:
        self._chats.clear()
        told = mapped(error, self._where)
        for write in writes:
            write.fail(_caused(as_failed_transaction(told, outcome_unknown=outcome_unknown), error))
        # Should this fail too, SQLite rolls back by itself when it next needs to; the writes have failed either way.
        with suppress(sqlite3.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection; SQLite writes the log back into the database."""
        self._connection.close()


def _may_be_written(error: Exception) -> bool:
    """Tell whether a commit may have reached the disk although it failed."""
    if isinstance(error, sqlite3.Error):
        return primary_code(error) == sqlite3.SQLITE_IOERR
    return isinstance(error, StoreUnavailable)  # the files are lost; they may be put back


def _caused(error: Exception, cause: Exception) -> Exception:
    if error is not cause:
        error.__cause__ = cause
    return error
