"""The lifespan protocol: an application is told once that the server starts, and once that it stops."""

import logging
import math
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import cast, final

import trio

from slysock.asgi.interface import (
    LIFESPAN_VERSIONS,
    ASGIApp,
    Event,
    InvalidMessage,
    LifespanFailed,
    PreciseApp,
    Scope,
    State,
)

logger = logging.getLogger("slysock.asgi")


@asynccontextmanager
async def asgi_lifespan(
    app: ASGIApp, *, shutdown_seconds: float = 10.0, stop_by: Callable[[], float] = lambda: math.inf
) -> AsyncGenerator[State]:
    """Keep an application started while the block runs.

    Yields what the application put into its lifespan state, for `run_asgi`. An application without lifespan support
    is left alone. However the block ends, even by cancellation, the application has `shutdown_seconds` to shut down
    and is cancelled after that. `stop_by` is called when the block ends: it returns a time of `trio.current_time()`
    that cuts this short.

    Raises:
        LifespanFailed: on entering, when the application reports that it could not start.
    """
    lifespan = Lifespan(app)
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lifespan.run)
        try:
            await lifespan.start_up()
            yield lifespan.state
        except Exception as exc:
            failure = exc  # raised outside the nursery, which would wrap it in a group
        finally:
            with trio.move_on_at(min(trio.current_time() + shutdown_seconds, stop_by()), shield=True):
                await lifespan.shut_down()
            lifespan.end()
    if failure is not None:
        raise failure


@final
class Lifespan:
    """One lifespan call of an application: the task that runs it, start-up and shutdown.

    Attributes:
        state: what the application wants its requests to see; it fills it while it starts.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.state: State = {}
        self._app = app
        # Shielded, so that a cancelled server still shuts its application down; `end` is what ends it.
        self._scope = trio.CancelScope(shield=True)
        self._to_app, self._from_server = trio.open_memory_channel[Event](2)  # the two messages there are
        self._started = trio.Event()
        self._returned = trio.Event()
        self._serving = False  # it said startup.complete and has not returned since
        self._stopped = False  # it said shutdown.complete or shutdown.failed
        self._refusal: str | None = None

    async def run(self) -> None:
        """Call the application and return when it does. What it raises is logged."""
        scope: Scope = {"type": "lifespan", "asgi": LIFESPAN_VERSIONS, "state": self.state}
        try:
            with self._scope:
                await cast("PreciseApp", self._app)(scope, self.receive, self.send)
        except Exception as exc:
            self._failed(exc)
        finally:
            self._serving = False
            self._started.set()
            self._returned.set()

    async def start_up(self) -> None:
        """Tell the application to start and wait until it has, or turns out not to speak lifespan.

        Raises:
            LifespanFailed: it reported that it cannot.
        """
        self._to_app.send_nowait({"type": "lifespan.startup"})
        await self._started.wait()
        if self._refusal is not None:
            raise LifespanFailed(self._refusal)

    async def shut_down(self) -> None:
        """Tell an application that has started to stop, and wait until it has returned."""
        if self._serving:
            self._to_app.send_nowait({"type": "lifespan.shutdown"})
            await self._returned.wait()

    def end(self) -> None:
        """End the call, whatever it is doing."""
        if self._serving:
            logger.warning("application did not shut down in time and is cancelled")
        self._scope.cancel()

    async def receive(self) -> Event:
        """Return the next message. An application that waits for more after it has stopped is ended here."""
        if self._stopped:
            self._scope.cancel()
        return await self._from_server.receive()

    async def send(self, message: Mapping[str, object]) -> None:
        """Take a message of the application.

        Raises:
            InvalidMessage: it is not one of the four in the protocol.
        """
        await trio.lowlevel.checkpoint()
        text = str(message.get("message", ""))
        match message.get("type"):
            case "lifespan.startup.complete":
                self._serving = True
                self._started.set()
            case "lifespan.startup.failed":
                self._refusal = text or "the application could not start"
                self._started.set()
            case "lifespan.shutdown.complete":
                self._stopped = True
            case "lifespan.shutdown.failed":
                logger.error("application could not shut down: %s", text)
                self._stopped = True
            case other:
                raise InvalidMessage(f"unexpected message type {other!r}")

    def _failed(self, exc: Exception) -> None:
        if self._started.is_set():
            logger.error("application failed in its lifespan", exc_info=exc)
        else:
            logger.info("application does not speak the lifespan protocol", exc_info=exc)
