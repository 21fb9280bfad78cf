"""What went wrong, in the two shapes of this system: the event `exception`, and the body of an HTTP error."""

from http import HTTPStatus
from typing import Final, final

from msgspec import UNSET, Struct, UnsetType

from slysock import Socket
from slysock.systems.failures import retry_after_of, status_of, text_of

EXCEPTION: Final = "exception"


@final
class ExceptionShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """`exception`, and the acknowledgement of an event that failed."""

    status: str = "error"
    message: str
    error: str
    status_code: int
    retry_after: float | UnsetType = UNSET
    """In how many seconds it may be tried again, of an event that was one too many."""


@final
class HttpFailure(Struct, frozen=True, kw_only=True, rename="camel"):
    """The body of an HTTP error."""

    status_code: int
    message: str
    error: str


def exception_of(error: Exception) -> ExceptionShape:
    """Translate what went wrong; an unexpected error reveals nothing."""
    status = status_of(error)
    return ExceptionShape(
        message=text_of(error), error=phrase_of(status), status_code=status, retry_after=retry_after_of(error)
    )


def render_error(status: int, text: str) -> HttpFailure:
    """Make the body of an HTTP error."""
    return HttpFailure(status_code=status, message=text, error=phrase_of(status))


def phrase_of(status: int) -> str:
    """Return the phrase of a status: `Not Found`."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:  # none that is registered
        return "Error"


def answer_error(socket: Socket, event: str, error: Exception) -> ExceptionShape:  # noqa: ARG001 - an error hook
    """Tell a socket what went wrong with its event; the acknowledgement, if requested, says the same."""
    failure = exception_of(error)
    socket.emit(EXCEPTION, failure)
    return failure


def show_out(socket: Socket, error: Exception) -> None:
    """Tell a socket why it cannot stay, and disconnect it."""
    socket.emit(EXCEPTION, exception_of(error))
    socket.disconnect()
