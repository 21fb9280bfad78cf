"""What a process that does nothing but serve asks of its interpreter and its system, and is asked by it.

Done by `run` and by the command line, never by Server: the process of a larger program is not ours to change.
"""

import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from types import FrameType
from typing import Final, TypeAlias, TypeVar, TypeVarTuple, cast, final

import trio

logger = logging.getLogger("slysock")

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_LAST_SECONDS: Final = 0.5
"""What the event loop may take to end when there is nothing left to do; it needs milliseconds."""

_SignalHandler: TypeAlias = Callable[[int, FrameType | None], object]

_STOPPING: Final = (signal.SIGINT, signal.SIGTERM)

_THRESHOLDS = (10_000, 20, 20)
"""Net new objects before the youngest are looked at, and how often before the older ones are. By default the youngest
are looked at after 700, which with tens of thousands of open connections is a fifth of the time of a new one; and
nothing that slysock makes for a connection needs collecting when it closes."""


_QUIET_SECONDS: Final = 0.1
"""Of processor time in a second in which there is little to do."""

HANGUP: Final[signal.Signals | None] = getattr(signal, "SIGHUP", None)
"""None on Windows."""


def settle_in() -> None:
    """Prepare the process to hold many connections: rare garbage collections, as many files as the system allows."""
    gc.collect()
    gc.freeze()  # what has been imported stays: it need not be looked at again
    gc.set_threshold(*_THRESHOLDS)
    _raise_file_limit()


def _raise_file_limit() -> None:
    """Raise the soft limit of open files to the hard one; where there is no such thing, do nothing."""
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError) as error:
        logger.info("the limit of open files stays at %s: %s", soft, error)


def run_to_the_end(work: Callable[[*Ts], Awaitable[T]], *args: *Ts) -> T:
    """Run work on Trio, and end the process soon after the work has ended, whatever is still running then.

    A handler that shields itself from its end outlives its server, and Trio waits for it, for ever if need be: whoever
    has told the process to stop would have to kill it. The same is true of one that blocks the event loop, or of a
    thread that a start waits for, when `stop_on_signals` has told the process to stop. Then it is logged, and the exit
    code is 1; nothing after this call is reached.
    """
    end = _End()

    async def run() -> T:
        try:
            return await work(*args)
        except BaseException as error:
            end.failure = error
            raise
        finally:
            end.come_in(_LAST_SECONDS)

    token = _end.set(end)
    try:
        return trio.run(run)
    finally:
        _end.reset(token)
        end.cancel()


@final
class _End:
    """The end of a process, which comes from outside of its event loop: that may not even turn any more.

    Attributes:
        failure: what the work has raised.
    """

    def __init__(self) -> None:
        self.failure: BaseException | None = None
        self._timers: list[threading.Timer] = []

    def come_in(self, seconds: float) -> None:
        """End the process after so long, or earlier if that was asked for before."""
        timer = threading.Timer(seconds, self._come)
        timer.daemon = True
        timer.start()
        self._timers.append(timer)

    def cancel(self) -> None:
        """Let it go on: Trio has ended."""
        for timer in self._timers:
            timer.cancel()

    def _come(self) -> None:
        text = "the process ends before what shields itself from its end, or blocks, has ended"
        logger.error(text, exc_info=self.failure)
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(1)


_end: ContextVar[_End | None] = ContextVar("end", default=None)


def ignore_hangups() -> None:
    """Live on when a terminal or a supervisor says SIGHUP; `call_on_hangup` makes something of it."""
    if HANGUP is not None:
        signal.signal(HANGUP, signal.SIG_IGN)


async def call_on_hangup(
    reload: Callable[[], object], *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Call something at each SIGHUP, until cancelled.

    Args:
        reload: must neither wait nor raise.
        task_status: for `nursery.start`: signals are taken from then on.
    """
    if HANGUP is None:
        task_status.started()
        return
    with trio.open_signal_receiver(HANGUP) as signals:
        task_status.started()
        async for _ in signals:
            reload()


async def return_memory(seconds: float) -> None:
    """Give memory that is free back to the system now and then, until cancelled; glibc keeps it for itself otherwise.

    In a thread: 1.3 GB take 160 ms, in which others wait 8 ms at most, as the allocator's lock is theirs in between.

    Args:
        seconds: how long to wait between two times, and then for a quiet moment.
    """
    trim = _find_trim()
    while trim is not None:
        await trio.sleep(seconds)
        await _quiet_second()
        await trio.to_thread.run_sync(trim, 0)


def _find_trim() -> Callable[[int], int] | None:
    """Find malloc_trim(3); None: the allocator is not glibc's."""
    if sys.platform != "linux":
        return None
    import ctypes

    trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim


async def _quiet_second() -> None:
    """Wait until a second has passed in which the process had little to do."""
    busy = True
    while busy:
        before = time.process_time()
        await trio.sleep(1)
        busy = time.process_time() - before > _QUIET_SECONDS


async def stop_on_signals(
    stop: Callable[[], object],
    scope: trio.CancelScope,
    *,
    within: float,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Stop gracefully on SIGINT or SIGTERM, and at once on a second one; runs until it is cancelled.

    Args:
        stop: begins a graceful end. Must not wait.
        scope: what a second signal cancels; may be that of the nursery which this runs in.
        within: how many seconds the end may take; then `run_to_the_end` ends the process.
        task_status: for `nursery.start`: signals are taken from then on.
    """
    with trio.open_signal_receiver(*_STOPPING) as signals:
        _end_in_time(within)
        task_status.started()
        await anext(signals)
        stop()
        await anext(signals)
        scope.cancel()
        await trio.sleep_forever()


def _end_in_time(within: float) -> None:
    """Have a signal end the process in time, even if the event loop, which is told of signals, does not turn."""
    end = _end.get()
    if end is None:  # the process is somebody else's
        return

    def begin(number: int, frame: FrameType | None) -> None:
        end.come_in(within + _LAST_SECONDS)
        told[number](number, frame)

    told: dict[int, _SignalHandler] = {number: cast("_SignalHandler", signal.getsignal(number)) for number in _STOPPING}
    for number in _STOPPING:
        signal.signal(number, begin)  # Trio puts back what was there before
