"""How much one user may upload, in a day and in all. Pure functions on what is kept of a user.

Shape of that: `{"bytes": 1234, "day": "2026-11-27", "dayBytes": 234}`; nothing for who has uploaded nothing.
"""

from typing import Final, final

from msgspec import Struct

from slysock_store import JsonObject

from .errors import DayQuotaReached, QuotaReached

BYTES: Final = "bytes"
DAY: Final = "day"
DAY_BYTES: Final = "dayBytes"


@final
class Quotas(Struct, frozen=True, kw_only=True):
    """The most bytes of one user."""

    per_day: int
    in_all: int

    def refuse(self, kept: JsonObject | None, size: int, today: str) -> None:
        """Refuse a file that is over a quota.

        Args:
            kept: what is kept of the user.
            size: of the file, in bytes, or of what has come of it.
            today: the date, as ISO 8601 writes it.

        Raises:
            QuotaReached: together with all files of the user it is too much.
            DayQuotaReached: together with those of today it is.
        """
        if size and _number(kept, BYTES) + size > self.in_all:
            raise QuotaReached(self.in_all)
        if size and _on(kept, today) + size > self.per_day:
            raise DayQuotaReached(self.per_day)

    def with_file(self, kept: JsonObject | None, size: int, today: str) -> JsonObject:
        """Return what is to be kept with another file.

        Raises:
            QuotaReached, DayQuotaReached: see `refuse`.
        """
        self.refuse(kept, size, today)
        return {BYTES: _number(kept, BYTES) + size, DAY: today, DAY_BYTES: _on(kept, today) + size}


def without_file(kept: JsonObject | None, size: int) -> JsonObject | None:
    """Return what is to be kept without a file; that it was uploaded today still counts."""
    return None if kept is None else {**kept, BYTES: max(0, _number(kept, BYTES) - size)}


def _on(kept: JsonObject | None, today: str) -> int:
    return _number(kept, DAY_BYTES) if kept is not None and kept.get(DAY) == today else 0


def _number(kept: JsonObject | None, name: str) -> int:
    found = None if kept is None else kept.get(name)
    return found if isinstance(found, int) else 0
