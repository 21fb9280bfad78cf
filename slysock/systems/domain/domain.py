"""The parts of one system's domain together."""

from typing import final

import msgspec

from slysock_store import Store, SystemName

from .chats import Chats
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


def make_domain(store: Store, system: SystemName) -> Domain:
    """Make the domain of one system on a store, which must stay open at least as long."""
    online, listening = Presence(), Presence()
    return Domain(
        users=Users(store, system),
        online=online,
        listening=listening,
        chats=Chats(store, system),
        messages=Messages(store, system, online=online, listening=listening),
        receipts=Receipts(store, system),
    )
