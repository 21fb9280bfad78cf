"""Services: clients and providers chat, get notifications, see who is online; whoever needs help has a ticket.

All in the root namespace, which other systems share. Events, payloads and shapes are those of the documents "Real-Time
Socket.IO Integration" and "Real-time Support Chat". The back-end that owns chats and tickets creates them through the
management API; their ids are its own.

What the documents leave open:

- A failure is the event `error {message, event, code}`, the code as an HTTP status. An acknowledgement, where a client
  asks for one, is `{success: true, …}` or `{success: false, message, code}`.
- `user-status-changed` goes to everybody who has sent `user-join`, when a user's status changes. If a user repeats the
  status that is known already, only that socket gets it.
- `set-online-status` lasts until the user's last socket leaves, or until the user sends something else, or `user-join`.
- Whoever sends `join-notifications` gets what has waited for them as `new-notification`, oldest first.
- An admin may name another user where a payload has an id. That counts as looking on: it brings nobody online and
  takes nothing that waits for them. Only its two sides see a chat; only its owner and all admins see a ticket.
- Each of `media` has a `url`, or is one; texts, numbers and booleans beside it are kept. An address is one that a
  browser would show, not run. `messageType` may be any short text except `system`.
- `clientMessageId` in `send-message` and `support-message` makes a retry harmless; `support-message` also takes
  `attachments`, of the same form as `media`.
"""

from slysock.systems.foundation import Foundation
from slysock.systems.system import System

from .emissions import EMITS
from .events import make_routers
from .functions import is_user_online, send_notification, send_notification_to_user
from .managing import make_manage
from .people import ADMIN, CLIENT, PROVIDER
from .service import NAME, Services
from .story import tell

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
    """Make the system; a `SystemMaker`."""
    return system_of(Services(foundation), foundation)


def system_of(service: Services, foundation: Foundation) -> System:
    """Make the system from a `Services` that the caller keeps for the helper functions."""
    return System(
        name=NAME,
        routers=(foundation.root.router, *make_routers(service)),
        manage=make_manage(service.managing),
        emits=EMITS,
        roles=(CLIENT, PROVIDER, ADMIN),
        story=tell,
        started=service.started,
        run=service.run,
    )
