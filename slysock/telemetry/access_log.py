"""A log of who comes and goes and of what is handled: names and numbers, never contents, tokens or session ids.

Connections are logged at INFO, events at DEBUG. A formatter finds the fields in the record's `fields`.
"""

import logging
from collections.abc import Callable
from typing import final

from slysock import DisconnectReason, Socket
from slysock.telemetry.error_kind import error_kind

logger = logging.getLogger("slysock.access")


@final
class AccessLog:
    """An `Observer` that writes the log: `server.observe(AccessLog())`.

    Args:
        user_of: returns the user of a socket, or None; called for each line, even when the socket has left.
    """

    def __init__(self, user_of: Callable[[Socket], str | int | None] | None = None) -> None:
        self._user_of = user_of

    def joined(self, socket: Socket) -> None:
        """Log that a client has come."""
        self._log(logging.INFO, "client joined", socket, address=socket.handshake.address)

    def left(self, socket: Socket, reason: DisconnectReason) -> None:
        """Log that a client has left."""
        self._log(logging.INFO, "client left", socket, reason=reason)

    def handled(self, socket: Socket, event: str, seconds: float) -> None:
        """Log an event that was handled."""
        if logger.isEnabledFor(logging.DEBUG):  # asked here already, because it is asked for every event
            self._log(logging.DEBUG, "event handled", socket, event=event, milliseconds=round(seconds * 1000, 3))

    def failed(self, socket: Socket, event: str, error: Exception) -> None:
        """Log that an event was refused or failed, without the text of it."""
        self._log(logging.DEBUG, "event failed", socket, event=event, kind=error_kind(error))

    def session_closed(self, reason: DisconnectReason) -> None:
        """See Observer.session_closed; each client's end has been logged."""

    def _log(self, level: int, text: str, socket: Socket, **fields: object) -> None:
        if not logger.isEnabledFor(level):
            return
        user = None if self._user_of is None else self._user_of(socket)
        known = {"namespace": socket.namespace.name, "socket": socket.id, "user": user, **fields}
        logger.log(level, text, extra={"fields": {name: value for name, value in known.items() if value is not None}})
