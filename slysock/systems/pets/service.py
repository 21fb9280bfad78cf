"""The parts of the system together, as its events, its HTTP API and the management API use them."""

from typing import Final, final

import trio

from slysock import Server
from slysock.systems.domain import make_domain
from slysock.systems.domain.all_chats import AllChats
from slysock.systems.domain.outgoing_order import OutgoingOrder
from slysock.systems.domain.posts import Posts
from slysock.systems.domain.references import References
from slysock.systems.domain.revisions import Revisions
from slysock.systems.emitter import Emitter
from slysock.systems.foundation import Foundation
from slysock.systems.uploads import MediaFolder, Quotas
from slysock_store import SystemName

from .announcing import Announcer
from .changing import Changing
from .managing import LISTING_KIND, Managing
from .media import FILES, USAGE, Media
from .opening import Opening
from .presence import PresenceEvents
from .reading import Reading
from .rooms import ROOT
from .sending import Sending
from .sessions import Sessions
from .typing_signals import TypingSignals

NAME: Final = SystemName("pets")


@final
class Pets:
    """Chats about pets on one server.

    Attributes:
        sessions: who asks, and how sockets come in and leave.
        presence, typing: the events that sockets alone have.
        opening, sending, reading, changing: what sockets and requests do.
        folder, media: files, and the chats that they are in.
        managing: what another back-end reports.
        outgoing: what is to be announced after the answers to requests.
    """

    def __init__(self, foundation: Foundation) -> None:
        store, settings = foundation.store, foundation.settings
        domain = make_domain(store, NAME)
        listings = References(store, NAME, kind=LISTING_KIND)
        self._emitter = Emitter(ROOT)
        self._deliveries = domain.deliveries
        announcer = Announcer(self._emitter, domain.deliveries)
        self.outgoing = OutgoingOrder()
        self.folder = MediaFolder(
            settings.media_path, max_file_bytes=settings.max_media_bytes, min_free_bytes=settings.min_free_bytes
        )
        self.media = Media(
            self.folder,
            domain.chats,
            files=References(store, NAME, kind=FILES),
            usage=References(store, NAME, kind=USAGE),
            quotas=Quotas(per_day=settings.max_user_media_bytes_per_day, in_all=settings.max_user_media_bytes),
        )
        self.sessions = Sessions(domain, foundation.admission, self._emitter)
        self.presence = PresenceEvents(domain, self.sessions)
        self.typing = TypingSignals(domain, self.sessions, announcer)
        self.opening = Opening(domain, AllChats(store, NAME), listings)
        self.sending = Sending(domain, Posts(store, NAME), self.media, announcer)
        self.reading = Reading(domain, listings, announcer)
        self.changing = Changing(domain, Revisions(store, NAME), self.media, announcer)
        self.managing = Managing(domain, self.sessions, listings)

    def started(self, server: Server) -> None:
        """Find the namespace; see `System.started`."""
        self._emitter.bind(server)

    async def run(self) -> None:
        """Run the background work for files, announcements and receipts, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._deliveries.run)
            nursery.start_soon(self.folder.run, self.media.is_needed)
            nursery.start_soon(self.outgoing.run)
            nursery.start_soon(self.reading.older.run)
