"""The marketplace: customers and vendors talk about a product.

Namespaces `/presence`, `/chat` and `/notification`; events, payloads and shapes are those of the two documents "Socket
Events Documentation for Chat System". Ours is one event beside them, in each namespace: `refreshToken {token}` prolongs
a live socket.
"""

from typing import Final

from slysock import Server
from slysock.systems.domain import Presence, make_domain
from slysock.systems.domain.notifications import Notifications
from slysock.systems.domain.references import References
from slysock.systems.foundation import Foundation
from slysock.systems.system import System
from slysock_store import SystemName

from .audience import Audience
from .chat import CHAT, chat_router
from .emissions import EMITS
from .gate import Gate
from .managing import PRODUCT_KIND, Managing, manage_marketplace
from .notices import NOTIFICATION, NotificationEvents, notification_router
from .people import Role
from .presence import PRESENCE, presence_router
from .story import tell

__all__ = ["NAME", "marketplace"]

NAME: Final = SystemName("marketplace")


def marketplace(foundation: Foundation) -> System:
    """Make the system; see `SystemMaker`."""
    domain = make_domain(foundation.store, NAME)
    gate = Gate(domain, foundation.admission)
    here = Presence()
    notices = Notifications(foundation.store, NAME, listening=here)
    company, notified, talking = Audience(PRESENCE, CHAT), Audience(NOTIFICATION), Audience(CHAT)
    events = NotificationEvents(domain, notices, here, gate, notified)
    products = References(foundation.store, NAME, kind=PRODUCT_KIND)

    def start(server: Server) -> None:
        for audience in (company, notified, talking):
            audience.bind(server)

    return System(
        name=NAME,
        routers=(
            presence_router(domain, gate, company),
            chat_router(domain, gate, products),
            notification_router(events),
        ),
        manage=manage_marketplace(Managing(domain, products, notices, events, talking)),
        emits=EMITS,
        roles=tuple(Role),
        story=tell,
        started=start,
    )
