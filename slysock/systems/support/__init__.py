"""Support and order chat: users, restaurants, markets and pharmacies talk with admins, and with each other on orders.

Namespace `/support` and eleven endpoints under `/support`, as in the document "Support & Order Chat - Socket.io Events
Documentation". Messages are sent by HTTP and received by sockets. One event is our own: `refreshToken {token}`, by
which a socket stays connected with a newer token.
"""

from slysock.systems.foundation import Foundation
from slysock.systems.system import System

from .emissions import EMITS
from .events import make_routers
from .managing import make_manage
from .people import ADMIN, MARKET, PHARMACY, RESTAURANT, USER
from .rest import make_rest
from .service import NAME, Support
from .story import tell

__all__ = ["NAME", "support"]


def support(foundation: Foundation) -> System:
    """Make the system; a `SystemMaker`."""
    service = Support(foundation)
    return System(
        name=NAME,
        routers=make_routers(service),
        run=service.outgoing.run,
        rest=(make_rest(service),),
        manage=make_manage(service.managing),
        emits=EMITS,
        roles=(USER, RESTAURANT, MARKET, PHARMACY, ADMIN),
        story=tell,
        started=service.started,
    )
