"""The system put together."""

from typing import Final, final

import trio

from slysock import Router, Server
from slysock.systems.domain import make_domain
from slysock.systems.domain.all_chats import AllChats
from slysock.systems.domain.outgoing_order import OutgoingOrder
from slysock.systems.domain.posts import Posts
from slysock.systems.domain.references import References
from slysock.systems.domain.revisions import Revisions
from slysock.systems.emitter import Emitter
from slysock.systems.foundation import Foundation
from slysock.systems.manage import Manage, UserRecord
from slysock.systems.rest import RestArea
from slysock.systems.uploads import MediaFolder
from slysock_store import SystemName

from .announcing import Announcer
from .changing import Changing
from .events import ROOT, Events, events_router
from .managing import LISTING_KIND, Managing, make_manage
from .media import REFERENCE_KIND, Media
from .payloads import ListingRecord
from .people import People
from .reading import Reading
from .rest import make_rest
from .sending import Sending
from .sessions import Sessions
from .shapes import ListingShape, PersonShape

NAME: Final = SystemName("pets")


@final
class Pets:
    """Chats about pets on one server.

    Attributes:
        router: its events, without the door of the root namespace.
        api: its part of the HTTP API.
        folder: its files.
    """

    def __init__(self, foundation: Foundation) -> None:
        store, settings = foundation.store, foundation.settings
        domain = make_domain(store, NAME)
        people = People(domain)
        listings = References(store, NAME, kind=LISTING_KIND)
        self._emitter = Emitter(ROOT)
        self.folder = MediaFolder(settings.media_path, max_file_bytes=settings.max_media_bytes)
        media = Media(self.folder, domain.chats, References(store, NAME, kind=REFERENCE_KIND))
        announcer = Announcer(self._emitter)
        sessions = Sessions(domain, people, foundation.admission, self._emitter)
        sending = Sending(domain, Posts(store, NAME), media, announcer)
        reading = self._reading = Reading(domain, AllChats(store, NAME), listings, announcer)
        changing = Changing(domain, Revisions(store, NAME), media, announcer)
        self._managing = Managing(domain, listings, sessions)
        self._outgoing = OutgoingOrder()
        events = Events(
            domain, sessions, announcer, self._outgoing, sending=sending, reading=reading, changing=changing
        )
        self.router: Router = events_router(events, sessions)
        self.api: RestArea = make_rest(
            people, self._outgoing, media=media, sending=sending, reading=reading, changing=changing
        )

    def started(self, server: Server) -> None:
        """Learn where the clients are."""
        self._emitter.bind(server)

    async def run(self) -> None:
        """Keep files, announcements and receipts going, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.folder.run)
            nursery.start_soon(self._outgoing.run)
            nursery.start_soon(self._reading.older.run)

    async def put_user(self, user_id: str, user: UserRecord) -> PersonShape:
        """See `Managing.put_user`."""
        return await self._managing.put_user(user_id, user)

    async def put_listing(self, pet_id: str, listing: ListingRecord) -> ListingShape:
        """See `Managing.put_listing`."""
        return await self._managing.put_listing(pet_id, listing)

    @property
    def manage(self) -> Manage:
        """What the management API can do here."""
        return make_manage(self._managing)
