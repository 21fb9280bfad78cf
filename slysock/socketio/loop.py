"""The event loop that a server runs in, for what is called from other threads.

Everything of a server belongs to the thread of its loop. Public methods that return nothing may be called from any
thread: from another one they are handed to the loop, which makes the calls in their order. What returns something is
asked of the loop, and what has to be awaited can only be awaited there.
"""

import logging
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import get_ident
from typing import Final, TypeVar, TypeVarTuple, final

import trio

logger = logging.getLogger("slysock")

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_NOBODY: Final = 0  # the id of no thread: those are never zero


@final
class Loop:
    """The loop of one server: known from when it begins to serve, gone when it has ended.

    Attributes:
        thread: the id of its thread while the server runs.
    """

    __slots__ = ("_ended", "_token", "thread")

    def __init__(self) -> None:
        self.thread = _NOBODY
        self._token: trio.lowlevel.TrioToken | None = None
        self._ended = False

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
            self._ended = True

    def run(self, call: Callable[[*Ts], object], *args: *Ts) -> None:
        """Make a plain call in the loop: at once where that is the caller's own, otherwise soon and in order.

        Raises:
            RuntimeError: the caller is elsewhere, and the server has ended.
        """
        if get_ident() == self.thread or (token := self._elsewhere()) is None:
            call(*args)
        else:
            try:
                token.run_sync_soon(_contained, call, *args)
            except trio.RunFinishedError:
                raise _over() from None

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
