"""One handler: the function, what it takes, and what answers when it fails."""

import copy
import inspect
from typing import Final, final

from slysock.handlers.signature import Function, Signature


@final
class NoAck:
    """The type of NO_ACK."""

    def __repr__(self) -> str:
        return "NO_ACK"


NO_ACK: Final = NoAck()
"""Returned by a handler that does not want the event acknowledged, though the client asked for it."""


@final
class Handler:
    """One function for one event."""

    __slots__ = ("call", "concurrency", "is_async", "on_error", "signature")

    def __init__(self, call: Function, concurrency: int) -> None:
        self.call = call
        self.concurrency = concurrency
        self.is_async = inspect.iscoroutinefunction(call)
        self.signature = Signature(call)
        self.on_error: Function | None = None

    def answered_by(self, on_error: Function | None) -> "Handler":
        """Copy it with an error hook: the same router may be part of several, each with its own."""
        handler = copy.copy(self)
        handler.on_error = on_error
        return handler
