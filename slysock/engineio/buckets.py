"""Token buckets: how much of something may be done on average, and how much of it at once.

A bucket is one number: the time at which it will be full again (the "theoretical arrival time" of ITU-T I.371's cell
rate algorithm). It costs no task and no timer, and whoever has not been heard of for long needs none.
"""

from typing import Final, final

import msgspec

MAX_KEYS: Final = 32_768
"""So many buckets by name that are in use, and as many that have rested, take some 15 MB."""

ROUNDING_SECONDS: Final = 1e-6
"""Sums of floats miss what is meant by less. It is far below what anything here costs but bytes."""


@final
class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """How much a bucket takes.

    Attributes:
        per_second: on average.
        burst_seconds: what of it was not used in so many seconds may be used at once.
    """

    per_second: float
    burst_seconds: float

    @property
    def burst(self) -> float:
        """What a full bucket holds."""
        return self.per_second * self.burst_seconds

    def seconds_for(self, amount: float) -> float:
        """Say in what time so much comes in; what is more than a full bucket counts as that."""
        return min(amount / self.per_second, self.burst_seconds)


@final
class Bucket:
    """What one client, user or address may still do. Full at first."""

    __slots__ = ("_full_at", "rate")

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._full_at = 0.0

    def level(self, now: float) -> float:
        """Say how much may be taken now; negative for one who has taken more than there was."""
        return self.rate.per_second * (self.rate.burst_seconds - max(self._full_at - now, 0.0))

    def take(self, amount: float, now: float) -> float:
        """Take something if there is enough; return how many seconds that will take, 0.0 where it has been taken.

        More than a full bucket holds counts as a full one.
        """
        full_at = self._full_after(amount, now)
        missing_seconds = full_at - now - self.rate.burst_seconds
        if missing_seconds > ROUNDING_SECONDS:
            return missing_seconds
        self._full_at = full_at
        return 0.0

    def spend(self, amount: float, now: float) -> float:
        """Take something, also what is not there; return by how many seconds it was too much.

        So whoever does not stop gets ever deeper into debt: down to another burst, and no deeper.
        """
        full_at = self._full_after(amount, now)
        self._full_at = min(full_at, now + 2 * self.rate.burst_seconds)
        missing_seconds = full_at - now - self.rate.burst_seconds
        return missing_seconds if missing_seconds > ROUNDING_SECONDS else 0.0

    def put_back(self, amount: float) -> None:
        """Return something that was taken and not used."""
        self._full_at -= self.rate.seconds_for(amount)

    def _full_after(self, amount: float, now: float) -> float:
        return max(self._full_at, now) + self.rate.seconds_for(amount)


@final
class Buckets:
    """A bucket for each name.

    Bounds: `MAX_KEYS` twice. Those that have had the time to become full are forgotten, which changes nothing; where
    there are too many others, those go that were used the longest ago.
    """

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._recent: dict[str, Bucket] = {}
        self._older: dict[str, Bucket] = {}  # not used since the two changed places last
        self._changed_at = 0.0

    def __len__(self) -> int:
        return len(self._recent) + len(self._older)

    def of(self, key: str, now: float) -> Bucket:
        """Return a bucket, to be used at once and not to be kept."""
        if now - self._changed_at >= 2 * self.rate.burst_seconds or len(self._recent) >= MAX_KEYS:
            self._older, self._recent, self._changed_at = self._recent, {}, now
        bucket = self._recent.get(key)
        if bucket is None:
            bucket = self._recent[key] = self._older.pop(key) if key in self._older else Bucket(self.rate)
        return bucket
