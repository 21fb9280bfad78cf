"""A namespace for code that holds no socket: REST handlers, the management API, timers."""

from collections.abc import Callable, Iterable, Mapping
from typing import final

from slysock import Namespace, Server, Socket
from slysock_store import UserKey

from .delivering import deliver
from .domain.deliveries import Deliveries


@final
class Emitter:
    """Emits in one namespace of the server that `bind` was given; before that, nobody is there to receive anything.

    Nothing waits. If no rooms are named, nobody gets anything.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._namespace: Namespace | None = None

    def bind(self, server: Server) -> None:
        """Find the namespace; call this from `System.started`."""
        self._namespace = server.of(self.name)

    def emit_to(self, room: str, event: str, *args: object) -> None:
        """Send an event to the sockets of a room."""
        self.emit_to_all((room,), event, *args)

    def emit_to_all(self, rooms: Iterable[str], event: str, *args: object, except_rooms: Iterable[str] = ()) -> None:
        """Send an event to the sockets of some rooms but not of others, once to each."""
        wanted = tuple(rooms)
        if wanted and self._namespace is not None:
            self._namespace.to(*wanted).except_(*except_rooms).emit(event, *args)

    def deliver(
        self,
        rooms: Iterable[str],
        event: str,
        payload: object,
        *,
        item: str,
        to: Mapping[UserKey, str],
        by: Deliveries,
        counts: Callable[[Socket], bool] = lambda _: True,
    ) -> None:
        """Send something to rooms that users are to receive: see `deliver`.

        Args:
            rooms: who gets it.
            event: as clients know it.
            payload: its argument.
            item: the id of the message or notification.
            to: for each user by whom it counts as delivered, the room of their sockets; one of the `rooms`.
            by: where that is noted.
            counts: which sockets in those rooms are the user's own.
        """
        if self._namespace is not None:
            found = [(user, socket) for user, room in to.items() for socket in self.sockets_in(room)]
            receivers = [(user, socket) for user, socket in found if counts(socket)]
            deliver(self._namespace, rooms, event, payload, item=item, receivers=receivers, deliveries=by)

    def sockets_in(self, room: str) -> tuple[Socket, ...]:
        """Return the sockets of a room."""
        return () if self._namespace is None else tuple(self._namespace.to(room).sockets())
