"""The seam for whoever counts, times or logs what a server does, and costs nothing where nobody does."""

from typing import TYPE_CHECKING, Protocol, final

import msgspec

__all__ = ["Observer", "ServerStatistics"]

if TYPE_CHECKING:
    from slysock.engineio.session import DisconnectReason
    from slysock.socketio.client_socket import Socket


class Observer(Protocol):
    """Told of what happens, in the middle of it: its methods are plain, quick, and must not raise or wait."""

    def joined(self, socket: "Socket") -> None:
        """Learn that a client has been let into a namespace."""

    def left(self, socket: "Socket", reason: "DisconnectReason") -> None:
        """Learn that it has left."""

    def handled(self, socket: "Socket", event: str, seconds: float) -> None:
        """Learn that an event's handler has ended well.

        Args:
            socket: whose event it was.
            event: its name; always one that a handler is registered for.
            seconds: from the event's arrival until its acknowledgement, and what was to follow it, were in the outboxes
                of everybody concerned.
        """

    def failed(self, socket: "Socket", event: str, error: Exception) -> None:
        """Learn that an event, or a hook (`connect`, `disconnect`), was refused or failed."""

    def session_closed(self, reason: "DisconnectReason") -> None:
        """Learn that a connection has ended."""


@final
class ServerStatistics(msgspec.Struct, frozen=True, kw_only=True):
    """What a server holds at the moment; asking for it costs as much as there are connections."""

    connections: int
    """Engine.IO sessions."""

    clients: dict[str, int]
    """namespace -> clients in it; namespaces of patterns are not listed."""

    outbox_bytes: int
    """What waits for clients, all together."""
