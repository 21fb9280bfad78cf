"""Who is seen as online: whoever has joined with a socket, and has not asked to be seen as offline since."""

from typing import final

from slysock.systems.domain import ConnectionKey, Presence
from slysock_store import UserKey


@final
class Statuses:
    """Sockets counted per user, and the statuses that users set. In memory only, like presence.

    Args:
        online: counts the sockets.
    """

    def __init__(self, online: Presence) -> None:
        self._online = online
        self._hidden: set[UserKey] = set()  # those with sockets who want to be seen as offline

    def is_online(self, user: UserKey) -> bool:
        """Tell whether a user is seen as online."""
        return self._online.is_here(user) and user not in self._hidden

    def has_socket(self, user: UserKey) -> bool:
        """Tell whether a user has a socket, whichever way they are seen."""
        return self._online.is_here(user)

    def sockets_of(self, user: UserKey) -> int:
        """Count a user's sockets."""
        return self._online.connections_of(user)

    def arrive(self, user: UserKey, connection: ConnectionKey) -> bool:
        """Count a socket, once, and show its user as online; return whether their status has changed."""
        was_online = self.is_online(user)
        self._hidden.discard(user)
        if self._online.user_of(connection) is None:
            self._online.arrive(user, connection)
        return not was_online

    def leave(self, connection: ConnectionKey) -> UserKey | None:
        """Forget a socket; return its user if that takes them offline."""
        user = self._online.leave(connection)
        if user is None:
            return None
        was_hidden = user in self._hidden
        self._hidden.discard(user)
        return None if was_hidden else user

    def show(self, user: UserKey, *, is_online: bool) -> bool:
        """Set the status of a user who has a socket; return whether it has changed."""
        was_online = self.is_online(user)
        if is_online:
            self._hidden.discard(user)
        elif self._online.is_here(user):
            self._hidden.add(user)
        return self.is_online(user) is not was_online
