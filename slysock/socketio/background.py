"""What runs for one client beside its events, and ends with it."""

import logging
from collections.abc import Awaitable, Callable
from typing import final

import trio

from slysock.ids import SocketId

logger = logging.getLogger("slysock")


@final
class Background:
    """The background work of one client, in a nursery that outlives it."""

    __slots__ = ("_ended", "_scopes", "_socket_id")

    def __init__(self, socket_id: SocketId) -> None:
        self._socket_id = socket_id
        self._scopes: dict[trio.CancelScope, None] = {}  # around each of what runs
        self._ended = False

    async def run(self, routine: Callable[[], Awaitable[object]]) -> None:
        """Run something until it ends, or `end` is called."""
        scope = trio.CancelScope()
        self._scopes[scope] = None
        if self._ended:  # the client has left before this began
            scope.cancel()
        try:
            with scope:
                await routine()
        except Exception:  # the boundary of one client's work
            logger.exception("background work for socket %s failed", self._socket_id)
        finally:
            del self._scopes[scope]

    def end(self) -> None:
        """Cancel everything, and what is still to begin."""
        self._ended = True
        for scope in list(self._scopes):
            scope.cancel()
