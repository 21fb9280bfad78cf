"""An application's say in the HTTP requests of Engine.IO, before there is a session: `EngineHooks`.

The moments are those of Node's server: its option `allowRequest`, `io.engine.use`, and the events `initial_headers`,
`headers` and `connection_error` of `io.engine` (engine.io, lib/server.ts). They are registered as the hooks of a Router
are, because they are the same kind of thing one floor below: functions for moments in a client's life.
"""

from collections.abc import Callable
from typing import TypeAlias, TypeVar, final

import msgspec

from slysock.handlers.hooks import plain, taking
from slysock.request import EngineRequest

AnswerHeaders: TypeAlias = dict[str, str | list[str]]
"""Name -> value, or several of them: what a hook adds to the headers of an answer."""


@final
class RefusedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was refused, and why: what Node's `connection_error` has."""

    request: EngineRequest
    """As it came, with all that the client presents: not for logs."""

    status: int
    """Of the answer."""

    code: int | None
    """Engine.IO's: 0 transport unknown, 1 session unknown, 2 bad method, 3 bad request, 4 forbidden, 5 another version
    of the protocol. None where the status says it all, such as 503."""

    message: str
    """What the client is told; empty where the status says it all."""

    reason: str
    """What was wrong, in a word; see RefusalRecord."""

    detail: str
    """The same in more words. Nothing of the request's query, cookies and tokens is in it."""


AllowRequest: TypeAlias = Callable[[EngineRequest], object]
EngineMiddleware: TypeAlias = Callable[[EngineRequest, AnswerHeaders], object]
HeadersHook: TypeAlias = Callable[[EngineRequest, AnswerHeaders], None]
ConnectionErrorHook: TypeAlias = Callable[[RefusedRequest], None]

A = TypeVar("A", bound=AllowRequest)
M = TypeVar("M", bound=EngineMiddleware)
H = TypeVar("H", bound=HeadersHook)
C = TypeVar("C", bound=ConnectionErrorHook)


@final
class EngineHooks:
    """Functions for the HTTP requests of Engine.IO, by polling and WebSocket alike: `Server(root, hooks=hooks)`.

    `allow_request` and `use` take plain functions and coroutine functions. None or True lets a request go on. False, or
    raising ConnectionRefused, refuses it with 403 and Engine.IO's code 4, and the exception's message. Any other value
    or exception is a mistake, which is logged and refuses it with 400 and code 3. For one request the middleware has
    `connect_timeout_seconds`, and so have those that are asked to allow it.

    Requests of pages that `cors_origins` does not allow, and preflights, are answered before any of the hooks.

    Attributes:
        allowing, middleware, initial_headers, headers, connection_error: what has been registered, in order.
    """

    def __init__(self) -> None:
        self.allowing: list[AllowRequest] = []
        self.middleware: list[EngineMiddleware] = []
        self.initial_headers: list[HeadersHook] = []
        self.headers: list[HeadersHook] = []
        self.connection_error: list[ConnectionErrorHook] = []

    def allow_request(self, hook: A) -> A:
        """Register what decides whether a client may open a session: `(request)`.

        Asked once for each session, by the request that opens it and after everything else about that was found right.
        """
        self.allowing.append(taking(1, hook))
        return hook

    def use(self, middleware: M) -> M:
        """Register what sees every request before it is looked at: `(request, headers)`.

        What it puts into `headers` goes with the answer, whatever that is.
        """
        self.middleware.append(taking(2, middleware))
        return middleware

    def on_initial_headers(self, hook: H) -> H:
        """Register a plain function that adds to the headers of a session's first answer: `(request, headers)`."""
        self.initial_headers.append(taking(2, plain(hook)))
        return hook

    def on_headers(self, hook: H) -> H:
        """Register a plain function that adds to the headers of every answer but refusals: `(request, headers)`.

        Called when the answer is given: for a poll, when there is something to say. Its failure is logged, and what
        it has added is left out.
        """
        self.headers.append(taking(2, plain(hook)))
        return hook

    def on_connection_error(self, hook: C) -> C:
        """Register a plain function that learns of every refused request: `(refused)`, a RefusedRequest."""
        self.connection_error.append(taking(1, plain(hook)))
        return hook
