"""A log of who comes and goes and of what is handled: names and numbers, never contents, tokens or session ids.

Connections are logged at INFO, events at DEBUG. The fields are in the record's `fields`, for whoever formats it.
"""

import logging
from typing import final

from slysock import DisconnectReason, Socket

from .admission import identity_in
from .metrics import kind_of_error

logger = logging.getLogger("slysock.journal")


@final
class Journal:
    """An `Observer` that writes it."""

    def joined(self, socket: Socket) -> None:
        """Log that a client has come."""
        _log(logging.INFO, "client joined", socket, address=socket.handshake.address)

    def left(self, socket: Socket, reason: DisconnectReason) -> None:
        """Log that it has left."""
        _log(logging.INFO, "client left", socket, reason=reason)

    def handled(self, socket: Socket, event: str, seconds: float) -> None:
        """Log an event."""
        if logger.isEnabledFor(logging.DEBUG):  # asked here already, because it is asked for every event
            _log(logging.DEBUG, "event handled", socket, event=event, milliseconds=round(seconds * 1000, 3))

    def failed(self, socket: Socket, event: str, error: Exception) -> None:
        """Log that an event was refused or failed, without the text of it."""
        _log(logging.DEBUG, "event failed", socket, event=event, kind=kind_of_error(error))

    def session_closed(self, reason: DisconnectReason) -> None:
        """See Observer.session_closed; each client's end has been logged."""


def _log(level: int, text: str, socket: Socket, **fields: object) -> None:
    if not logger.isEnabledFor(level):
        return
    identity = identity_in(socket)
    user = None if identity is None else identity.user_id
    known = {"namespace": socket.namespace.name, "socket": socket.id, "user": user, **fields}
    logger.log(level, text, extra={"fields": {name: value for name, value in known.items() if value is not None}})
