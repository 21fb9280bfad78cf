"""Where the tasks of one WebSocket run: as a rule it has none.

A task, with its nursery and its scopes, is a third of what an open connection costs, and half of what its making does.
A plain socket's messages come by the Reader and go by the Flusher; only what has to wait for something gets a task, for
as long as it waits.
"""

import logging
import socket as stdlib_socket
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVarTuple, final

import trio

logger = logging.getLogger("slysock")

Ts = TypeVarTuple("Ts")


class Home(Protocol):
    """Runs what one connection has to wait for."""

    def start_soon(self, function: Callable[[*Ts], Awaitable[object]], *args: *Ts) -> None:
        """Run it in a task."""

    def cancel(self) -> None:
        """End all of these tasks."""

    def end(self) -> None:
        """Have done with the connection: nothing more is read or written. Idempotent."""


@final
class InNursery:
    """The nursery of the task that serves a connection, which closes it when all are done."""

    __slots__ = ("_nursery",)

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery

    def start_soon(self, function: Callable[[*Ts], Awaitable[object]], *args: *Ts) -> None:
        """See Home."""
        self._nursery.start_soon(function, *args)

    def cancel(self) -> None:
        """See Home."""
        self._nursery.cancel_scope.cancel()

    def end(self) -> None:
        """See Home: it is up to that task."""


@final
class OnDemand:
    """A nursery that many share; the socket is closed here, when the connection ends.

    Args:
        sock: the plain socket.
        nursery: called for each task; None once there is no time for any: the connection then ends.
        on_end: told once.
    """

    __slots__ = ("_nursery", "_on_end", "_scopes", "_sock")

    def __init__(
        self,
        sock: stdlib_socket.socket,
        nursery: Callable[[], trio.Nursery | None],
        on_end: Callable[["OnDemand"], None],
    ) -> None:
        self._sock = sock
        self._nursery = nursery
        self._on_end: Callable[[OnDemand], None] | None = on_end
        self._scopes: tuple[trio.CancelScope, ...] = ()  # around each task; nearly always none

    def start_soon(self, function: Callable[[*Ts], Awaitable[object]], *args: *Ts) -> None:
        """See Home."""
        nursery = self._nursery()
        if nursery is None:
            self.end()
            return
        scope = trio.CancelScope()
        self._scopes = (*self._scopes, scope)
        nursery.start_soon(self._run, scope, function, args)

    async def _run(
        self, scope: trio.CancelScope, function: Callable[[*Ts], Awaitable[object]], args: tuple[*Ts]
    ) -> None:
        try:
            with scope:
                await function(*args)
        except* Exception:  # the boundary of one connection
            logger.exception("a connection failed")
            self.end()
        finally:
            self._scopes = tuple(other for other in self._scopes if other is not scope)

    def cancel(self) -> None:
        """See Home."""
        for scope in self._scopes:
            scope.cancel()

    def end(self) -> None:
        """See Home."""
        if self._on_end is not None:
            on_end, self._on_end = self._on_end, None
            self.cancel()
            if self._scopes:
                trio.lowlevel.notify_closing(self._sock)
            self._sock.close()
            on_end(self)
