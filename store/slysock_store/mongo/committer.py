"""How several writes become one transaction of MongoDB and still fail alone, and when it is retried.

    attempt ── a write fails in memory ──────────→ it is dropped alone, the others go on
       │ ───── a write fails that sent commands ─→ the transaction is given up; attempt again without it
       │ ───── conflict, election, lost node ────→ nothing was written: attempt again, within the deadline
       ↓
    commit ─── answer lost ──────────────────────→ ask again, within the deadline; past it the outcome is unknown

https://github.com/mongodb/specifications/blob/master/source/transactions/transactions.md has the rules for drivers.
"""

import time
from collections.abc import Sequence
from typing import final

import pymongo
from pymongo.client_session import ClientSession
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

from slysock_store.group_commit import Write, as_failed_transaction
from slysock_store.ids import IdGenerator
from slysock_store.times import Clock, to_milliseconds

from .connection import DURABLE, Connection
from .failures import UNKNOWN, is_own_fault, mapped, may_try_transaction_again
from .layout import Snapshot
from .orphans import IDLE_SECONDS, end_orphans
from .sending import read_ahead
from .transaction import Batch, Transaction

TRANSACTION_SECONDS = 6.0
"""How long all attempts at one transaction may take, including the search for a primary: an election takes seconds.
Short enough that a write which waits behind a failing one gets its turn within `WRITE_DEADLINE_SECONDS`."""

FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.5
"""Pauses between attempts, each twice the last: another process's transaction needs some milliseconds to end."""


SNAPSHOT = ReadConcern("snapshot")
"""A transaction reads everything as of one moment."""


class GivenUp(Exception):
    """A write failed after it had sent commands: it has its outcome, and the transaction is repeated without it."""


@final
class Deadline:
    """What is left of the time for a transaction."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds
        self._pause = FIRST_PAUSE_SECONDS

    @property
    def remaining_seconds(self) -> float:
        """Return the time that is left; 0 when it is used up."""
        return max(0.0, self._at - time.monotonic())

    def allows_another(self) -> bool:
        """Pause before another attempt; return False, at once, if there is no time for one."""
        if self.remaining_seconds <= self._pause:
            return False
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
        return True


@final
class MongoCommitter:
    """Carries writes into the database. Belongs to the writer thread; owns the connection."""

    def __init__(self, connection: Connection, *, clock: Clock, seconds: float = TRANSACTION_SECONDS) -> None:
        self._connection = connection
        self._seconds = seconds
        self._clock = clock
        self._ids = IdGenerator()
        self._writes = 0
        self._commits = 0
        self._look_at = 0.0  # for orphans; time.monotonic

    @property
    def writes(self) -> int:
        """Writes that were committed."""
        return self._writes

    @property
    def commits(self) -> int:
        """Transactions that carried them."""
        return self._commits

    @property
    def files(self) -> None:
        """None: they are the server's."""
        return None

    def commit(self, writes: Sequence[Write[Transaction, object]]) -> None:
        """Do the writes in one durable transaction; each has its outcome afterwards."""
        deadline = Deadline(self._seconds)
        while remaining := [write for write in writes if write.error is None]:
            try:
                self._attempt(remaining, deadline)
            except GivenUp:
                continue
            except PyMongoError as error:
                if may_try_transaction_again(error) and deadline.allows_another():
                    self._look_for_orphans()
                    continue
                self._fail(remaining, error)
            except Exception as error:  # a task boundary: it belongs to the tasks that wait, the thread lives on
                self._fail(remaining, error)
            else:
                self._commits += 1
                self._writes += sum(write.error is None for write in remaining)
            return

    def _look_for_orphans(self) -> None:
        """End what may be in the way, but not for each conflict: with servers that are there they are common."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + IDLE_SECONDS / 2
            end_orphans(self._connection.client)

    def rest(self) -> None:
        """Do nothing: the server looks after itself."""

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _fail(self, writes: Sequence[Write[Transaction, object]], error: Exception) -> None:
        is_unknown = isinstance(error, PyMongoError) and error.has_error_label(UNKNOWN)
        told = mapped(error, self._connection.where)
        for write in writes:
            write.fail(_caused(as_failed_transaction(told, outcome_unknown=is_unknown), error))

    def _attempt(self, writes: Sequence[Write[Transaction, object]], deadline: Deadline) -> None:
        with (
            pymongo.timeout(deadline.remaining_seconds),
            self._connection.client.start_session() as session,
            session.start_transaction(read_concern=SNAPSHOT, write_concern=DURABLE),
        ):
            self._run(writes, session)
            _commit(session, deadline)

    def _run(self, writes: Sequence[Write[Transaction, object]], session: ClientSession) -> None:
        batch = Batch(Snapshot(collections=self._connection.collections, session=session), self._ids)
        read_ahead(batch, (argument for write in writes for argument in write.args))
        for write in writes:
            self._run_one(batch, write)
        batch.flush()

    def _run_one(self, batch: Batch, write: Write[Transaction, object]) -> None:
        tx = Transaction(batch, now=to_milliseconds(self._clock()))
        try:
            write.run(tx)
        except PyMongoError as error:
            if not is_own_fault(error):
                raise
            write.fail(_caused(mapped(error, self._connection.where), error))
            raise GivenUp from error
        except Exception as error:
            write.fail(_caused(mapped(error, self._connection.where), error))
            if tx.has_sent:
                raise GivenUp from error
        else:
            tx.keep()


def _commit(session: ClientSession, deadline: Deadline) -> None:
    while True:
        try:
            session.commit_transaction()
        except PyMongoError as error:
            if not (error.has_error_label(UNKNOWN) and deadline.allows_another()):
                raise
        else:
            return


def _caused(error: Exception, cause: Exception) -> Exception:
    if error is not cause:
        error.__cause__ = cause
    return error
