"""A namespace for those who hold no socket: REST handlers, the management API, what happens by the clock."""

from typing import final

from slysock import Broadcast, Namespace, Server


@final
class Emitter:
    """Speaks in one namespace of the server that `bind` was given; before that, nobody is there to hear it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._namespace: Namespace | None = None

    def bind(self, server: Server) -> None:
        """Find the namespace; `System.started` is the moment."""
        self._namespace = server.of(self.name)

    @property
    def namespace(self) -> Namespace | None:
        """The namespace; None before the server has started."""
        return self._namespace

    def emit_to(self, room: str, event: str, *args: object) -> None:
        """Send an event to the sockets of a room. Never waits."""
        broadcast = self.to(room)
        if broadcast is not None:
            broadcast.emit(event, *args)

    def to(self, *rooms: str) -> Broadcast | None:
        """Speak to rooms; None before the server has started.

        Raises:
            ValueError: no rooms, which would be everybody.
        """
        if not rooms:
            raise ValueError("name at least one room")
        return None if self._namespace is None else self._namespace.to(*rooms)
