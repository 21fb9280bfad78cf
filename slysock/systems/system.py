"""What a chat system is to whoever serves it."""

from collections.abc import Awaitable, Callable
from typing import Protocol, final

import msgspec

from slysock import Router
from slysock.tokens import Tokens
from slysock_store import Store


@final
class System(msgspec.Struct, frozen=True, kw_only=True):
    """A system, ready to be served: `Server(*system.routers)` with `system.run` in a task beside it."""

    name: str
    routers: tuple[Router, ...]
    run: Callable[[], Awaitable[None]]
    """Keeps the system's deadlines until cancelled; start it before the first client comes, once."""

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces that clients may join."""
        return tuple(dict.fromkeys(str(router.namespace) for router in self.routers))


class SystemBuilder(Protocol):
    """Makes a system on a store and tokens, which stay the caller's and must outlive it."""

    def __call__(self, store: Store, tokens: Tokens) -> System:
        """Make the system. Nothing runs yet."""
        ...
