"""What a handler may take of the event loop without giving others a turn, and who is told of more.

Real time counts, whatever Trio's clock is: a test that jumps in time blocks nobody.
"""

from collections.abc import Callable, Coroutine
from time import perf_counter
from typing import Final, TypeAlias

BLOCKING_SECONDS: Final = 0.1
"""What counts as blocking: a tenth of a second, in which every client of the server waits."""

OnBlock: TypeAlias = Callable[[str, float], None]
"""Told of what blocked, by its name, and for how many seconds."""


def run_without_waiting(routine: Coroutine[object, None, None], name: str, on_block: OnBlock) -> None:
    """Run a coroutine that is known not to wait for anything, without a task."""
    started = perf_counter()
    try:
        routine.send(None)
    except StopIteration:
        seconds = perf_counter() - started
        if seconds > BLOCKING_SECONDS:
            on_block(name, seconds)
        return
    raise AssertionError("plain hooks do not wait")
