"""How a database file comes to a version, and which servers use it: `slysock_store.formats` on SQLite.

The version is in `PRAGMA user_version`, whose change is part of a transaction like any other.
"""

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import final
from uuid import uuid4

from slysock_store.errors import BadStoreUrl, SchemaTooNew
from slysock_store.formats import SILENT_SECONDS, Format
from slysock_store.times import Clock, to_milliseconds

from .connection import mapped
from .schema import APPLICATION_ID, MIGRATIONS, SERVERS, Migration

CREATE_FINISHED = "CREATE TABLE IF NOT EXISTS finished (version INTEGER NOT NULL)"
SELECT_FINISHED = "SELECT max(version) FROM finished"
INSERT_FINISHED = "INSERT INTO finished (version) VALUES (?)"
DELETE_SILENT = "DELETE FROM servers WHERE abs(beat_at - ?) > ?"
UPSERT_SERVER = "INSERT OR REPLACE INTO servers (id, knows, writes, beat_at) VALUES (?, ?, ?, ?)"
SELECT_OTHERS = "SELECT knows, writes FROM servers WHERE id <> ?"
DELETE_SERVER = "DELETE FROM servers WHERE id = ?"


@final
class SqliteLedger:
    """One server's entry in a database. Uses the connection of the writer, which it does not own."""

    def __init__(
        self, connection: sqlite3.Connection, *, where: str, clock: Clock, migrations: Sequence[Migration] = MIGRATIONS
    ) -> None:
        self._connection = connection
        self._where = where
        self._clock = clock
        self._migrations = migrations
        self._id = uuid4().hex

    def beat(self) -> Format:
        """See `Ledger.beat`."""
        with self._transaction():
            version = self._known_version()
            others = self._others()
            knows = len(self._migrations)
            writes = max(version, min([knows, *(known for known, _ in others)]))
            self._claim(version, writes)
            now = to_milliseconds(self._clock())
            self._connection.execute(UPSERT_SERVER, (self._id, knows, writes, now))
            (finished,) = self._connection.execute(SELECT_FINISHED).fetchone()
        may_convert = all(written >= writes for _, written in others)
        return Format(writes=writes, finished=finished or 0, may_convert=may_convert)

    def convert(self) -> None:
        """See `Ledger.convert`."""
        version = _pragma(self._connection, "user_version")
        with _told(self._where):
            for migration in self._migrations[:version]:
                if migration.convert is not None:
                    migration.convert(self._connection)
            self._connection.execute(INSERT_FINISHED, (version,))

    def leave(self) -> None:
        """See `Ledger.leave`."""
        with suppress(sqlite3.Error):
            self._connection.execute(DELETE_SERVER, (self._id,))

    @contextmanager
    def _transaction(self) -> Generator[None]:
        with _told(self._where):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _known_version(self) -> int:
        self._refuse_foreign()
        version = _pragma(self._connection, "user_version")
        if version > len(self._migrations):
            raise SchemaTooNew(where=self._where, found=version, supported=len(self._migrations))
        return version

    def _refuse_foreign(self) -> None:
        if _pragma(self._connection, "application_id") == APPLICATION_ID:
            return
        (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if tables > 0:
            raise BadStoreUrl(f"{self._where} is the database of another program")

    def _others(self) -> list[tuple[int, int]]:
        """Return what each other server that beats knows and writes; forget those that are silent."""
        self._connection.execute(SERVERS)
        self._connection.execute(CREATE_FINISHED)
        now = to_milliseconds(self._clock())
        self._connection.execute(DELETE_SILENT, (now, SILENT_SECONDS * 1000))
        return self._connection.execute(SELECT_OTHERS, (self._id,)).fetchall()

    def _claim(self, version: int, writes: int) -> None:
        for migration in self._migrations[version:writes]:
            for statement in migration.statements:
                self._connection.execute(statement)
        if version < writes:
            self._connection.execute(f"PRAGMA user_version = {writes}")
            self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def refuse_unknown(connection: sqlite3.Connection, where: str) -> None:
    """Refuse a database that is not ours, or one of a newer version.

    Raises:
        SchemaTooNew, BadStoreUrl, sqlite3.Error: see `Ledger.beat`.
    """
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise BadStoreUrl(f"{where} is not one of slysock")
    version = _pragma(connection, "user_version")
    if version > len(MIGRATIONS):
        raise SchemaTooNew(where=where, found=version, supported=len(MIGRATIONS))


@contextmanager
def _told(where: str) -> Generator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise mapped(error, where) from error


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    row: tuple[int] = connection.execute(f"PRAGMA {name}").fetchone()
    return row[0]
