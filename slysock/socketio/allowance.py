"""How much clients and users may send: events, their bytes, and joins, on average and at once.

A client is one connection, in whatever namespaces. A user is whom the application names; all clients of one share what
is the user's, whether they are there at the same time or one after the other. See `Config.client_events_per_second`.
"""

import math
from typing import Final, Literal, TypeAlias, final

import msgspec
import trio

from slysock.config import Config
from slysock.engineio.buckets import ROUNDING_SECONDS, Bucket, Buckets, Rate
from slysock.errors import RateLimited

_PORTION: Final = 1 / 128
"""Of what may be done at once, so much is paid for in advance: asking for the time costs more than all else that an
event is counted by. Each of a hundred clients of one user may hold some, and much is left."""

What: TypeAlias = Literal["events", "bytes", "joins"]
Whose: TypeAlias = Literal["client", "user"]

_REASONS: Final[dict[What, str]] = {"events": "event rate", "bytes": "byte rate", "joins": "join rate"}


@final
class Excess(msgspec.Struct, frozen=True, kw_only=True):
    """That something was too much."""

    what: What
    whose: Whose
    retry_after_seconds: float
    """When the same would not be."""

    goes_on: bool
    """Whether so much came after the first excess that it is no mistake."""

    @property
    def reason(self) -> str:
        """Why it was refused, in a word; see RefusalRecord."""
        return _REASONS[self.what]

    @property
    def detail(self) -> str:
        """The same in more words."""
        return f"too many {self.what} of the {self.whose}; see {self.whose}_{self.what}_per_second"

    @property
    def error(self) -> RateLimited:
        """The same for applications and clients."""
        return RateLimited(self.what, self.retry_after_seconds)


def retry_after(error: RateLimited) -> dict[str, object]:
    """Make the data of a connect_error for a client that asks too often to join a namespace."""
    return {"retryAfter": error.retry_after_seconds}


@final
class Rates:
    """What the clients and users of one server may do, and the buckets of its users."""

    def __init__(self, config: Config) -> None:
        def rate(per_second: float) -> Rate:
            return Rate(per_second=per_second, burst_seconds=config.burst_seconds)

        self.of_clients: dict[What, Rate] = {
            "events": rate(config.client_events_per_second),
            "bytes": rate(config.client_bytes_per_second),
            "joins": rate(config.client_joins_per_second),
        }
        self.of_users: dict[What, Buckets] = {
            "events": Buckets(rate(config.user_events_per_second)),
            "bytes": Buckets(rate(config.user_bytes_per_second)),
            "joins": Buckets(rate(config.user_joins_per_second)),
        }


@final
class ClientRates:
    """What one client may still do, whoever it speaks for."""

    __slots__ = ("bytes", "events", "joins", "rates")

    def __init__(self, rates: Rates) -> None:
        self.rates = rates
        self.events = Bucket(rates.of_clients["events"])
        self.bytes = Bucket(rates.of_clients["bytes"])
        self.joins = Bucket(rates.of_clients["joins"])

    def join(self) -> Excess | None:
        """Count that the client asks to join a namespace."""
        return _spend("joins", "client", self.joins, 1, 1, trio.current_time())


@final
class Allowance:
    """What a client may still send while it speaks for one user, or for nobody.

    Attributes:
        events: that are paid for. Whoever takes an event takes one off, and calls `renew` where none was left.
        bytes: likewise.
        user: whom the client speaks for.
    """

    __slots__ = ("_client", "bytes", "events", "user")

    def __init__(self, client: ClientRates, user: str | None) -> None:
        self._client = client
        self.events = 0
        self.bytes = 0
        self.user = user

    def join(self) -> Excess | None:
        """Count that the user joins a namespace."""
        now = trio.current_time()
        bucket = self._bucket_of_user("joins", now)
        return None if bucket is None else _spend("joins", "user", bucket, 1, 1, now)

    def renew(self, size: int) -> Excess | None:
        """Pay for an event of this size, of which `events` or `bytes` have become negative; they are not any more."""
        now = trio.current_time()
        too_many = self._pay_events(now) if self.events < 0 else None
        too_large = self._pay_bytes(size, now) if self.bytes < 0 else None
        return _worse(too_many, too_large)

    def give_back(self) -> None:
        """Leave what is paid for to other clients of the user: this one may not need it any more."""
        if self.user is not None:
            now, buckets = trio.current_time(), self._client.rates.of_users
            buckets["events"].of(self.user, now).put_back(self.events)
            buckets["bytes"].of(self.user, now).put_back(self.bytes)
            self.events = self.bytes = 0

    def _pay_events(self, now: float) -> Excess | None:
        amount, excess = self._pay("events", self._client.events, -self.events, 1, now)
        self.events += amount
        return excess

    def _pay_bytes(self, size: int, now: float) -> Excess | None:
        amount, excess = self._pay("bytes", self._client.bytes, -self.bytes, size, now)
        self.bytes += amount
        return excess

    def _pay(self, what: What, own: Bucket, owed: int, whole: int, now: float) -> tuple[int, Excess | None]:
        """Take what is owed, and some more where there is enough; return how much, and whether it was too much.

        Args:
            what: of what.
            own: the client's.
            owed: how much.
            whole: how much the same event would take again.
            now: the time.
        """
        shared = self._bucket_of_user(what, now)
        level = own.level(now) if shared is None else min(own.level(now), shared.level(now))
        amount = max(owed, int(level * _PORTION))
        excess = _spend(what, "client", own, amount, whole, now)
        if shared is not None:
            excess = _worse(excess, _spend(what, "user", shared, amount, whole, now))
        return amount, excess

    def _bucket_of_user(self, what: What, now: float) -> Bucket | None:
        return None if self.user is None else self._client.rates.of_users[what].of(self.user, now)


def _spend(what: What, whose: Whose, bucket: Bucket, amount: int, whole: int, now: float) -> Excess | None:
    too_much_seconds = bucket.spend(amount, now)
    if not too_much_seconds:
        return None
    return Excess(
        what=what,
        whose=whose,
        retry_after_seconds=math.ceil((too_much_seconds + bucket.rate.seconds_for(whole)) * 1000) / 1000,
        goes_on=too_much_seconds > bucket.rate.burst_seconds + ROUNDING_SECONDS,
    )


def _worse(one: Excess | None, other: Excess | None) -> Excess | None:
    """Return that which takes longer to be none; whoever goes on with one goes on."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda excess: (excess.goes_on, excess.retry_after_seconds))
