"""Pets: buyers and sellers talk about a pet, or about anything; with pictures and videos.

In the root namespace, which other systems share, and under `/api/chat`. Events, routes, payloads and shapes are those
of the document "Chat System & Socket.IO Documentation". Ours are, beside them, what the document keeps for later
(`reactMessage` / `messageReaction`, `editMessage` / `messageEdited`), `messageDeleted` and
`GET /api/chat/media/{name}`.
"""

from slysock.systems.foundation import Foundation
from slysock.systems.system import System

from .emissions import EMITS
from .service import NAME, Pets
from .story import tell

__all__ = ["NAME", "Pets", "pets", "system_of"]


def pets(foundation: Foundation) -> System:
    """Make the system; see `SystemMaker`."""
    return system_of(Pets(foundation), foundation)


def system_of(service: Pets, foundation: Foundation) -> System:
    """Make the system of a `Pets` that the caller keeps."""
    return System(
        name=NAME,
        routers=(foundation.root.router, service.router),
        run=service.run,
        rest=(service.api,),
        manage=service.manage,
        emits=EMITS,
        roles=("buyer", "seller"),
        story=tell,
        started=service.started,
    )
