"""Why a chat system refuses something; dialects translate these into their own errors.

    DomainError
    ├── NotAuthenticated   it is not known who asks
    ├── NotAllowed         it is known who asks, and they may not do this
    ├── NotFound           it does not exist, or is not theirs: the two read the same
    ├── Invalid            what was asked makes no sense
    ├── Conflict           the present state does not allow it: a closed or blocked chat
    ├── Full               there is no room to store it; a retry may succeed, and deleting is possible
    ├── Busy               too much is going on; a retry may succeed
    └── Unavailable        the store is temporarily unavailable; a retry may succeed

Every text may be shown to the client: it reveals nothing about other users.
"""

import logging
from types import TracebackType
from typing import final

import slysock_store
from slysock import Refusal

logger = logging.getLogger("slysock.systems")


class DomainError(Refusal):
    """A refusal that is part of normal operation."""


@final
class NotAuthenticated(DomainError):
    """It is not known who asks."""


@final
class NotAllowed(DomainError):
    """It is known who asks, and they may not do this."""


@final
class NotFound(DomainError):
    """It does not exist, or is not theirs."""


@final
class Invalid(DomainError):
    """What was asked makes no sense."""


@final
class Conflict(DomainError):
    """The chat's present state does not allow it."""


@final
class Full(DomainError):
    """There is no room to store something new. Nothing was done."""


@final
class Busy(DomainError):
    """Nothing was done; try again later."""


@final
class Unavailable(DomainError):
    """The store is temporarily unavailable. Unless `__cause__` says that the outcome is unknown, nothing was done."""


@final
class translated_store_errors:  # noqa: N801 - reads as the call that it is
    """Turn the errors of a store into those of the domain.

    A class: as a generator it would cost ten times as much, and every message passes through it.

    Args:
        missing: the text of the error if the record does not exist.
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
    """Translate an error of a store into one of the domain; None for a bug, which is raised as it is."""
    match error:
        case slysock_store.NotFound():
            return NotFound(missing)
        case slysock_store.NotSender():
            return NotAllowed("Only the sender of a message may do this")
        case slysock_store.ChatBlocked() | slysock_store.WrongStatus():
            return Conflict("Nothing can be sent to this chat")
        case slysock_store.BadValue():
            return Invalid("The request contains a value that cannot be stored")
        case slysock_store.StoreFull():
            return Full("There is no room for anything new at the moment, try again later")
        case slysock_store.StoreBusy():
            return Busy("Too many requests at the moment, try again later")
        case slysock_store.StoreUnavailable() | slysock_store.StoreClosed():
            logger.warning("the store is unavailable: %s", error)
            return Unavailable("The chat is temporarily unavailable, try again later")
        case _:
            return None
