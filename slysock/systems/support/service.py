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

from .access import Access
from .announcing import Announcer
from .changing import Changing
from .opening import Opening
from .order_book import REFERENCE_KIND, OrderBook
from .orders import Orders
from .reading import Reading
from .sending import Sending


@final
class Service(msgspec.Struct, frozen=True, kw_only=True):
    """What can be done here, whoever asks and by whatever way."""

    domain: Domain
    access: Access
    reading: Reading
    sending: Sending
    opening: Opening
    changing: Changing
    orders: Orders
    outgoing: OutgoingOrder
    """What is to be announced behind the answers of requests."""


def make_service(store: Store, name: SystemName, emitter: Emitter) -> Service:
    """Put it together. The store stays the caller's and must outlive it."""
    domain, all_chats = make_domain(store, name), AllChats(store, name)
    access, announcer = Access(domain, all_chats), Announcer(emitter)
    sending = Sending(access, Posts(store, name), announcer)
    opening = Opening(access, sending, announcer)
    book = OrderBook(all_chats, References(store, name, kind=REFERENCE_KIND))
    return Service(
        domain=domain,
        access=access,
        reading=Reading(access),
        sending=sending,
        opening=opening,
        changing=Changing(access, sending, announcer),
        orders=Orders(access, book, opening, sending, announcer),
        outgoing=OutgoingOrder(),
    )
