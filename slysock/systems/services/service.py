"""The parts of the system together, as its events, the management API and Python code of the same process use them."""

import logging
from typing import Final, final

import trio

from slysock import Server
from slysock.systems.domain import make_domain
from slysock.systems.domain.all_chats import AllChats
from slysock.systems.domain.notifications import Notifications
from slysock.systems.domain.posts import Posts
from slysock.systems.emitter import Emitter
from slysock.systems.foundation import Foundation
from slysock_store import SystemName

from .access import Access
from .managing import Managing
from .notifications import NotificationEvents
from .opening import Opening
from .presence import PresenceEvents
from .reading import Reading
from .rooms import ROOT
from .sending import Sending
from .sessions import Sessions
from .statuses import Statuses
from .tickets import Tickets
from .typing_signals import TypingSignals

logger = logging.getLogger("slysock.systems")

NAME: Final = SystemName("services")


@final
class Services:
    """Chats, notifications, presence and tickets of one server.

    Attributes:
        statuses: who is seen as online.
        presence, sending, reading, typing, notifications, tickets: the events.
        managing: what another back-end reports.
    """

    def __init__(self, foundation: Foundation) -> None:
        store, trust = foundation.store, foundation.settings.trust_user_join
        if trust:
            logger.warning("services: clients without a token are believed to be whom their user-join names")
        domain = make_domain(store, NAME)
        all_chats, posts = AllChats(store, NAME), Posts(store, NAME)
        notifications = Notifications(store, NAME)
        self._deliveries = (domain.deliveries, notifications.deliveries)
        self._emitter = Emitter(ROOT)
        self.statuses = Statuses(domain.online)
        sessions = Sessions(domain, foundation.admission, self._emitter, trust_user_join=trust)
        access = Access(domain, all_chats)
        self.presence = PresenceEvents(domain, sessions, self.statuses)
        self.sending = Sending(domain, sessions, access, posts, self.statuses)
        opening = Opening(domain)
        self.reading = Reading(domain, sessions, access, opening)
        self.typing = TypingSignals(sessions, access)
        self.notifications = NotificationEvents(domain, sessions, notifications, self._emitter)
        self.tickets = Tickets(domain, sessions, access, posts, opening)
        self.managing = Managing(domain, sessions, all_chats, self.statuses, self.notifications)

    def started(self, server: Server) -> None:
        """Find the namespace; see `System.started`."""
        self._emitter.bind(server)

    async def run(self) -> None:
        """Keep the store informed of what users have received, until cancelled."""
        async with trio.open_nursery() as nursery:
            for deliveries in self._deliveries:
                nursery.start_soon(deliveries.run)
