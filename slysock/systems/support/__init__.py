"""Support and order chat: users, restaurants, markets and pharmacies talk with admins, and with each other of an order.

Namespace `/support` and eleven endpoints under `/support`, as in the document "Support & Order Chat - Socket.io Events
Documentation". Messages are sent by HTTP and heard by sockets. Ours is one event beside them: `refreshToken {token}`
prolongs a live socket.
"""

from typing import Final

from slysock.systems.foundation import Foundation
from slysock.systems.system import System
from slysock.systems.voice import Voice
from slysock_store import SystemName

from .events import EMITS, NAMESPACE, support_router
from .managing import make_manage
from .people import ADMIN, MARKET, PHARMACY, RESTAURANT, USER
from .rest import support_area
from .service import make_service
from .story import tell

__all__ = ["NAME", "support"]

NAME: Final = SystemName("support")


def support(foundation: Foundation) -> System:
    """Make the system; see `SystemMaker`."""
    voice = Voice(NAMESPACE)
    service = make_service(foundation.store, NAME, voice)
    return System(
        name=NAME,
        routers=(support_router(service, foundation.admission),),
        run=service.lineup.run,
        rest=(support_area(service),),
        manage=make_manage(service),
        emits=EMITS,
        roles=(USER, RESTAURANT, MARKET, PHARMACY, ADMIN),
        story=tell,
        started=voice.bind,
    )
