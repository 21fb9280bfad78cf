"""Support and order chat: users, restaurants, markets and pharmacies talk with admins, and with each other of an order.

Namespace `/support` and eleven endpoints under `/support`, as in the document "Support & Order Chat - Socket.io Events
Documentation". Messages are sent by HTTP and heard by sockets. Ours is one event beside them: `refreshToken {token}`
prolongs a live socket.
"""

from typing import Final

from slysock.systems.emitter import Emitter
from slysock.systems.foundation import Foundation
from slysock.systems.system import System
from slysock_store import SystemName

from .events import EMITS, NAMESPACE, support_router
from .managing import make_manage
from .rest import make_rest
from .service import make_service

__all__ = ["NAME", "support"]

NAME: Final = SystemName("support")


def support(foundation: Foundation) -> System:
    """Make the system; see `SystemMaker`."""
    emitter = Emitter(NAMESPACE)
    service = make_service(foundation.store, NAME, emitter)
    return System(
        name=NAME,
        routers=(support_router(service, foundation.admission),),
        run=service.outgoing.run,
        rest=(make_rest(service),),
        manage=make_manage(service),
        emits=EMITS,
        started=emitter.bind,
    )
