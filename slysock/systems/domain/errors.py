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
from collections.abc import Generator
from contextlib import contextmanager
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


@contextmanager
def translated_store_errors(missing: str = "Not found") -> Generator[None]:
    """Turn what a store raises into what the domain raises.

    Args:
        missing: what to say when the record is not there.
    """
    try:
        yield
    except slysock_store.NotFound as error:
        raise NotFound(missing) from error
    except slysock_store.NotSender as error:
        raise NotAllowed("Only the sender of a message may do this") from error
    except (slysock_store.ChatBlocked, slysock_store.WrongStatus) as error:
        raise Conflict("Nothing can be sent to this chat") from error
    except slysock_store.BadValue as error:
        raise Invalid("This holds a value that cannot be stored") from error
    except slysock_store.StoreBusy as error:
        raise Busy("Too many requests at the moment, try again later") from error
    except (slysock_store.StoreUnavailable, slysock_store.StoreClosed) as error:
        logger.warning("the store is out of order: %s", error)
        raise Unavailable("The chat is out of order at the moment, try again later") from error
