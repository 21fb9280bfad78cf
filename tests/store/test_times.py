"""Times are whole milliseconds, in UTC."""

from datetime import UTC, datetime, timedelta, timezone

from slysock_store.times import from_milliseconds, maybe_from_milliseconds, system_clock, to_milliseconds

MOMENT = datetime(2025, 6, 24, 14, 46, 2, 473_999, UTC)


def test_times_are_cut_to_milliseconds_and_come_back() -> None:
    assert from_milliseconds(to_milliseconds(MOMENT)) == MOMENT.replace(microsecond=473_000)
    there = MOMENT.astimezone(timezone(timedelta(hours=5, minutes=45)))
    assert to_milliseconds(there) == to_milliseconds(MOMENT)
    assert maybe_from_milliseconds(None) is None
    assert system_clock().tzinfo is UTC
