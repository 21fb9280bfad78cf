"""Which handler an event goes to: the frozen table that is made of what routers have registered."""

import itertools
from collections.abc import Iterable
from typing import final

from slysock.errors import InvalidPayload
from slysock.handlers.functions import Function, is_coroutine_function
from slysock.handlers.handler import Handler
from slysock.handlers.router import Router
from slysock.handlers.signature import Kind, kind_of
from slysock_protocol.socketio import Body, decode_array


@final
class Route:
    """The handlers of one event: usually one, else several whose arguments cannot be mistaken for each other.

    Attributes:
        only: the one handler, where there is one.
    """

    __slots__ = ("_handlers", "name", "only")

    def __init__(self, name: str, handlers: list[Handler]) -> None:
        self.name = name
        self._handlers = handlers
        self.only = handlers[0] if len(handlers) == 1 else None

    def pick(self, body: Body) -> tuple[Handler, Body]:
        """Find the handler that an event is meant for; the body comes back decoded.

        Raises:
            InvalidPayload: none.
            RemoteProtocolError: it is not the body of an event.
        """
        items = decode_array(body)
        kinds: list[Kind] = [kind_of(item) for item in items[1:]]
        for handler in self._handlers:
            if handler.signature.accepts(kinds):
                return handler, items
        text = f"no handler of this event takes {', '.join(kinds) or 'no arguments'}"
        raise InvalidPayload(text, place="the number or the kinds of arguments")

    @property
    def fallback(self) -> Handler:
        """The handler whose error hook answers for arguments that none takes."""
        return self._handlers[0]


@final
class Hook:
    """A function for a moment in a client's life, and the error hook of its router."""

    __slots__ = ("call", "is_async", "on_error")

    def __init__(self, call: Function, on_error: Function | None) -> None:
        self.call = call
        self.is_async = is_coroutine_function(call)
        self.on_error = on_error


@final
class Table:
    """What the routers of one namespace add up to; frozen.

    Raises:
        ValueError: two handlers of one event could both be meant by the same arguments.
    """

    def __init__(self, routers: Iterable[Router]) -> None:
        self.middleware: list[Hook] = []
        self.connect: list[Hook] = []
        self.disconnect: list[Hook] = []
        self.incoming: list[Function] = []
        self.outgoing: list[Function] = []
        by_event: dict[str, list[Handler]] = {}
        for router in routers:
            for registered, on_error in router.freeze().walk():
                self.middleware += [Hook(call, on_error) for call in registered.middleware]
                self.connect += [Hook(call, on_error) for call in registered.connect]
                self.disconnect += [Hook(call, on_error) for call in registered.disconnect]
                self.incoming += registered.incoming
                self.outgoing += registered.outgoing
                for event, handler in registered.handlers:
                    by_event.setdefault(event, []).append(handler.answered_by(on_error))
        self.routes = {event.encode(): Route(event, handlers) for event, handlers in by_event.items()}
        for event, handlers in by_event.items():
            _refuse_overlaps(event, handlers)


def _refuse_overlaps(event: str, handlers: list[Handler]) -> None:
    for one, other in itertools.combinations(handlers, 2):
        if one.signature.overlaps(other.signature):
            raise ValueError(
                f"{one.signature.name} and {other.signature.name} could both be meant by the same {event!r}; "
                "several handlers of one event need payload types that cannot be mistaken for each other"
            )
