"""The namespace `/notification`: what the back-end tells users, live or when they connect."""

from typing import Final, cast, final

from slysock import Socket
from slysock.systems.domain import Domain, Presence
from slysock.systems.domain.notifications import Notice, Notifications
from slysock.systems.manage import NewNotice
from slysock_store import Json, Notification, UserKey

from .announcing import Announcer
from .envelope import Envelope, Listing, paginate
from .payloads import DEFAULT_PAGE_SIZE
from .presence import tell_companions
from .sessions import Session
from .shapes import NotificationShape
from .views import notification_shape

NOTIFICATION_EVENT: Final = "notification"
OFFLINE_NOTIFICATIONS: Final = "offlineNotifications"

MAX_WAITING_PAGES: Final = 50
"""A thousand notifications at one connect; the rest waits for the next."""


@final
class NotificationEvents:
    """What happens in `/notification`.

    Args:
        domain: of the marketplace.
        notifications: of the marketplace, too.
        here: counts who is in this namespace.
        announcer: tells the users in this namespace.
    """

    def __init__(self, domain: Domain, notifications: Notifications, here: Presence, announcer: Announcer) -> None:
        self._domain = domain
        self._notifications = notifications
        self._here = here
        self._announcer = announcer

    async def welcome(self, socket: Socket, session: Session) -> None:
        """Send what has come while the user was away, page by page; one empty page if there is nothing."""
        total: int | None = None
        for number in range(1, MAX_WAITING_PAGES + 1):
            taken = await self._notifications.take_waiting(session.person.key, limit=DEFAULT_PAGE_SIZE)
            total = taken.total_records if total is None else total
            items = tuple(notification_shape(notification) for notification in taken.items)
            pagination = paginate(page=number, limit=taken.limit, total_records=total)
            socket.emit(OFFLINE_NOTIFICATIONS, Envelope(data=Listing(items=items, pagination=pagination)))
            if not taken.has_next:
                return

    async def go(self, user: UserKey) -> None:
        """Tell those who have a chat with a user that the user's last socket has left."""
        await tell_companions(user, self._domain.chats, self._here, self._announcer, is_online=False)

    async def notify(self, user: UserKey, notice: NewNotice) -> NotificationShape:
        """Store a notification, and send it to its user now or when they connect."""
        new = Notice(
            user=user,
            kind=notice.type,
            content=cast("Json", notice.content),  # decoded from JSON
            channel=notice.channel,
            priority=notice.priority,
        )
        return notification_shape(await self._notifications.notify(new, self._announce))

    def _announce(self, notification: Notification) -> None:
        self._announcer.tell((notification.user,), NOTIFICATION_EVENT, notification_shape(notification))
