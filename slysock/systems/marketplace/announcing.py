"""How people are told: in a socket's namespace after its event, or, from outside of events, in several namespaces."""

from collections.abc import Iterable, Iterator
from typing import final

from slysock import Server, Socket
from slysock.systems.domain.deliveries import Deliveries
from slysock.systems.emitter import Emitter
from slysock_store import UserKey

from .envelope import Envelope
from .rooms import RoomName, personal_room


def tell(socket: Socket, event: str, envelope: Envelope, *rooms: RoomName) -> None:
    """Send an event to all sockets in some rooms, after the acknowledgement of the event that is being handled."""
    socket.after_ack(socket.namespace.to(*rooms).emit, event, envelope)


def reply(socket: Socket, event: str, envelope: Envelope) -> None:
    """Send an event to the socket that asked, after the acknowledgement."""
    socket.after_ack(socket.emit, event, envelope)


@final
class Announcer:
    """Tells users in some namespaces what happens elsewhere, by their personal rooms."""

    def __init__(self, *namespaces: str) -> None:
        self._emitters = tuple(Emitter(name) for name in namespaces)

    def bind(self, server: Server) -> None:
        """Find the namespaces; before that, nobody gets anything."""
        for emitter in self._emitters:
            emitter.bind(server)

    def tell(self, users: Iterable[UserKey], event: str, payload: object) -> None:
        """Send an event to these users."""
        rooms = tuple(map(personal_room, users))
        for emitter in self._emitters:
            emitter.emit_to_all(rooms, event, payload)

    def deliver(self, user: UserKey, event: str, payload: object, *, item: str, deliveries: Deliveries) -> None:
        """Send a user what is to be received; see `Emitter.deliver`."""
        room = personal_room(user)
        for emitter in self._emitters:
            emitter.deliver((room,), event, payload, item=item, to={user: room}, by=deliveries)

    def sockets_of(self, user: UserKey) -> Iterator[Socket]:
        """Yield the sockets of a user."""
        for emitter in self._emitters:
            yield from emitter.sockets_in(personal_room(user))
