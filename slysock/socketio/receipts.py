"""What is asked about one client: whether it has received what was sent to it in its namespace.

The pongs are the session's, which namespaces share. A client that leaves a namespace ignores what comes for it from
then on, also where its connection stays and answers pings: so leaving ends every wait, without a proof.
"""

import logging
from collections.abc import Callable
from contextvars import Context
from typing import TypeAlias, final

import trio

from slysock.engineio.session import Session
from slysock.errors import Disconnected

logger = logging.getLogger("slysock")

Call: TypeAlias = Callable[[bool], object]


@final
class _Wait:
    """One who waits; called by the session's receipts, or when the client leaves, whichever comes first."""

    __slots__ = ("_call", "_context", "_waits")

    def __init__(self, call: Call, context: Context, waits: dict["_Wait", None]) -> None:
        self._call = call
        self._context = context  # the asker's: pongs are read by one task for many clients
        self._waits = waits
        waits[self] = None

    def __call__(self, received: bool) -> None:
        if self in self._waits:
            del self._waits[self]
            tell(self._call, self._context, received=received)


@final
class Receipts:
    """Those who wait for one client in one namespace. Made when somebody first asks.

    Args:
        session: what packets go out by.
    """

    __slots__ = ("_session", "_waits")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._waits: dict[_Wait, None] = {}  # in the order of asking

    def ask(self, call: Call, context: Context) -> None:
        """Have a call made when the client has received all that has been sent up to now."""
        self._session.when_received(_Wait(call, context, self._waits))

    def close(self) -> None:
        """Tell all that it will not be known: the client leaves the namespace."""
        for wait in list(self._waits):
            wait(False)


def tell(call: Call, context: Context, *, received: bool) -> None:
    """Make somebody's call in the context in which it was registered."""
    try:
        context.run(call, received)
    except Exception:  # the boundary of the application's call: the session, and who else waits, are none the worse
        logger.exception("what was to follow a receipt failed")


async def wait_received(when_received: Callable[[Call], object]) -> None:
    """Wait for a receipt. Cancelled, it leaves a call behind that does nothing.

    Raises:
        Disconnected: the client has left, and what it has received is not known.
        RuntimeError: it has not been let in yet.
    """
    done, answers = trio.Event(), list[bool]()

    def take(received: bool) -> None:
        answers.append(received)
        done.set()

    when_received(take)
    await done.wait()
    if not answers[0]:
        raise Disconnected("the client has left, and may not have received what was sent last")
