"""The event loop that a server runs in, for what is called from other threads.

Everything of a server belongs to the thread of its loop. Public methods that return nothing may be called from any
thread: from another one they are handed to the loop, which makes the calls in their order. What returns something is
asked of the loop, and what has to be awaited can only be awaited there.

Threads may speak faster than the loop listens: what waits for it is bounded, and the thread that says more is held up
until there is room. One that runs an event loop of its own must not be held up, and is told instead.
"""

import logging
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Condition, get_ident
from typing import Final, TypeVar, TypeVarTuple, final

import sniffio
import trio

logger = logging.getLogger("slysock")

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MAX_CALLS: Final = 10_000
"""What may wait for the loop, all threads together."""

MAX_BYTES: Final = 67_108_864
"""Likewise, of encoded events; or one that is larger."""

MAX_HELD_SECONDS: Final = 10.0
"""How long a thread is held up at most: the loop may be waiting for it."""

_NOBODY: Final = 0  # the id of no thread: those are never zero


@final
class Loop:
    """The loop of one server: known from when it begins to serve, gone when it has ended.

    Attributes:
        thread: the id of its thread while the server runs.
    """

    __slots__ = ("_bytes", "_calls", "_ended", "_room", "_token", "thread")

    def __init__(self) -> None:
        self.thread = _NOBODY
        self._token: trio.lowlevel.TrioToken | None = None
        self._ended = False
        self._room = Condition()  # guards the two below; notified when there is room again
        self._calls = 0  # that wait for the loop
        self._bytes = 0  # in them

    @contextmanager
    def entered(self) -> Generator[None]:
        """Be the running loop for the length of the block.

        Raises:
            RuntimeError: the server has served already.
        """
        if self._token is not None:
            raise RuntimeError("a server serves once; make another one")
        self._token = trio.lowlevel.current_trio_token()
        self.thread = get_ident()
        try:
            yield
        finally:
            self.thread = _NOBODY
            with self._room:
                self._ended = True
                self._room.notify_all()

    def run(self, call: Callable[[*Ts], object], *args: *Ts, size: int = 0) -> None:
        """Make a plain call in the loop: at once where that is the caller's own, otherwise soon and in order.

        Args:
            call: what to call.
            args: with what.
            size: how many bytes wait with it. The thread is held up while too much waits.

        Raises:
            RuntimeError: the caller is elsewhere, and the server has ended, or too much waits for its loop.
        """
        if get_ident() == self.thread or (token := self._elsewhere()) is None:
            call(*args)
            return
        self._take_room(size)
        try:
            token.run_sync_soon(self._make, size, call, *args)
        except trio.RunFinishedError:
            raise _over() from None

    def run_first(self, call: Callable[[], object]) -> None:
        """Make a plain call in the loop whatever waits for it; what `run` is told otherwise.

        Raises:
            RuntimeError: the caller is elsewhere, and the server has ended.
        """
        if get_ident() == self.thread or (token := self._elsewhere()) is None:
            call()
            return
        try:
            token.run_sync_soon(_contained, call)
        except trio.RunFinishedError:
            raise _over() from None

    def _take_room(self, size: int) -> None:
        """Count a call from another thread; wait for room.

        Raises:
            RuntimeError: there is none in time, or the caller cannot wait; or the server has ended.
        """
        with self._room:
            seconds = 0.0 if _runs_a_loop() else MAX_HELD_SECONDS
            if not self._room.wait_for(lambda: self._ended or self._has_room(size), seconds):
                raise RuntimeError(f"too much waits for the server's event loop: {self._calls} calls")
            if self._ended:
                raise _over()
            self._calls += 1
            self._bytes += size

    def _has_room(self, size: int) -> bool:
        return self._calls < MAX_CALLS and (not self._bytes or self._bytes + size <= MAX_BYTES)

    def _make(self, size: int, call: Callable[[*Ts], object], *args: *Ts) -> None:
        with self._room:
            self._calls -= 1
            self._bytes -= size
            self._room.notify_all()
        _contained(call, *args)

    def ask(self, call: Callable[[], T]) -> T:
        """Make a plain call in the loop and return what it returns; from elsewhere, this blocks until it has.

        Raises:
            RuntimeError: the caller is elsewhere, and the server has ended.
        """
        if get_ident() == self.thread or (token := self._elsewhere()) is None:
            return call()
        answer: Future[T] = Future()
        try:
            token.run_sync_soon(_answer, answer, call)
        except trio.RunFinishedError:
            raise _over() from None
        return answer.result()

    def check(self) -> None:
        """Make sure that the caller may wait for what happens in the loop.

        Raises:
            RuntimeError: it is elsewhere.
        """
        if get_ident() != self.thread and self._elsewhere() is not None:
            raise RuntimeError(
                "this can only be awaited in the server's event loop; from a thread that Trio started, "
                "use trio.from_thread.run(socket.call, …)"
            )

    def _elsewhere(self) -> trio.lowlevel.TrioToken | None:
        """Return the way into the loop, or None where none is needed: before the start nobody is there to be disturbed.

        Raises:
            RuntimeError: the server has ended.
        """
        if self._token is None:
            return None
        if trio.lowlevel.in_trio_run() and trio.lowlevel.current_trio_token() is self._token:
            return None  # the loop goes on without the server, and whoever is left in it may end in peace
        if self._ended:
            raise _over()
        return self._token


def _runs_a_loop() -> bool:
    """Tell whether this thread has an event loop, which would stand still if it was held up."""
    try:
        sniffio.current_async_library()
    except sniffio.AsyncLibraryNotFoundError:
        return False
    return True


def _contained(call: Callable[[*Ts], object], *args: *Ts) -> None:
    """Make a call that nobody waits for: what it raises would end the loop."""
    try:
        call(*args)
    except Exception:
        logger.exception("what another thread has asked for failed")


def _answer(answer: Future[T], call: Callable[[], T]) -> None:
    try:
        answer.set_result(call())
    except Exception as error:  # the asker's to hear
        answer.set_exception(error)


def _over() -> RuntimeError:
    return RuntimeError("the server has ended")
