"""What went wrong: the event `error`, and the acknowledgement. The document leaves both open."""

from typing import Final, final

from msgspec import UNSET, Struct, UnsetType

from slysock import Socket
from slysock.systems.failures import retry_after_of, status_of, text_of

ERROR: Final = "error"


@final
class ErrorShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """`error`: what went wrong; to the socket that caused it."""

    message: str
    event: str
    """The event that failed."""

    code: int
    """As an HTTP status."""

    retry_after: float | UnsetType = UNSET
    """In how many seconds it may be tried again, if it was one too many."""


@final
class Failure(Struct, frozen=True, kw_only=True, rename="camel"):
    """The acknowledgement of an event that failed."""

    success: bool = False
    message: str
    code: int
    retry_after: float | UnsetType = UNSET


def answer_error(socket: Socket, event: str, error: Exception) -> Failure:
    """Tell a socket what went wrong with its event; the acknowledgement, if requested, says the same."""
    text, code, retry_after = text_of(error), status_of(error), retry_after_of(error)
    socket.emit(ERROR, ErrorShape(message=text, event=event, code=code, retry_after=retry_after))
    return Failure(message=text, code=code, retry_after=retry_after)
