"""The parts of the system together, as its events, its HTTP API and the management API use them."""

from typing import final

import msgspec

from slysock.systems.domain import Domain, make_domain
from slysock.systems.domain.all_chats import AllChats
from slysock.systems.domain.outgoing_order import OutgoingOrder
from slysock.systems.domain.posts import Posts
from slysock.systems.domain.references import References
from slysock.systems.emitter import Emitter
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
    outgoing: OutgoingOrder
    """What is to be announced behind the answers of requests."""


def make_service(store: Store, name: SystemName, emitter: Emitter) -> Service:
    """Put it together. The store stays the caller's and must outlive it."""
    domain, all_chats = make_domain(store, name), AllChats(store, name)
    desk, announcer = Desk(domain, all_chats), Announcer(emitter)
    sending = Sending(desk, Posts(store, name), announcer)
    opening = Opening(desk, sending, announcer)
    book = OrderBook(all_chats, References(store, name, kind=REFERENCE_KIND))
    return Service(
        domain=domain,
        desk=desk,
        reading=Reading(desk),
        sending=sending,
        opening=opening,
        updating=Updating(desk, sending, announcer),
        orders=Orders(desk, book, opening, sending, announcer),
        outgoing=OutgoingOrder(),
    )
