"""What an application keeps open while its server runs: opened before the first client, closed behind the last.

Opening and closing may hang, and shield themselves from being cancelled; a stop is to end in time all the same. So each
resource is opened and closed in a task of its own, a system task, and a stop waits for it until a deadline.
"""

import logging
import math
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from contextvars import Context, copy_context
from typing import Final, Generic, TypeVar, cast, final

import trio

logger = logging.getLogger("slysock")

T = TypeVar("T")

_LAST_SECONDS: Final = 0.2  # of a stop: for what is cancelled to end


@final
class StoppedEarly(RuntimeError):
    """The server was stopped before it had started."""


@final
class Stop:
    """The end of a server: whether it has been asked for, and when it must be over.

    Args:
        seconds: how long it may take.

    Attributes:
        asked: set when it has been asked for.
    """

    def __init__(self, seconds: float) -> None:
        self.asked = trio.Event()
        self._seconds = seconds
        self._by = math.inf
        self._opening = trio.CancelScope()  # around the wait for a resource to open

    def ask(self) -> None:
        """Ask for it. Called again, it changes nothing."""
        self.asked.set()
        self._opening.cancel()

    @property
    def by(self) -> float:
        """When it must be over, as a time of `trio.current_time()`: never, until it has been asked for."""
        if self._by == math.inf and self.asked.is_set():
            self._by = trio.current_time() + self._seconds
        return self._by

    def close_by(self) -> float:
        """Return until when a resource may take to close itself, before it is cancelled. Whoever closes asks once."""
        return min(self.by, trio.current_time() + self._seconds) - _LAST_SECONDS

    @asynccontextmanager
    async def keeping(self, resource: AbstractAsyncContextManager[T]) -> AsyncGenerator[T]:
        """Keep a resource open for the length of the block, which is cancelled if the resource ends by itself.

        When the block has ended the resource is closed: the time for that is what the stop has left, or all that a stop
        may take where there is none. Then it is cancelled; and left behind where it shields itself from that, which is
        logged.

        Raises:
            StoppedEarly: the stop was asked for before the resource was open.
            Exception: what the resource raises.
        """
        if self.asked.is_set():
            raise StoppedEarly("the server was stopped before it had started")
        kept = _Kept(resource)
        trio.lowlevel.spawn_system_task(kept.run, context=copy_context())
        raised: BaseException | None = None
        try:
            await self._wait_open(kept)
            with kept.body:
                yield kept.value
            kept.close(None)
        except BaseException as error:
            raised = error
            kept.close(error)
            raise
        finally:
            try:
                await self._wait_closed(kept)  # noqa: ASYNC102 - it shields itself, with a deadline
            except trio.Cancelled:  # noqa: ASYNC103 - what the block has raised goes on in its place
                if raised is None:
                    raise
            if kept.failure is not None and kept.failure is not raised:
                raise kept.failure

    async def _wait_open(self, kept: "_Kept[T]") -> None:
        with trio.CancelScope() as self._opening:
            await kept.opened.wait()
        if kept.failure is not None:
            raise kept.failure
        if not kept.opened.is_set():
            raise StoppedEarly("the server was stopped before it had started")
        kept.share_context()

    async def _wait_closed(self, kept: "_Kept[T]") -> None:
        deadline = self.close_by()
        try:
            with trio.move_on_at(deadline):
                await kept.ended.wait()
        finally:
            if not kept.ended.is_set():
                kept.scope.cancel()
                with trio.move_on_at(deadline + _LAST_SECONDS, shield=True):
                    await kept.ended.wait()
            if not kept.ended.is_set():
                logger.error("a lifespan that shields itself from its end goes on after the server has stopped")


@final
class _Kept(Generic[T]):
    """A resource, and the task that opens and closes it.

    Attributes:
        opened: set when it is open, or never will be.
        ended: set when the task has ended.
        body: around what needs the resource; cancelled when the task ends.
        scope: around the task.
        failure: what it has raised.
    """

    def __init__(self, resource: AbstractAsyncContextManager[T]) -> None:
        self.opened = trio.Event()
        self.ended = trio.Event()
        self.body = trio.CancelScope()
        self.scope = trio.CancelScope()
        self.failure: BaseException | None = None
        self._resource = resource
        self._value: T | None = None
        self._context: Context | None = None  # as it was when the resource was open
        self._closing = trio.Event()
        self._reason: BaseException | None = None  # why it is closed, other than for a stop

    @property
    def value(self) -> T:
        """What the resource gives, when it is open."""
        return cast("T", self._value)

    async def run(self) -> None:
        """Open the resource, and close it when that is asked for."""
        try:
            with self.scope:
                async with self._resource as self._value:
                    self._context = copy_context()
                    self.opened.set()
                    await self._wait_closing()
        except trio.Cancelled:  # by the event loop, at its own end
            raise
        except BaseException as error:  # noqa: ASYNC103 - it is raised where the resource is needed
            self.failure = error
        finally:
            self.ended.set()
            self.opened.set()
            self.body.cancel()

    async def _wait_closing(self) -> None:
        await self._closing.wait()
        if self._reason is not None:
            raise self._reason

    def share_context(self) -> None:
        """Set the context variables here that opening the resource has set."""
        for variable, value in (self._context or copy_context()).items():
            if variable.get(None) is not value:
                variable.set(value)

    def close(self, reason: BaseException | None) -> None:
        """Have it closed, maybe because of an error that it is to see; what is opening or cancelled ends at once."""
        if not self.opened.is_set() or _is_cancelled(reason):
            self.scope.cancel()
        self._reason = None if isinstance(reason, StoppedEarly) else reason
        self._closing.set()


def _is_cancelled(error: BaseException | None) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(map(_is_cancelled, cast("BaseExceptionGroup[BaseException]", error).exceptions))
    return isinstance(error, trio.Cancelled)
