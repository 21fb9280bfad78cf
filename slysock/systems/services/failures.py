"""What went wrong: the event `error`, and the acknowledgement. The document leaves both open."""

from typing import Final, final

from msgspec import Struct

from slysock import Socket
from slysock.systems.failures import status_of, text_of

ERROR: Final = "error"


@final
class ErrorShape(Struct, frozen=True, kw_only=True):
    """`error`: what went wrong; to the socket that caused it."""

    message: str
    event: str
    """The event that failed."""

    code: int
    """As an HTTP status."""


@final
class Failure(Struct, frozen=True, kw_only=True):
    """The acknowledgement of an event that failed."""

    success: bool = False
    message: str
    code: int


def answer_error(socket: Socket, event: str, error: Exception) -> Failure:
    """Tell a socket what went wrong with its event; the acknowledgement, if requested, says the same."""
    socket.emit(ERROR, ErrorShape(message=text_of(error), event=event, code=status_of(error)))
    return Failure(message=text_of(error), code=status_of(error))
