"""The parts of the system together, as its events, its HTTP API and the management API use them."""

from typing import Final, final

from slysock import Server
from slysock.systems.connecting import Connecting
from slysock.systems.domain import make_domain
from slysock.systems.domain.all_chats import AllChats
from slysock.systems.domain.outgoing_order import OutgoingOrder
from slysock.systems.domain.posts import Posts
from slysock.systems.domain.references import References
from slysock.systems.emitter import Emitter
from slysock.systems.foundation import Foundation
from slysock_store import SystemName

from .access import Access
from .announcing import Announcer
from .changing import Changing
from .failures import show_out
from .managing import Managing
from .opening import Opening
from .order_book import REFERENCE_KIND, OrderBook
from .orders import Orders
from .people import person_of
from .reading import Reading
from .rooms import NAMESPACE
from .sending import Sending
from .sessions import SESSION, Sessions

NAME: Final = SystemName("support")


@final
class Support:
    """Support and order chat of one server.

    Attributes:
        sessions: who asks.
        access: which conversations they may see.
        connecting: how sockets come into the namespace and leave it.
        opening, sending, reading, changing, orders: what requests and events do.
        managing: what another back-end reports.
        outgoing: what is to be announced after the answers to requests; its `run` must run.
    """

    def __init__(self, foundation: Foundation) -> None:
        store, admission = foundation.store, foundation.admission
        domain, all_chats = make_domain(store, NAME), AllChats(store, NAME)
        self._emitter = Emitter(NAMESPACE)
        announcer = Announcer(self._emitter)
        self.outgoing = OutgoingOrder()
        self.sessions = Sessions(domain, admission)
        self.access = Access(domain, all_chats)
        self.sending = Sending(domain, self.access, all_chats, Posts(store, NAME), announcer)
        self.reading = Reading(domain, self.sessions, self.access, all_chats)
        self.changing = Changing(self.access, all_chats, self.sending, announcer)
        self.opening = Opening(domain, self.access, all_chats, self.sending, announcer)
        book = OrderBook(all_chats, References(store, NAME, kind=REFERENCE_KIND))
        self.orders = Orders(self.access, all_chats, book, self.opening, self.sending, announcer)
        self.managing = Managing(domain, self.sessions, self.orders, self.outgoing)
        self.connecting = Connecting(
            admission,
            SESSION,
            presences=[domain.online],
            person_of=person_of,
            sign_in=self.sessions.sign_in,
            show_out=show_out,
            welcome=lambda _socket, person: domain.users.touch(person.key),
            last_left=domain.users.touch,
        )

    def started(self, server: Server) -> None:
        """Find the namespace; see `System.started`."""
        self._emitter.bind(server)
