"""The marketplace: customers and vendors talk about a product.

Namespaces `/presence`, `/chat` and `/notification`; events, payloads and shapes are those of the two documents "Socket
Events Documentation for Chat System". One event in each namespace is our own: `refreshToken {token}`, by which a socket
stays connected with a newer token.
"""

from slysock.systems.foundation import Foundation
from slysock.systems.system import System

from .emissions import EMITS
from .events import make_routers
from .managing import make_manage
from .people import Role
from .service import NAME, Marketplace
from .story import tell

__all__ = ["NAME", "marketplace"]


def marketplace(foundation: Foundation) -> System:
    """Make the system; a `SystemMaker`."""
    service = Marketplace(foundation)
    return System(
        name=NAME,
        routers=make_routers(service),
        manage=make_manage(service.managing),
        emits=EMITS,
        roles=tuple(Role),
        story=tell,
        started=service.started,
        run=service.run,
    )
