"""The parts of one system's domain together."""

from typing import final

import msgspec

from slysock_store import Store, SystemName

from .chats import Chats
from .deliveries import Deliveries
from .messages import Messages
from .presence import Presence
from .receipts import Receipts
from .users import Users


@final
class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """What a dialect works with."""

    users: Users
    online: Presence
    """Who is seen as online."""

    listening: Presence
    """Who gets messages as they come."""

    chats: Chats
    messages: Messages
    receipts: Receipts
    deliveries: Deliveries
    """What is on its way to those who get messages; must run."""


def make_domain(store: Store, system: SystemName) -> Domain:
    """Make the domain of one system on a store, which must stay open at least as long."""
    online, listening, receipts = Presence(), Presence(), Receipts(store, system)
    deliveries = Deliveries(receipts.mark_received)
    return Domain(
        users=Users(store, system),
        online=online,
        listening=listening,
        chats=Chats(store, system),
        messages=Messages(store, system, online=online, listening=listening, deliveries=deliveries),
        receipts=receipts,
        deliveries=deliveries,
    )
