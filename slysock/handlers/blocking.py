"""What the application may take of the event loop without giving others a turn, and who is told of more.

Real time counts, whatever Trio's clock is: a test that jumps in time blocks nobody.
"""

import types
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from time import perf_counter
from typing import Final, TypeAlias, TypeVar, cast

from slysock.handlers.functions import name_of

T = TypeVar("T")
R = TypeVar("R")

BLOCKING_SECONDS: Final = 0.1
"""What counts as blocking: a tenth of a second, in which every client of the server waits."""

OnBlock: TypeAlias = Callable[[str, float], None]
"""Told of what blocked, by its name, and for how many seconds."""


def call_timed(on_block: OnBlock, function: Callable[..., R], *arguments: object) -> R:  # type: ignore[explicit-any]  # "..." counts as Any
    """Call a plain function of the application, and tell if it blocks.

    Raises:
        BaseException: what the function raises.
    """
    started = perf_counter()
    try:
        return function(*arguments)
    finally:
        seconds = perf_counter() - started
        if seconds > BLOCKING_SECONDS:
            on_block(name_of(function), seconds)


def run_without_waiting(routine: Coroutine[object, None, None]) -> None:
    """Run a coroutine that is known not to wait for anything, without a task."""
    try:
        routine.send(None)
    except StopIteration:
        return
    raise AssertionError("plain hooks do not wait")


@types.coroutine
def timed(
    routine: Coroutine[object, object, R],
    on_block: Callable[[float], None],
    context: Context | None = None,
) -> Generator[object, object, R]:
    """Run a coroutine in the task that awaits this, step by step.

    Args:
        routine: the coroutine.
        on_block: told when it ran for more than `BLOCKING_SECONDS` without waiting for anything.
        context: what it sees and sets of context variables, where that is not the task's.
    """

    def advance(resume: Callable[[T], object], value: T) -> object:
        started = perf_counter()
        try:
            return resume(value) if context is None else context.run(resume, value)
        finally:
            del value  # an error holds its traceback, and that this frame
            seconds = perf_counter() - started
            if seconds > BLOCKING_SECONDS:
                on_block(seconds)

    sent: object = None
    try:
        step = advance(routine.send, sent)
        while True:
            try:
                sent = yield step
            except BaseException as error:  # noqa: ASYNC103 - thrown into the coroutine, whose own business it is
                step = advance(routine.throw, error)
            else:
                step = advance(routine.send, sent)
    except StopIteration as end:
        return cast("R", end.value)
    finally:
        del sent  # of a cancelled wait it holds the exception, which holds this frame, and all those that cancelled it
