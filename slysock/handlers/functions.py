"""What can be a handler: functions, bound methods, partials, objects with `__call__`, and what wraps any of them."""

import functools
import inspect
from collections.abc import Callable
from typing import Final, TypeAlias, cast

Function: TypeAlias = Callable[..., object]  # type: ignore[explicit-any]  # "..." counts as Any; any handler fits
"""A handler or hook, whatever its parameters are."""

MAX_LAYERS: Final = 100
"""Partials and wrappers around a function. What has more has none: some proxies answer to every name, `__wrapped__`
among them, with another such proxy."""


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


def parameters_of(function: Function) -> inspect.Signature:
    """Read what a function takes.

    Raises:
        TypeError: that cannot be read.
    """
    try:
        return inspect.signature(function)
    except (TypeError, ValueError) as error:  # it is built in, wraps itself, or claims to have a signature
        raise TypeError(f"{name_of(function)} does not say what it takes: {error}") from None


def _innermost(function: Function) -> Function:
    """Take off partials and wrappers."""
    inner = function
    for _ in range(MAX_LAYERS):
        wrapped: object = getattr(inner, "__wrapped__", None)
        if isinstance(inner, functools.partial | functools.partialmethod):
            inner = cast("Function", inner.func)
        elif callable(wrapped):
            inner = wrapped
        else:
            return inner
    return function
