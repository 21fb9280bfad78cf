"""Why a chat system says no; dialects translate these to their own errors.

    DomainError
    ├── NotAuthenticated   nobody knows who asks
    ├── NotAllowed         it is known who asks, and they may not
    ├── NotFound           there is no such thing, or it is none of theirs: the two read the same
    ├── Invalid            what was asked makes no sense
    ├── Conflict           it made sense before: a closed or blocked chat
    ├── Busy               too much is going on; later it may work
    └── Unavailable        the store is out of order; later it may work

Every text may be shown to the client: it holds nothing of other users.
"""

import logging
from types import TracebackType
from typing import final

import slysock_store
from slysock import Refusal

logger = logging.getLogger("slysock.systems")


class DomainError(Refusal):
    """An expected no."""


@final
class NotAuthenticated(DomainError):
    """Nobody knows who asks."""


@final
class NotAllowed(DomainError):
    """It is known who asks, and they may not."""


@final
class NotFound(DomainError):
    """There is no such thing, or it is none of theirs."""


@final
class Invalid(DomainError):
    """What was asked makes no sense."""


@final
class Conflict(DomainError):
    """The chat does not take it in its present state."""


@final
class Busy(DomainError):
    """Nothing was done; try again later."""


@final
class Unavailable(DomainError):
    """The store is out of order. Unless its `__cause__` says that the outcome is unknown, nothing was done."""


@final
class translated_store_errors:  # noqa: N801 - reads as the call that it is
    """Turn what a store raises into what the domain raises.

    A class: as a generator it would cost ten times as much, and every message passes through it.

    Args:
        missing: what to say when the record is not there.
    """

    __slots__ = ("_missing",)

    def __init__(self, missing: str = "Not found") -> None:
        self._missing = missing

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, slysock_store.StoreError):
            translated = _translated(error, self._missing)
            if translated is not None:
                raise translated from error


def _translated(error: slysock_store.StoreError, missing: str) -> DomainError | None:
    """Say in the domain's words what a store says; None for a bug, which stays itself."""
    match error:
        case slysock_store.NotFound():
            return NotFound(missing)
        case slysock_store.NotSender():
            return NotAllowed("Only the sender of a message may do this")
        case slysock_store.ChatBlocked() | slysock_store.WrongStatus():
            return Conflict("Nothing can be sent to this chat")
        case slysock_store.BadValue():
            return Invalid("This holds a value that cannot be stored")
        case slysock_store.StoreBusy():
            return Busy("Too many requests at the moment, try again later")
        case slysock_store.StoreUnavailable() | slysock_store.StoreClosed():
            logger.warning("the store is out of order: %s", error)
            return Unavailable("The chat is out of order at the moment, try again later")
        case _:
            return None
