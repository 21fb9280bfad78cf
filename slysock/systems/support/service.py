"""The parts of the system together, as its events, its HTTP API and the management API use them."""

from typing import final

import msgspec

from slysock.systems.domain import Domain, make_domain
from slysock.systems.domain.lineup import Lineup
from slysock.systems.domain.oversight import Oversight
from slysock.systems.domain.posting import Posts
from slysock.systems.domain.references import References
from slysock.systems.voice import Voice
from slysock_store import Store, SystemName

from .announcing import Announcer
from .desk import Desk
from .opening import Opening
from .order_book import REFERENCE_KIND, OrderBook
from .orders import Orders
from .reading import Reading
from .sending import Sending
from .updating import Updating


@final
class Service(msgspec.Struct, frozen=True, kw_only=True):
    """What can be done here, whoever asks and by whatever way."""

    domain: Domain
    desk: Desk
    reading: Reading
    sending: Sending
    opening: Opening
    updating: Updating
    orders: Orders
    lineup: Lineup
    """What is to be announced behind the answers of requests."""


def make_service(store: Store, name: SystemName, voice: Voice) -> Service:
    """Put it together. The store stays the caller's and must outlive it."""
    domain, oversight = make_domain(store, name), Oversight(store, name)
    desk, announcer = Desk(domain, oversight), Announcer(voice)
    sending = Sending(desk, Posts(store, name), announcer)
    opening = Opening(desk, sending, announcer)
    book = OrderBook(oversight, References(store, name, kind=REFERENCE_KIND))
    return Service(
        domain=domain,
        desk=desk,
        reading=Reading(desk),
        sending=sending,
        opening=opening,
        updating=Updating(desk, sending, announcer),
        orders=Orders(desk, book, opening, sending, announcer),
        lineup=Lineup(),
    )
