"""The parts of the system together, as its events and the management API use them."""

from functools import partial
from typing import Final, TypeAlias, final

import trio

from slysock import Server
from slysock.systems.connecting import Connecting
from slysock.systems.domain import Presence, make_domain
from slysock.systems.domain.notifications import Notifications
from slysock.systems.domain.references import References
from slysock.systems.foundation import Foundation
from slysock_store import SystemName

from .access import Access
from .announcing import Announcer
from .arriving import Arriving
from .changing import Changing
from .failures import show_out
from .managing import PRODUCT_KIND, Managing
from .notifications import NotificationEvents
from .people import Person, person_of
from .presence import PresenceEvents
from .reading import Reading
from .rooms import CHAT, NOTIFICATION, PRESENCE
from .sending import Sending
from .sessions import SESSION, Session, Sessions
from .typing_signals import TypingSignals

NAME: Final = SystemName("marketplace")

SocketConnecting: TypeAlias = Connecting[Person, Session]


@final
class Marketplace:
    """The marketplace of one server.

    Attributes:
        sessions: who each socket speaks for.
        presence, chat, notification: how sockets come into the namespaces of these names and leave them.
        sending, reading, changing, typing: the events of `/chat`.
        managing: what another back-end reports.
    """

    def __init__(self, foundation: Foundation) -> None:
        store, admission = foundation.store, foundation.admission
        domain, here = make_domain(store, NAME), Presence()
        products = References(store, NAME, kind=PRODUCT_KIND)
        company, notified, talking = Announcer(PRESENCE, CHAT), Announcer(NOTIFICATION), Announcer(CHAT)
        self._announcers = (company, notified, talking)
        self.sessions = Sessions(domain, admission, talking)
        access = Access(domain, products)
        self.sending = Sending(domain, self.sessions, access)
        self.reading = Reading(domain, self.sessions, access)
        self.changing = Changing(domain, self.sessions, access)
        self.typing = TypingSignals(self.sessions, access)
        stored = Notifications(store, NAME)
        self._deliveries = (domain.deliveries, stored.deliveries)
        notifications = NotificationEvents(domain, stored, here=here, announcer=notified)
        self.managing = Managing(domain, self.sessions, products, notifications)
        connecting = partial(
            Connecting, admission, SESSION, person_of=person_of, sign_in=self.sessions.sign_in, show_out=show_out
        )
        events, arriving = PresenceEvents(domain, company), Arriving(domain, self.reading)
        self.presence: SocketConnecting = connecting(
            presences=[domain.online], first_came=events.come_online, last_left=events.go_offline
        )
        self.chat: SocketConnecting = connecting(
            presences=[domain.listening], require=arriving.require_online, welcome=arriving.welcome
        )
        self.notification: SocketConnecting = connecting(
            presences=[here], welcome=notifications.welcome, last_left=notifications.go
        )

    def started(self, server: Server) -> None:
        """Find the namespaces; see `System.started`."""
        for announcer in self._announcers:
            announcer.bind(server)

    async def run(self) -> None:
        """Keep the store informed of what users have received, until cancelled."""
        async with trio.open_nursery() as nursery:
            for deliveries in self._deliveries:
                nursery.start_soon(deliveries.run)
