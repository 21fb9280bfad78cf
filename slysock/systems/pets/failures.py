"""What went wrong, in the shapes of this system: the event `error`, and the body of an HTTP error."""

from typing import Final, final

from msgspec import Struct

from slysock import Socket
from slysock.systems.failures import text_of

ERROR: Final = "error"


@final
class Failure(Struct, frozen=True, kw_only=True):
    """The body of a failed request, and the acknowledgement of an event that failed."""

    success: bool = False
    message: str


@final
class ErrorShape(Struct, frozen=True, kw_only=True):
    """`error`: what went wrong; to the socket that caused it."""

    message: str


def render_error(status: int, text: str) -> Failure:  # noqa: ARG001 - a RenderError; the status is the answer's own
    """Make the body of a failed request; a `RenderError`."""
    return Failure(message=text)


def answer_error(socket: Socket, event: str, error: Exception) -> Failure:  # noqa: ARG001 - the shape of a hook
    """Tell a socket what went wrong with its event; the acknowledgement, if requested, says the same."""
    socket.emit(ERROR, ErrorShape(message=text_of(error)))
    return Failure(message=text_of(error))
