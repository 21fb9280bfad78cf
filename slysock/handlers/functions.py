"""What can be a handler: functions, bound methods, partials, objects with `__call__`, and what wraps any of them."""

import functools
import inspect
from collections.abc import Callable
from typing import TypeAlias, cast

Function: TypeAlias = Callable[..., object]  # type: ignore[explicit-any]  # "..." counts as Any; any handler fits
"""A handler or hook, whatever its parameters are."""


def is_coroutine_function(function: Function) -> bool:
    """Tell whether a call gives something to wait for.

    Looks through partials, methods and `functools.wraps`, and at the `__call__` of objects. A plain wrapper of a
    coroutine function that returns its coroutine counts as one: that is what `wraps` says of it.
    """
    return inspect.iscoroutinefunction(annotated(function))


def name_of(function: Function) -> str:
    """Name a function for people who read an error."""
    innermost = _innermost(function)
    name: object = getattr(innermost, "__qualname__", None)
    return name if isinstance(name, str) else type(innermost).__qualname__


def annotated(function: Function) -> Function:
    """Return the function that has the annotations and the code."""
    innermost = _innermost(function)
    if inspect.isroutine(innermost) or inspect.isclass(innermost):
        return innermost
    return cast("Function", type(innermost).__call__)


def _innermost(function: Function) -> Function:
    """Take off partials and wrappers."""
    while True:
        wrapped: object = getattr(function, "__wrapped__", None)
        if isinstance(function, functools.partial | functools.partialmethod):
            function = cast("Function", function.func)
        elif callable(wrapped):
            function = wrapped
        else:
            return function
