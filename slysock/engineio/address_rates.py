"""What clients of one address may do before anybody knows who they are; see `Config.address_handshakes_per_second`."""

from typing import final

import trio

from slysock.config import Config
from slysock.engineio.buckets import Buckets, Rate
from slysock.http.addresses import AddressGroups


@final
class AddressRates:
    """The rates of addresses of one server."""

    def __init__(self, config: Config, groups: AddressGroups) -> None:
        self._groups = groups
        self._handshakes = Buckets(_rate(config, config.address_handshakes_per_second))
        self._refused_logins = Buckets(_rate(config, config.address_refused_logins_per_second))

    def handshake(self, address: str) -> float:
        """Count a new session; return how many seconds it comes too early, and so is not to be: 0.0 as a rule."""
        return _take(self._handshakes, self._groups.group_of(address))

    def refuse_login(self, address: str) -> bool:
        """Count a client that was not let into a namespace; return whether there have been too many."""
        return _take(self._refused_logins, self._groups.group_of(address)) > 0


def _rate(config: Config, per_second: float) -> Rate:
    return Rate(per_second=per_second, burst_seconds=config.burst_seconds)


def _take(buckets: Buckets, group: str | None) -> float:
    if group is None:
        return 0.0
    now = trio.current_time()
    return buckets.of(group, now).take(1, now)
