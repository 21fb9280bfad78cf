"""What went wrong, as this system says it: the event `appError`.

The document answers a bad token after the connection, not by refusing it: connected, `appError`, disconnected.
"""

from typing import Final, final

from msgspec import Struct

from slysock import Socket
from slysock.systems.failures import status_of, text_of

ERROR_EVENT: Final = "appError"


@final
class AppError(Struct, frozen=True, kw_only=True, rename="camel"):
    """`appError`, and the acknowledgement of an event that failed."""

    error: bool = True
    message: str
    status_code: int


def app_error(error: Exception) -> AppError:
    """Translate what went wrong; of what nobody expected, nothing is told."""
    return AppError(message=text_of(error), status_code=status_of(error))


def answer_error(socket: Socket, event: str, error: Exception) -> AppError:  # noqa: ARG001 - the shape of an error hook
    """Tell a socket what went wrong with its event; the acknowledgement, where one is wanted, says the same."""
    failure = app_error(error)
    socket.emit(ERROR_EVENT, failure)
    return failure


def show_out(socket: Socket, error: Exception) -> None:
    """Tell a socket why it cannot stay, and disconnect it."""
    socket.emit(ERROR_EVENT, app_error(error))
    socket.disconnect()
