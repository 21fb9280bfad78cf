"""The marketplace: customers and vendors talk about a product.

Namespaces `/presence`, `/chat` and `/notification`; events, payloads and shapes are those of the two documents "Socket
Events Documentation for Chat System". Ours is one event beside them, in each namespace: `refreshToken {token}` prolongs
a live socket.
"""

from typing import Final

import trio

from slysock import Server
from slysock.systems.domain import Presence, make_domain
from slysock.systems.domain.notifications import Notifications
from slysock.systems.domain.references import References
from slysock.systems.foundation import Foundation
from slysock.systems.system import System
from slysock_store import SystemName

from .announcing import Announcer
from .connecting import CHAT, chat_router
from .emissions import EMITS
from .managing import PRODUCT_KIND, Managing, make_manage
from .notifications import NOTIFICATION, NotificationEvents, notification_router
from .presence import PRESENCE, presence_router
from .sessions import Sessions

__all__ = ["NAME", "marketplace"]

NAME: Final = SystemName("marketplace")


def marketplace(foundation: Foundation) -> System:
    """Make the system; see `SystemMaker`."""
    domain = make_domain(foundation.store, NAME)
    sessions = Sessions(domain, foundation.admission)
    here = Presence()
    notices = Notifications(foundation.store, NAME, listening=here)
    company, notified, talking = Announcer(PRESENCE, CHAT), Announcer(NOTIFICATION), Announcer(CHAT)
    events = NotificationEvents(domain, notices, here, sessions, notified)
    products = References(foundation.store, NAME, kind=PRODUCT_KIND)

    def start(server: Server) -> None:
        for announcer in (company, notified, talking):
            announcer.bind(server)

    return System(
        name=NAME,
        routers=(
            presence_router(domain, sessions, company),
            chat_router(domain, sessions, products),
            notification_router(events),
        ),
        run=trio.sleep_forever,
        manage=make_manage(Managing(domain, products, notices, events, talking)),
        emits=EMITS,
        started=start,
    )
