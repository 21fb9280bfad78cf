"""Which format a database has, and when it may become another: servers of two versions can share one database.

Every server beats: it writes into the database every few seconds that it is there and the newest format that it knows.

    older format ── a server beats that knows no newer one ──→ it stays; newer servers write the older format as well
         │ ──────── all that beat know a newer one ──────────→ it is claimed: from now on older servers are refused
         ↓
    newer format ── another that beats still writes the older → nothing yet: it writes the newer one from its next beat
         │ ──────── all that beat write the newer one ───────→ what was written in the older one is converted
         ↓
    finished

A conversion goes on where it was left, whoever left it. A server that has not beaten for some time counts as gone; it
beats before it writes again, and learns there that it has been left behind.

Knows no database: a ledger is a backend's part.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, final

import msgspec
import trio

from .errors import SchemaTooNew, StoreError, StoreUnavailable

BEAT_SECONDS: Final = 5.0
"""How often a server beats."""

SILENT_SECONDS: Final = 30.0
"""After this time without a beat a server counts as gone: several beats, and longer than an election takes."""

WAIT_SECONDS: Final = 60.0
"""How long opening waits for servers of an older version that still beat."""

PAUSE_SECONDS: Final = 0.5
"""The pause between looks while it waits."""


@final
class Format(msgspec.Struct, frozen=True, kw_only=True):
    """The format of a database as one beat has found it."""

    writes: int
    """What is to be written."""
    finished: int
    """Everything in the database is at least of this format."""
    may_convert: bool
    """Whether all other servers that beat write this format."""


class Ledger(Protocol):
    """A server's entry in the database, and the way to another format."""

    def beat(self) -> Format:
        """Beat, and claim the newest format that all who beat know; all of this or nothing of it.

        Raises:
            SchemaTooNew: the database has a format that this version does not know.
            StoreError: the database failed, or is not ours.
        """
        ...

    def convert(self) -> None:
        """Convert what is of an older format, and remember that this is finished; nothing to do is no error.

        Raises:
            StoreError: the database failed; the next call goes on.
        """
        ...

    def leave(self) -> None:
        """Take the entry back, if the database allows it. Never raises."""
        ...


@final
class Heartbeat:
    """Beats for one server. Belongs to one thread at a time.

    Args:
        ledger: where to.
        now: the seconds of a clock that never goes back.
    """

    def __init__(self, ledger: Ledger, *, now: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._now = now
        self._due = self._last = now()
        self._writes = 0
        self._behind: SchemaTooNew | None = None

    @property
    def writes(self) -> int:
        """Return the format to be written, as of the last beat; 0 before the first."""
        return self._writes

    @property
    def seconds_left(self) -> float:
        """Return the time until the next beat is due."""
        return max(0.0, self._due - self._now())

    def beat(self) -> Format:
        """Beat, and convert what may be converted; return the format as it is then.

        Raises:
            SchemaTooNew, StoreError: see `Ledger.beat` and `Ledger.convert`.
        """
        found = self._ledger.beat()
        self._writes = found.writes
        if found.finished < found.writes and found.may_convert:
            self._ledger.convert()
            found = msgspec.structs.replace(found, finished=found.writes)
        self._last = self._now()
        self._due = self._last + BEAT_SECONDS
        return found

    def refusal(self) -> StoreError | None:
        """Beat if it is time; return why nothing may be written now, or None.

        After a silence others may count this server as gone, and write what it does not know: then it must beat first.
        """
        now = self._now()
        is_silent = now - self._last >= SILENT_SECONDS
        if self._behind is None and (is_silent or now >= self._due):
            self._due = now + BEAT_SECONDS
            try:
                self.beat()
            except SchemaTooNew as error:
                self._behind = error
            except StoreError as error:
                return error if is_silent else None
        return self._behind

    def leave(self) -> None:
        """See `Ledger.leave`."""
        self._ledger.leave()


async def wait_readable(beat: Callable[[], Awaitable[Format]], *, oldest: int, where: str) -> None:
    """Beat until everything in the database has a format that this version can read, `oldest` or newer.

    Raises:
        SchemaTooNew, StoreError: see `Heartbeat.beat`.
        StoreUnavailable: servers of an older version still beat.
    """
    with trio.move_on_after(WAIT_SECONDS):
        while True:
            if (await beat()).finished >= oldest:
                return
            await trio.sleep(PAUSE_SECONDS)  # nothing in this process tells when another leaves
    raise StoreUnavailable(f"{where} is in use by servers of an older version; stop them first")
