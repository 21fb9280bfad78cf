"""What a user writes down: which handler is for which event, and what else happens in a client's life.

A router belongs to one namespace, or to all those whose names fit a pattern. Several routers may share a namespace; a
table (slysock.handlers.table) is made of them when a server is.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeAlias, TypeVar, final

from slysock.handlers.description import EventDescription
from slysock.handlers.functions import Function
from slysock.handlers.handler import Handler
from slysock.handlers.hooks import plain, taking
from slysock.ids import DisconnectReason
from slysock_protocol.limits import RESERVED_EVENTS

if TYPE_CHECKING:  # for the signatures of what users write, against the direction of all other imports
    from slysock.socketio.client_socket import Socket

P = ParamSpec("P")
R = TypeVar("R")

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
        self, event: str, *, concurrency: int = 1, until_disconnect: bool = False
    ) -> "Callable[[Callable[Concatenate[Socket, P], R]], Callable[Concatenate[Socket, P], R]]":
        """Register the handler of an event: `@router.on("event")`.

        A plain function runs at once when the event arrives, so it must not block; a coroutine function runs in the
        client's dispatcher, one event after the other in the order of arrival. With `concurrency` above 1 up to so
        many of this event run at once for each client, and their order is not kept.

        What has arrived from a client that then leaves by itself is still handled, for at most `leave_grace_seconds`;
        with `until_disconnect` it ends with the client at once. When the server sends a client away, or the client
        breaks a rule, all its handlers are cancelled and what waits for them is forgotten.

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
            self.registrations.handlers.append(
                (event, Handler(handler, concurrency, until_disconnect=until_disconnect))
            )
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
        """Register connection middleware, in order: raise ConnectionRefused, or return False, to keep a client out.

        The client is told by `connect_error`. Returning None or True lets it go on; anything else is a mistake, and
        like any exception it keeps the client out.
        """
        self.registrations.middleware.append(taking(1, middleware))
        return middleware

    def on_connect(self, hook: M) -> M:
        """Register what happens when a client has joined; a coroutine runs before the client's first event.

        Raising ConnectionRefused or a Refusal, or returning False, disconnects the client behind what was emitted to
        it. Any other exception closes its connection, so that clients come again. The error hook is asked first.
        """
        self.registrations.connect.append(taking(1, hook))
        return hook

    def on_disconnect(self, hook: D) -> D:
        """Register what happens when a client has left, after its handlers have ended: `(socket, reason)`.

        `socket.rooms` still says which rooms it was in. A coroutine has `handler_cleanup_seconds` to end.
        """
        self.registrations.disconnect.append(taking(2, hook))
        return hook

    def on_any(self, listener: L) -> L:
        """Register a plain function that sees every event from clients before its handler: `(socket, event, args)`."""
        self.registrations.incoming.append(taking(3, plain(listener)))
        return listener

    def on_any_outgoing(self, listener: L) -> L:
        """Register a plain function that sees every event to clients: `(socket, event, args)`, once for each client."""
        self.registrations.outgoing.append(taking(3, plain(listener)))
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
        self.registrations.on_error = taking(3, plain(hook))
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
