"""What went wrong, in the shapes of this system: the event `error`, and the body of an HTTP error."""

from typing import Final, final

from msgspec import UNSET, Struct, UnsetType

from slysock import Socket
from slysock.systems.failures import retry_after_of, text_of

ERROR: Final = "error"


@final
class Failure(Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of a failed request, and the acknowledgement of an event that failed."""

    success: bool = False
    message: str
    retry_after: float | UnsetType = UNSET
    """In how many seconds an event may be sent again, if it was one too many."""


@final
class ErrorShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """`error`: what went wrong; to the socket that caused it."""

    message: str
    retry_after: float | UnsetType = UNSET
    """In how many seconds it may be tried again, if it was one too many."""


def render_error(status: int, text: str) -> Failure:  # noqa: ARG001 - a RenderError; the status is the answer's own
    """Make the body of a failed request; a `RenderError`."""
    return Failure(message=text)


def answer_error(socket: Socket, event: str, error: Exception) -> Failure:  # noqa: ARG001 - the shape of a hook
    """Tell a socket what went wrong with its event; the acknowledgement, if requested, says the same."""
    text, retry_after = text_of(error), retry_after_of(error)
    socket.emit(ERROR, ErrorShape(message=text, retry_after=retry_after))
    return Failure(message=text, retry_after=retry_after)
