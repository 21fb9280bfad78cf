"""Pets: buyers and sellers talk about a pet, or about anything; with pictures and videos.

In the root namespace, which other systems share, and under `/api/chat`. Events, routes, payloads and shapes are those
of the document "Chat System & Socket.IO Documentation". Our own are what the document plans for later (`reactMessage` /
`messageReaction`, `editMessage` / `messageEdited`), `messageDeleted` and `GET /api/chat/media/{name}`.
"""

from slysock.asgi import HealthCheck
from slysock.systems.foundation import Foundation
from slysock.systems.system import System
from slysock.telemetry import Gauge

from .emissions import EMITS
from .events import make_routers
from .managing import make_manage
from .rest import make_rest
from .service import NAME, Pets
from .story import tell

__all__ = ["NAME", "pets"]


def pets(foundation: Foundation) -> System:
    """Make the system; a `SystemMaker`."""
    service = Pets(foundation)
    return System(
        name=NAME,
        routers=(foundation.root.router, *make_routers(service)),
        run=service.run,
        rest=(make_rest(service),),
        manage=make_manage(service.managing),
        emits=EMITS,
        roles=("buyer", "seller"),
        story=tell,
        checks=(HealthCheck(name="media", look=service.folder.has_room),),
        gauges=(Gauge("slysock_media_free_bytes", "Free on the disk of uploads", lambda: service.folder.free_bytes),),
        measure=service.folder.measure,
        prepare=service.folder.prepare,
        started=service.started,
    )
