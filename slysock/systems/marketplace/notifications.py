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
        """Send what the user has not received, page by page; one empty page if there is nothing.

        Without what this socket got live meanwhile.
        """
        total, before, user = 0, None, session.person.key
        deliveries = self._notifications.deliveries
        for number in range(1, MAX_WAITING_PAGES + 1):
            waiting = await self._notifications.waiting(user, before=before, limit=DEFAULT_PAGE_SIZE)
            total = waiting.total_records if number == 1 else total
            new = [item for item in waiting.items if socket.id not in deliveries.holders(user, item.id)]
            if new or number == 1:
                pagination = paginate(page=number, limit=DEFAULT_PAGE_SIZE, total_records=total)
                listing = Listing(items=tuple(map(notification_shape, new)), pagination=pagination)
                socket.emit(OFFLINE_NOTIFICATIONS, Envelope(data=listing))
                deliveries.sent(user, (socket,), [item.id for item in new])
            if len(waiting.items) < DEFAULT_PAGE_SIZE:
                return
            before = waiting.items[-1].id

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
        self._announcer.deliver(
            notification.user,
            NOTIFICATION_EVENT,
            notification_shape(notification),
            item=notification.id,
            deliveries=self._notifications.deliveries,
        )
