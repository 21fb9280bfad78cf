"""Functions for moments in a client's life: what they must be like, and what they answer."""

import logging
from collections.abc import Awaitable, Coroutine, Iterable
from types import CoroutineType
from typing import NoReturn, Protocol, TypeAlias, TypeVar, cast

from slysock.errors import ConnectionRefused, out_of_group
from slysock.handlers.blocking import OnBlock, call_timed, timed
from slysock.handlers.functions import Function, is_coroutine_function, name_of, parameters_of

logger = logging.getLogger("slysock")

F = TypeVar("F", bound=Function)

Routine: TypeAlias = Coroutine[object, object, object]


class Identified(Protocol):
    """A Socket, of which this module need not know more."""

    @property
    def id(self) -> str:
        """Its id, for the log."""
        ...


def plain(function: F) -> F:
    """Return a function that is called where nothing can be waited for.

    Raises:
        TypeError: it is a coroutine function.
    """
    if is_coroutine_function(function):
        raise TypeError(f"{name_of(function)} must be a plain function")
    return function


def taking(arguments: int, function: F) -> F:
    """Return a function that can be called with so many arguments: checked while its author is looking.

    Raises:
        TypeError: it cannot, or does not say what it takes.
    """
    parameters = parameters_of(function)
    try:
        parameters.bind(*[None] * arguments)
    except TypeError as error:
        raise TypeError(f"{name_of(function)} must take {arguments} argument(s): {error}") from None
    return function


async def ask(function: Function, *arguments: object, is_async: bool, refused_text: str, on_block: OnBlock) -> None:
    """Call a hook that may say no; see `call_hook`.

    Raises:
        ConnectionRefused: it said no, in its own words, or with the given text by returning False.
        TypeError: it said neither yes nor no.
        Exception: what else it raises.
    """
    answer: object = None
    failure: Exception | None = None
    try:
        answer = await call_hook(function, *arguments, is_async=is_async, on_block=on_block)
    except ExceptionGroup as group:
        failure = out_of_group(group)
    if failure is not None:  # outside, as the group would become its context, and hold it
        raise failure
    if answer is False:
        raise ConnectionRefused(refused_text)
    if answer is not None and answer is not True:
        raise TypeError(f"a hook returns None or True to let a client in, or False, and not a {type(answer).__name__}")


async def call_hook(function: Function, *arguments: object, is_async: bool, on_block: OnBlock) -> object:
    """Call a hook, wait for what it returns if it is a coroutine function, and return that; tell if it blocks.

    Raises:
        TypeError: it is none, and yet there would be something to wait for.
    """
    result = call_timed(on_block, function, *arguments)
    if is_async and isinstance(result, Coroutine):
        return await timed(cast("Routine", result), lambda seconds: on_block(name_of(function), seconds))
    if is_async and isinstance(result, Awaitable):  # a wrapper of a coroutine function may have seen to that itself
        return await cast("Awaitable[object]", result)
    if isinstance(result, CoroutineType):
        refuse_coroutine(cast("Routine", result))
    return result


def tell_listeners(
    listeners: Iterable[Function],
    socket: Identified,
    event: str,
    args: tuple[object, ...],
    *,
    which: str,
    on_block: OnBlock,
) -> None:
    """Tell listeners of an event, which is none the worse for them; `which` is for the log."""
    for listener in listeners:
        try:
            call_timed(on_block, listener, socket, event, args)
        except Exception:
            logger.exception("a listener to all %sevents failed at %r for socket %s", which, event, socket.id)


def refuse_coroutine(routine: Routine) -> NoReturn:
    """Say that a plain function gave something to wait for, as a decorated coroutine function does.

    Raises:
        TypeError: always.
    """
    routine.close()
    raise TypeError("a plain function returned something to wait for; make it a coroutine function")
