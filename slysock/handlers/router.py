"""Which handler an event goes to: what a user writes down, and the frozen table that is made of it.

A router belongs to one namespace, or to all those whose names fit a pattern. Several routers may share a namespace.
"""

import copy
import inspect
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Concatenate, Final, Generic, ParamSpec, TypeAlias, TypeVar, final

from slysock.errors import InvalidPayload
from slysock.handlers.description import EventDescription
from slysock.handlers.signature import Function, Kind, Signature, kind_of
from slysock_protocol.limits import RESERVED_EVENTS
from slysock_protocol.socketio import Body, decode_array

if TYPE_CHECKING:
    from slysock.engineio.session import DisconnectReason
    from slysock.socketio.client_socket import Socket

P = ParamSpec("P")
R = TypeVar("R")


@final
class NoAck:
    """The type of NO_ACK."""

    def __repr__(self) -> str:
        return "NO_ACK"


NO_ACK: Final = NoAck()
"""Returned by a handler that does not want the event acknowledged, though the client asked for it."""

Middleware: TypeAlias = "Callable[[Socket], object]"
DisconnectHook: TypeAlias = "Callable[[Socket, DisconnectReason], object]"
ErrorHook: TypeAlias = "Callable[[Socket, str, Exception], object]"
Listener: TypeAlias = "Callable[[Socket, str, tuple[object, ...]], object]"

F = TypeVar("F", bound=Function)
M = TypeVar("M", bound=Middleware)
D = TypeVar("D", bound=DisconnectHook)
L = TypeVar("L", bound=Listener)
E = TypeVar("E", bound=ErrorHook)


@final
class Handler:
    """One function for one event."""

    __slots__ = ("call", "concurrency", "is_async", "on_error", "signature")

    def __init__(self, call: Function, concurrency: int) -> None:
        self.call = call
        self.concurrency = concurrency
        self.is_async = inspect.iscoroutinefunction(call)
        self.signature = Signature(call)
        self.on_error: ErrorHook | None = None

    def answered_by(self, on_error: "ErrorHook | None") -> "Handler":
        """Copy it with an error hook: the same router may be part of several, each with its own."""
        handler = copy.copy(self)
        handler.on_error = on_error
        return handler


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
        raise InvalidPayload(f"no handler of this event takes {', '.join(kinds) or 'no arguments'}")

    @property
    def fallback(self) -> Handler:
        """The handler whose error hook answers for arguments that none takes."""
        return self._handlers[0]


@final
class Hook(Generic[F]):
    """A function for a moment in a client's life, and the error hook of its router."""

    __slots__ = ("call", "is_async", "on_error")

    def __init__(self, call: F, on_error: "ErrorHook | None") -> None:
        self.call = call
        self.is_async = inspect.iscoroutinefunction(call)
        self.on_error = on_error


@final
class Registrations:
    """What has been registered with one router, in order."""

    def __init__(self) -> None:
        self.handlers: list[tuple[str, Handler]] = []  # (event, handler)
        self.middleware: list[Middleware] = []
        self.connect: list[Middleware] = []
        self.disconnect: list[DisconnectHook] = []
        self.incoming: list[Listener] = []
        self.outgoing: list[Listener] = []
        self.on_error: ErrorHook | None = None
        self.included: list[Registrations] = []
        self.frozen = False

    def walk(self, on_error: "ErrorHook | None" = None) -> "Iterator[tuple[Registrations, ErrorHook | None]]":
        """Go through this router and those it includes, each with the error hook that applies to it."""
        on_error = self.on_error or on_error
        yield self, on_error
        for included in self.included:
            yield from included.walk(on_error)


@final
class Router:
    """Handlers of a namespace.

    Args:
        namespace: its name, or a pattern that must match a whole name; namespaces of a pattern are made on demand and
            go when their last client leaves.

    Raises:
        ValueError: a name that does not start with a slash.
    """

    def __init__(self, namespace: str | re.Pattern[str] = "/") -> None:
        if isinstance(namespace, str) and not namespace.startswith("/"):
            raise ValueError(f"a namespace starts with a slash, not {namespace!r}")
        self.namespace = namespace
        self._registrations = Registrations()

    @property
    def registrations(self) -> Registrations:
        """What has been registered.

        Raises:
            RuntimeError: a server uses the router already, so that a change would come too late.
        """
        if self._registrations.frozen:
            raise RuntimeError("this router is in use by a server; register everything before")
        return self._registrations

    def freeze(self) -> Registrations:
        """Take no more, here and in what is included, because a table is made of it; return it."""
        for registered, _ in self._registrations.walk():
            registered.frozen = True
        return self._registrations

    def on(
        self, event: str, *, concurrency: int = 1
    ) -> "Callable[[Callable[Concatenate[Socket, P], R]], Callable[Concatenate[Socket, P], R]]":
        """Register the handler of an event: `@router.on("event")`.

        A plain function runs at once when the event arrives, so it must not block; a coroutine function runs in the
        client's dispatcher, one event after the other in the order of arrival. With `concurrency` above 1 up to so
        many of this event run at once for each client, and their order is not kept.

        What it returns is the acknowledgement, if the client asked for one: a tuple is several values, None none,
        NO_ACK sends no acknowledgement at all.

        Raises:
            ValueError: a reserved event name, or a concurrency below 1.
            TypeError: parameters that an event cannot fill.
        """
        if callable(event):
            raise TypeError('give the event\'s name: @router.on("name")')
        if event in RESERVED_EVENTS:
            raise ValueError(f"{event!r} is a reserved event name; see on_connect and on_disconnect")
        if concurrency < 1:
            raise ValueError("concurrency must be at least 1")

        def register(handler: "Callable[Concatenate[Socket, P], R]") -> "Callable[Concatenate[Socket, P], R]":
            self.registrations.handlers.append((event, Handler(handler, concurrency)))
            return handler

        return register

    def describe(self) -> tuple[EventDescription, ...]:
        """Say which events are taken and how, for documents; also after the router is in use."""
        return tuple(
            _described(event, handler)
            for registered, _ in self._registrations.walk()
            for event, handler in registered.handlers
        )

    def use(self, middleware: M) -> M:
        """Register connection middleware, in order: raise ConnectionRefused to keep a client out."""
        self.registrations.middleware.append(_checked(middleware, 1))
        return middleware

    def on_connect(self, hook: M) -> M:
        """Register what happens when a client has joined; a coroutine runs before the client's first event."""
        self.registrations.connect.append(_checked(hook, 1))
        return hook

    def on_disconnect(self, hook: D) -> D:
        """Register what happens when a client has left, after its handlers have ended: `(socket, reason)`.

        `socket.rooms` still says which rooms it was in. A coroutine has `handler_cleanup_seconds` to end.
        """
        self.registrations.disconnect.append(_checked(hook, 2))
        return hook

    def on_any(self, listener: L) -> L:
        """Register a plain function that sees every event from clients before its handler: `(socket, event, args)`."""
        self.registrations.incoming.append(_checked(_plain(listener), 3))
        return listener

    def on_any_outgoing(self, listener: L) -> L:
        """Register a plain function that sees every event to clients: `(socket, event, args)`, once for each client."""
        self.registrations.outgoing.append(_checked(_plain(listener), 3))
        return listener

    def on_error(self, hook: E) -> E:
        """Register a plain function for what goes wrong in handlers of this router: `(socket, event, error)`.

        It gets InvalidPayload and whatever a handler raises; what it returns is the acknowledgement. Without a hook
        that is `{"error": …}`. A router included in another one has the other's hook unless it has its own.

        Raises:
            ValueError: there is one already.
        """
        if self.registrations.on_error is not None:
            raise ValueError("this router has an error hook already")
        self.registrations.on_error = _checked(_plain(hook), 3)
        return hook

    def include(self, other: "Router") -> None:
        """Make everything that another router of the same namespace registers, before or after, part of this one.

        Raises:
            ValueError: it is for another namespace, or would be part of itself.
        """
        if any(registered is self._registrations for registered, _ in other._registrations.walk()):  # noqa: SLF001 - of the same class
            raise ValueError("a router cannot be part of itself")
        if other.namespace != self.namespace:
            raise ValueError(f"a router for {other.namespace!r} cannot be part of one for {self.namespace!r}")
        self.registrations.included.append(other._registrations)  # noqa: SLF001 - of the same class


def _described(event: str, handler: Handler) -> EventDescription:
    signature = handler.signature
    return EventDescription(
        event=event,
        doc=inspect.getdoc(handler.call) or "",
        arguments=tuple(signature.types),
        required=signature.required,
        rest=signature.rest_type,
        returns=signature.return_type,
    )


def _plain(function: F) -> F:
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"{function.__qualname__} must be a plain function")
    return function


def _checked(function: F, arguments: int) -> F:
    """Refuse a hook that could not be called, while its author is looking."""
    try:
        inspect.signature(function).bind(*[None] * arguments)
    except TypeError as error:
        raise TypeError(f"{function.__qualname__} must take {arguments} argument(s): {error}") from None
    return function


@final
class Table:
    """What the routers of one namespace add up to; frozen.

    Raises:
        ValueError: two handlers of one event could both be meant by the same arguments.
    """

    def __init__(self, routers: Iterable[Router]) -> None:
        self.middleware: list[Hook[Middleware]] = []
        self.connect: list[Hook[Middleware]] = []
        self.disconnect: list[Hook[DisconnectHook]] = []
        self.incoming: list[Listener] = []
        self.outgoing: list[Listener] = []
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
