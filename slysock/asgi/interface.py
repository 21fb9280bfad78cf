"""The types of ASGI 3, as far as HTTP and lifespan need them, and what an application can get wrong."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Never, Protocol, final

Scope = dict[str, object]
Event = dict[str, object]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Mapping[str, object]], Awaitable[None]]
PreciseApp = Callable[[Scope, Receive, Send], Awaitable[None]]
State = dict[str, object]
ServerAddress = tuple[str, int | None]

VERSIONS: Final = {"version": "3.0", "spec_version": "2.3"}
LIFESPAN_VERSIONS: Final = {"version": "3.0", "spec_version": "2.0"}


class ASGIApp(Protocol):
    """Any ASGI 3 application.

    Frameworks name the types of the three arguments differently, and none of the names fits another; `Never` accepts
    them all.
    """

    def __call__(self, scope: Never, receive: Never, send: Never, /) -> Awaitable[None]:
        """Serve one request, or the lifespan."""
        ...


@final
class InvalidMessage(Exception):
    """The application sent a message that ASGI does not allow, or not at this point. Raised in the application."""


@final
class LifespanFailed(Exception):
    """The application said that it cannot start; the text is its own."""
