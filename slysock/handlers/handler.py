"""One handler: the function, what it takes, and what answers when it fails."""

import copy
from typing import Final, final

from slysock.handlers.functions import Function, is_coroutine_function
from slysock.handlers.signature import Signature


@final
class NoAck:
    """The type of NO_ACK."""

    def __repr__(self) -> str:
        return "NO_ACK"


NO_ACK: Final = NoAck()
"""Returned by a handler that does not want the event acknowledged, though the client asked for it."""


@final
class Handler:
    """One function for one event.

    Attributes:
        concurrency: how many of its events may run at once for one client; with 1, in order with all others.
        until_disconnect: it is cancelled as soon as its client leaves.
    """

    __slots__ = ("call", "concurrency", "is_async", "on_error", "signature", "until_disconnect")

    def __init__(self, call: Function, concurrency: int = 1, *, until_disconnect: bool = False) -> None:
        self.call = call
        self.concurrency = concurrency
        self.until_disconnect = until_disconnect
        self.is_async = is_coroutine_function(call)
        self.signature = Signature(call)
        self.on_error: Function | None = None

    def answered_by(self, on_error: Function | None) -> "Handler":
        """Copy it with an error hook: the same router may be part of several, each with its own."""
        handler = copy.copy(self)
        handler.on_error = on_error
        return handler
