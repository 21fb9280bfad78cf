"""Who can be told something from outside of a handler: users, by their personal rooms in each namespace."""

from collections.abc import Iterable, Iterator
from typing import final

from slysock import Server, Socket
from slysock.systems.voice import Voice
from slysock_store import UserKey

from .people import room_of


@final
class Audience:
    """The users in some namespaces."""

    def __init__(self, *namespaces: str) -> None:
        self._voices = tuple(Voice(name) for name in namespaces)

    def bind(self, server: Server) -> None:
        """Find the namespaces; before that, nobody is there."""
        for voice in self._voices:
            voice.bind(server)

    def tell(self, users: Iterable[UserKey], event: str, payload: object) -> None:
        """Send an event to these users. Nobody, where there are none: an audience without rooms would be everybody."""
        rooms = tuple(room_of(user) for user in users)
        if not rooms:
            return
        for voice in self._voices:
            broadcast = voice.to(*rooms)
            if broadcast is not None:
                broadcast.emit(event, payload)

    def sockets_of(self, user: UserKey) -> Iterator[Socket]:
        """Go through the sockets of a user."""
        for voice in self._voices:
            broadcast = voice.to(room_of(user))
            if broadcast is not None:
                yield from broadcast.sockets()
