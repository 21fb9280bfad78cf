"""Times as every dialect writes them."""

from datetime import UTC, datetime


def wire_time(moment: datetime) -> str:
    """Write a time as JavaScript's Date does: ISO 8601, UTC with milliseconds and a Z."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
