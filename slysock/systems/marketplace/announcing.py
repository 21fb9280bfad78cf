"""Who can be told something from outside of a handler: users, by their personal rooms in each namespace."""

from collections.abc import Iterable, Iterator
from typing import final

from slysock import Server, Socket
from slysock.systems.emitter import Emitter
from slysock_store import UserKey

from .people import room_of


@final
class Announcer:
    """The users in some namespaces."""

    def __init__(self, *namespaces: str) -> None:
        self._emitters = tuple(Emitter(name) for name in namespaces)

    def bind(self, server: Server) -> None:
        """Find the namespaces; before that, nobody is there."""
        for emitter in self._emitters:
            emitter.bind(server)

    def tell(self, users: Iterable[UserKey], event: str, payload: object) -> None:
        """Send an event to these users. Nobody, where there are none: an announcer without rooms would be everybody."""
        rooms = tuple(room_of(user) for user in users)
        if not rooms:
            return
        for emitter in self._emitters:
            broadcast = emitter.to(*rooms)
            if broadcast is not None:
                broadcast.emit(event, payload)

    def sockets_of(self, user: UserKey) -> Iterator[Socket]:
        """Go through the sockets of a user."""
        for emitter in self._emitters:
            broadcast = emitter.to(room_of(user))
            if broadcast is not None:
                yield from broadcast.sockets()
