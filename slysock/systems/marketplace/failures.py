"""How this system reports failures: the event `appError`.

In the document, an invalid token does not refuse the connection: the client is connected, gets `appError`, and is
disconnected.
"""

from typing import Final, final

from msgspec import UNSET, Struct, UnsetType

from slysock import Socket
from slysock.systems.failures import retry_after_of, status_of, text_of

ERROR_EVENT: Final = "appError"


@final
class AppError(Struct, frozen=True, kw_only=True, rename="camel"):
    """`appError`, and the acknowledgement of an event that failed."""

    error: bool = True
    message: str
    status_code: int
    retry_after: float | UnsetType = UNSET
    """In how many seconds it may be tried again, of an event that was one too many."""


def app_error(error: Exception) -> AppError:
    """Translate what went wrong; an unexpected error reveals nothing."""
    return AppError(message=text_of(error), status_code=status_of(error), retry_after=retry_after_of(error))


def answer_error(socket: Socket, event: str, error: Exception) -> AppError:  # noqa: ARG001 - the shape of an error hook
    """Tell a socket what went wrong with its event; the acknowledgement, if requested, says the same."""
    failure = app_error(error)
    socket.emit(ERROR_EVENT, failure)
    return failure


def show_out(socket: Socket, error: Exception) -> None:
    """Tell a socket why it cannot stay, and disconnect it."""
    socket.emit(ERROR_EVENT, app_error(error))
    socket.disconnect()
