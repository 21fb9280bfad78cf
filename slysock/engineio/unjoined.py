"""Sessions whose client has not been let into a namespace yet: how many there may be, in all and from one address.

Anybody can open a session, and it keeps what its request said. So those of strangers are bounded, by what they cost:
one counts as many times as it keeps `_BYTES_OF_ONE`.
"""

from typing import Final, Literal, TypeAlias, final

from slysock.config import Config
from slysock.http.addresses import AddressGroups
from slysock.http.head import MAX_HEADER_LINES
from slysock.ids import SessionId
from slysock.request import EngineRequest

Crowd: TypeAlias = Literal["unjoined", "address"]
"""Why there is no room: there are too many in all, or from one address."""

_BYTES_OF_ONE: Final = 4096
"""What is kept of an ordinary request, and of the largest 35 kB; a session takes some 5 kB besides."""

_BYTES_OF_A_HEADER: Final = 100
"""What one takes beside its characters: two strings, a place in a dict."""


@final
class Unjoined:
    """Those of one server.

    Args:
        config: their bounds.
        groups: what an address is counted under, if it is.
    """

    def __init__(self, config: Config, groups: AddressGroups) -> None:
        self._most = config.max_unjoined
        self._most_of_address = config.max_unjoined_per_address
        largest = 1 + (2 * config.max_request_head_bytes + _BYTES_OF_A_HEADER * MAX_HEADER_LINES) // _BYTES_OF_ONE
        self._room_for_any = min(self._most, self._most_of_address) - largest
        self._groups = groups
        self._cost = 0  # of all
        self._costs: dict[str, int] = {}  # group of addresses -> of all from there
        self._sessions: dict[SessionId, tuple[str | None, int]] = {}  # (group, cost)

    def __len__(self) -> int:
        """Count them; large ones once."""
        return len(self._sessions)

    def crowd(self, opening: EngineRequest) -> Crowd | None:
        """Say why there is no room for the session that a request would open; None: there is."""
        if self._cost <= self._room_for_any:  # as a rule
            return None
        cost = cost_of(opening)
        if self._cost + cost > self._most:
            return "unjoined"
        group = self._groups.group_of(opening.address)
        from_there = 0 if group is None else self._costs.get(group, 0) + cost
        return "address" if from_there > self._most_of_address else None

    def add(self, sid: SessionId, opening: EngineRequest) -> None:
        """Count one."""
        group, cost = self._groups.group_of(opening.address), cost_of(opening)
        self._sessions[sid] = group, cost
        self._cost += cost
        if group is not None:
            self._costs[group] = self._costs.get(group, 0) + cost

    def discard(self, sid: SessionId) -> None:
        """Count one no more, if it is one still: its client has been let in, or has gone."""
        found = self._sessions.pop(sid, None)
        if found is None:
            return
        group, cost = found
        self._cost -= cost
        if group is not None:
            self._costs[group] -= cost
            if not self._costs[group]:
                del self._costs[group]


def cost_of(opening: EngineRequest) -> int:
    """Say how many ordinary sessions one is worth, by what it keeps of its request: nearly always 1."""
    headers = opening.headers
    characters = 2 * len(opening.url) + sum(map(len, headers)) + sum(map(len, headers.values()))  # the query, too
    return 1 + (characters + _BYTES_OF_A_HEADER * len(headers)) // _BYTES_OF_ONE
