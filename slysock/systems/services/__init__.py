"""Services: clients and providers chat, get notifications, see who is online; whoever needs help opens a ticket.

All in the root namespace, which other systems share. Events, payloads and shapes are those of the documents "Real-Time
Socket.IO Integration" and "Real-time Support Chat". Chats and tickets are made by the back-end that owns them, through
the management API; their ids are its own.
"""

import trio

from slysock.systems.foundation import Foundation
from slysock.systems.system import System

from .emissions import EMITS
from .functions import is_user_online, send_notification, send_notification_to_user
from .service import NAME, Services

__all__ = [
    "NAME",
    "Services",
    "is_user_online",
    "send_notification",
    "send_notification_to_user",
    "services",
    "system_of",
]


def services(foundation: Foundation) -> System:
    """Make the system; see `SystemMaker`."""
    return system_of(Services(foundation), foundation)


def system_of(service: Services, foundation: Foundation) -> System:
    """Make the system of a `Services` that the caller keeps, for the helper functions."""
    return System(
        name=NAME,
        routers=(foundation.root.router, service.router),
        run=trio.sleep_forever,
        manage=service.manage,
        emits=EMITS,
        started=service.started,
    )
