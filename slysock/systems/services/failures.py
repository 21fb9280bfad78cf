"""Acknowledgements, where a client asks for one, and the event `error`. The document leaves both open."""

from typing import Final, final

from msgspec import Struct

from slysock import Socket
from slysock.systems.failures import status_of, text_of

from .shapes import MessageShape, StatusShape, SupportMessageShape

ERROR: Final = "error"


@final
class Done(Struct, frozen=True, kw_only=True):
    """It worked, and there is nothing to say about it."""

    success: bool = True


@final
class ChatDone(Struct, frozen=True, kw_only=True, rename="camel"):
    """It worked, for this chat."""

    success: bool = True
    chat_id: str


@final
class TicketDone(Struct, frozen=True, kw_only=True, rename="camel"):
    """It worked, for this ticket."""

    success: bool = True
    ticket_id: str


@final
class MessageSent(Struct, frozen=True, kw_only=True):
    """A message is stored."""

    success: bool = True
    message: MessageShape


@final
class SupportMessageSent(Struct, frozen=True, kw_only=True):
    """A message of a ticket is stored."""

    success: bool = True
    message: SupportMessageShape


@final
class StatusKnown(Struct, frozen=True, kw_only=True):
    """How somebody is seen."""

    success: bool = True
    status: StatusShape


@final
class Counted(Struct, frozen=True, kw_only=True):
    """How many there are, or were."""

    success: bool = True
    count: int


@final
class ErrorShape(Struct, frozen=True, kw_only=True):
    """`error`: what went wrong, to whoever caused it."""

    message: str
    event: str
    """The event that failed."""

    code: int
    """As an HTTP status."""


@final
class Failure(Struct, frozen=True, kw_only=True):
    """The acknowledgement of what went wrong."""

    success: bool = False
    message: str
    code: int


def answer_error(socket: Socket, event: str, error: Exception) -> Failure:
    """Tell a socket what went wrong with its event; the acknowledgement, where one is wanted, says the same."""
    socket.emit(ERROR, ErrorShape(message=text_of(error), event=event, code=status_of(error)))
    return Failure(message=text_of(error), code=status_of(error))
