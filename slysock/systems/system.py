"""What a chat system is to whoever serves it."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol, final

import msgspec
import trio

from slysock import Router, Server
from slysock.asgi import HealthCheck

from .demo import Story
from .emissions import Emits
from .foundation import Foundation
from .manage.resources import Manage
from .rest.areas import RestArea

if TYPE_CHECKING:  # who lacks the systems' packages is to be told of those first
    from slysock.telemetry import Gauge


@final
class SystemUnusable(Exception):
    """A system lacks something that it cannot do without; the text is one line for the operator."""


def nothing_to_prepare() -> None:
    """Need nothing."""


def nothing_to_start(server: Server) -> None:
    """Start nothing."""


@final
class System(msgspec.Struct, frozen=True, kw_only=True):
    """A system, ready to be served: see `assemble`, which does what the fields say."""

    name: str
    routers: tuple[Router, ...]
    run: Callable[[], Awaitable[None]] = trio.sleep_forever
    """Runs the system's background work until cancelled; start it once, before the first client connects."""

    rest: tuple[RestArea, ...] = ()
    """Its part of the HTTP API; made by `rest_router`."""

    manage: Manage = Manage()
    """What the management API can do with the system."""

    emits: tuple[Emits, ...] = ()
    """Every event that clients may get, for the AsyncAPI document."""

    roles: tuple[str, ...] = ()
    """The values that `role` may have in its users' tokens; newcomers are advised to try the first."""

    story: Story | None = None
    """What `slysock demo` fills the system with."""

    checks: tuple[HealthCheck, ...] = ()
    """What it cannot do without, for `/readyz`."""

    gauges: tuple["Gauge", ...] = ()
    """What it adds to `/metrics`."""

    measure: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint
    """Called before its gauges are read, for what cannot be read without waiting."""

    prepare: Callable[[], None] = nothing_to_prepare
    """Called before anything is served: the moment to find, by SystemUnusable, that what it needs is not there."""

    started: Callable[[Server], None] = nothing_to_start
    """Called with the server before the first client connects: the moment for `Emitter.bind`."""

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces that clients may join."""
        return tuple(dict.fromkeys(str(router.namespace) for router in self.routers))


class SystemMaker(Protocol):
    """Makes a system on the foundation that all systems share."""

    def __call__(self, foundation: Foundation) -> System:
        """Make the system. Nothing runs yet."""
        ...
