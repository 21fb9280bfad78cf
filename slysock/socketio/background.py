"""What runs for one client beside its events, and ends with it."""

import logging
from collections.abc import Awaitable, Callable
from typing import final

import trio

from slysock.handlers.blocking import OnBlock
from slysock.handlers.hooks import call_hook
from slysock.ids import SocketId

logger = logging.getLogger("slysock")


@final
class Background:
    """The background work of one client, in a nursery that outlives it."""

    __slots__ = ("_ended", "_on_block", "_scopes", "_socket_id")

    def __init__(self, socket_id: SocketId, on_block: OnBlock) -> None:
        self._socket_id = socket_id
        self._on_block = on_block
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
                await call_hook(routine, is_async=True, on_block=self._on_block)
        except Exception:  # the boundary of one client's work
            logger.exception("background work for socket %s failed", self._socket_id)
        finally:
            del self._scopes[scope]

    def end(self) -> None:
        """Cancel everything, and what is still to begin."""
        self._ended = True
        for scope in list(self._scopes):
            scope.cancel()
