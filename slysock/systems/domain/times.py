"""Times as every dialect writes them."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

REMEMBERED: Final = 1_000
"""How many texts are cached: messages that are stored together have the same time."""


@lru_cache(maxsize=REMEMBERED)
def wire_time(moment: datetime) -> str:
    """Write a time as JavaScript's Date does: ISO 8601, UTC with milliseconds and a Z."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"  # instead of +00:00
