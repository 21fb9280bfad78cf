"""The namespace `/notification`: what the back-end tells users, live or when they come."""

from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import Final, final

from slysock import DisconnectReason, Router, Socket
from slysock.systems.admission import RefreshToken
from slysock.systems.domain import ConnectionKey, Domain, DomainError, Presence
from slysock.systems.domain.notifications import Notifications
from slysock.systems.domain.times import wire_time
from slysock_store import Notification, UserKey

from .announcing import Announcer
from .envelope import Envelope, Listing, paginate
from .payloads import DEFAULT_PAGE_SIZE
from .people import Role, person_from_key
from .presence import announcement
from .sessions import Sessions, answer_error, show_out
from .shapes import NotificationShape

NOTIFICATION: Final = "/notification"
NOTIFICATION_EVENT: Final = "notification"
OFFLINE_NOTIFICATIONS: Final = "offlineNotifications"

MAX_WAITING_PAGES: Final = 50
"""A thousand notifications at one connect; what is left waits for the next."""


@final
class NotificationEvents:
    """What happens in `/notification`.

    Args:
        domain: of the marketplace.
        notifications: likewise.
        here: counts who is in this namespace.
        sessions: lets them in.
        announcer: the users in this namespace.
    """

    def __init__(
        self, domain: Domain, notifications: Notifications, here: Presence, sessions: Sessions, announcer: Announcer
    ) -> None:
        self._domain = domain
        self._notifications = notifications
        self._here = here
        self._sessions = sessions
        self._announcer = announcer

    async def connect(self, socket: Socket) -> None:
        """Let a user in and hand out what has come while they were away."""
        try:
            identity = await self._sessions.identify(socket)
            session = await self._sessions.admit(socket, identity)
            self._here.arrive(session.person.key, ConnectionKey(socket.id))
            await self._send_waiting(socket, session.person.key)
        except DomainError as error:
            show_out(socket, error)
        except Exception as error:
            show_out(socket, error)
            raise

    async def disconnect(self, socket: Socket, reason: DisconnectReason) -> None:  # noqa: ARG002 - shape of a hook
        """Forget a socket; when a user's last one is gone, those who have a chat with them are told."""
        self._sessions.leave(socket)
        gone = self._here.leave(ConnectionKey(socket.id))
        if gone is not None:
            with suppress(DomainError):  # the store is out of order, which has been logged
                await self._tell_companions(gone)

    async def refresh_token(self, socket: Socket, payload: RefreshToken) -> Envelope:
        """Stay longer by a newer token of the same user."""
        return await self._sessions.refresh(socket, payload)

    def tell(self, notification: Notification) -> None:
        """Send a notification to its user's sockets."""
        self._announcer.tell((notification.user,), NOTIFICATION_EVENT, notification_shape(notification))

    async def _send_waiting(self, socket: Socket, user: UserKey) -> None:
        """Hand out what waits, page by page; without any, one empty page."""
        total: int | None = None
        for number in range(1, MAX_WAITING_PAGES + 1):
            taken = await self._notifications.take_waiting(user, limit=DEFAULT_PAGE_SIZE)
            total = taken.total_records if total is None else total
            items = tuple(notification_shape(notification) for notification in taken.items)
            pagination = paginate(page=number, limit=taken.limit, total_records=total)
            socket.emit(OFFLINE_NOTIFICATIONS, Envelope(data=Listing(items=items, pagination=pagination)))
            if not taken.has_next:
                return

    async def _tell_companions(self, gone: UserKey) -> None:
        event, envelope = announcement(person_from_key(gone), is_online=False)
        is_here: Callable[[UserKey], bool] = self._here.is_here
        async with aclosing(self._domain.chats.companions(gone)) as pages:
            async for companions in pages:
                if is_here(gone):  # back again
                    return
                self._announcer.tell(filter(is_here, companions), event, envelope)


def notification_shape(notification: Notification) -> NotificationShape:
    """Show a notification."""
    person = person_from_key(notification.user)
    return NotificationShape(
        id=notification.id,
        vendor_id=person.id if person.role is Role.VENDOR else None,
        customer_id=person.id if person.role is Role.CUSTOMER else None,
        type=notification.kind,
        channel=notification.channel,
        content=notification.content,
        status=notification.status,
        priority=notification.priority,
        created_at=wire_time(notification.created_at),
        updated_at=wire_time(notification.updated_at),
    )


def notification_router(events: NotificationEvents) -> Router:
    """Make the router of `/notification`."""
    router = Router(NOTIFICATION)
    router.on_connect(events.connect)
    router.on_disconnect(events.disconnect)
    router.on_error(answer_error)
    router.on("refreshToken")(events.refresh_token)
    return router
