"""What every chat system does, whatever its events are called: users, presence, chats, messages and so on.

No event names, wire shapes or sockets. Rules that hold for all systems are applied here; a dialect adds its own and
translates.
"""

from .chats import Chats
from .domain import Domain, make_domain
from .errors import Busy, Conflict, DomainError, Full, Invalid, NotAllowed, NotAuthenticated, NotFound, Unavailable
from .messages import Draft, Messages, Sent
from .notifications import Notifications
from .presence import ConnectionKey, Presence
from .receipts import Receipts
from .users import KnownUsers, Users

__all__ = [
    "Busy",
    "Chats",
    "Conflict",
    "ConnectionKey",
    "Domain",
    "DomainError",
    "Draft",
    "Full",
    "Invalid",
    "KnownUsers",
    "Messages",
    "NotAllowed",
    "NotAuthenticated",
    "NotFound",
    "Notifications",
    "Presence",
    "Receipts",
    "Sent",
    "Unavailable",
    "Users",
    "make_domain",
]
