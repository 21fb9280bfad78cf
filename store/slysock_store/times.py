"""Times as the records carry them, and as the backends keep them: whole milliseconds since 1970, UTC."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Returns the present time as an aware datetime; a backend calls it when it writes, possibly in another thread."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

REMEMBERED = 1_000
"""How many datetimes are cached: most times in a record are equal, and so are those of one commit."""


def system_clock() -> datetime:
    """Return the machine's current time."""
    return datetime.now(UTC)


def to_milliseconds(moment: datetime) -> int:
    """Cut an aware datetime to whole milliseconds since 1970."""
    return (moment - EPOCH) // MILLISECOND


@lru_cache(maxsize=REMEMBERED)
def from_milliseconds(milliseconds: int) -> datetime:
    """Return the aware UTC datetime for a number of milliseconds since 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)  # exact: it rounds to microseconds; half the time of adding


def maybe_from_milliseconds(milliseconds: int | None) -> datetime | None:
    """Return the datetime, or None for a time that has not come."""
    return None if milliseconds is None else from_milliseconds(milliseconds)
