"""Who is here: how many connections each user has. In memory only; after a restart nobody is."""

from collections import defaultdict
from typing import NewType, final

import trio

from slysock_store import UserKey

ConnectionKey = NewType("ConnectionKey", str)
"""Identifies one connection of a user; dialects use the socket's id."""


@final
class Presence:
    """Counts connections per user: here with the first one, gone with the last.

    Bounds: as many entries as connections.
    """

    def __init__(self) -> None:
        self._users: dict[ConnectionKey, UserKey] = {}  # whose each connection is
        self._counts: dict[UserKey, int] = {}  # user -> how many, never 0
        self._arrivals: defaultdict[UserKey, list[trio.Event]] = defaultdict(list)  # user -> who waits for them

    def __len__(self) -> int:
        return len(self._counts)

    def arrive(self, user: UserKey, connection: ConnectionKey) -> bool:
        """Count a new connection; return whether it is the user's first. The caller must call `leave` at its end."""
        self._users[connection] = user
        count = self._counts[user] = self._counts.get(user, 0) + 1
        for event in self._arrivals.pop(user, ()):
            event.set()
        return count == 1

    def leave(self, connection: ConnectionKey) -> UserKey | None:
        """Forget a connection; return the user if it was their last. One that never arrived changes nothing."""
        user = self._users.pop(connection, None)
        if user is None:
            return None
        self._counts[user] -= 1
        if self._counts[user]:
            return None
        del self._counts[user]
        return user

    def user_of(self, connection: ConnectionKey) -> UserKey | None:
        """Return whose connection it is; None for one that has not arrived."""
        return self._users.get(connection)

    def is_here(self, user: UserKey) -> bool:
        """Tell whether the user has a connection."""
        return user in self._counts

    def connections_of(self, user: UserKey) -> int:
        """Count the connections of a user."""
        return self._counts.get(user, 0)

    async def wait_for(self, user: UserKey, *, within_seconds: float) -> bool:
        """Wait until the user is here, no longer than given; return whether they are."""
        if user in self._counts:
            return True
        arrived = trio.Event()
        self._arrivals[user].append(arrived)
        try:
            with trio.move_on_after(within_seconds):
                await arrived.wait()
        finally:
            self._forget(user, arrived)
        return user in self._counts

    def _forget(self, user: UserKey, arrived: trio.Event) -> None:
        waiting = self._arrivals.get(user)
        if waiting is not None and arrived in waiting:
            waiting.remove(arrived)
            if not waiting:
                del self._arrivals[user]
