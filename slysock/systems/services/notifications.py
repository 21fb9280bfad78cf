"""Notifications: a room per user, those that waited, those that come live, and those that were read."""

from typing import Final, cast, final

from slysock import Socket
from slysock.systems.domain import ConnectionKey, Domain, DomainError
from slysock.systems.domain.notifications import Notice, Notifications
from slysock.systems.emitter import Emitter
from slysock.systems.ids import UserName, key_of
from slysock_store import Json, Notification, NotificationId, UserKey

from .announcing import reply, tell_with_self
from .payloads import MarkNotificationRead, NewNotice
from .rooms import notification_room
from .sessions import Sessions
from .shapes import Counted, Done, NotificationReadShape, NotificationShape, UnreadCountShape
from .views import notification_shape

NEW_NOTIFICATION: Final = "new-notification"
NOTIFICATION_READ: Final = "notification-read"
ALL_READ: Final = "all-notifications-read"
UNREAD_COUNT: Final = "unread-count"


@final
class NotificationEvents:
    """The events about notifications, and sending them from outside of sockets."""

    def __init__(self, domain: Domain, sessions: Sessions, notifications: Notifications, emitter: Emitter) -> None:
        self._domain = domain
        self._sessions = sessions
        self._notifications = notifications
        self._emitter = emitter

    async def join(self, socket: Socket, user_id: UserName) -> Done:
        """Get notifications live; those that have waited come at once, oldest first.

        An admin who names somebody else looks on: what waits for that user keeps waiting.
        """
        session = await self._sessions.session_of(socket)
        named = session.named(user_id)
        if named != session.key:
            socket.join(notification_room(named))
            return Done()
        waiting = await self._open(socket, named)
        if waiting:
            socket.after_ack(self._hand_over, socket, named, waiting)
        return Done()

    def _hand_over(self, socket: Socket, user: UserKey, waiting: list[Notification]) -> None:
        deliveries = self._notifications.deliveries
        new = [one for one in waiting if socket.id not in deliveries.holders(user, one.id)]
        for notification in new:
            socket.emit(NEW_NOTIFICATION, notification_shape(notification, is_handed_over=True))
        deliveries.sent(user, (socket,), [notification.id for notification in new])

    async def _open(self, socket: Socket, user: UserKey) -> list[Notification]:
        """Listen, then look what has waited: what is stored meanwhile is sent one of the two ways."""
        connection = ConnectionKey(socket.id)
        is_new = self._domain.listening.user_of(connection) is None
        if is_new:
            self._domain.listening.arrive(user, connection)
            socket.join(notification_room(user))
        try:
            return await self._notifications.all_waiting(user)
        except DomainError:
            if is_new:
                self._domain.listening.leave(connection)
                socket.leave(notification_room(user))
            raise

    async def mark_read(self, socket: Socket, payload: MarkNotificationRead) -> Done:
        """Mark one of one's own notifications as read, on all of one's sockets."""
        session = await self._sessions.session_of(socket)
        read = await self._notifications.mark_read(session.key, NotificationId(payload.notification_id))
        shape = NotificationReadShape(notification_id=read.id)
        tell_with_self(socket, (notification_room(session.key),), NOTIFICATION_READ, shape)
        return Done()

    async def mark_all_read(self, socket: Socket, user_id: UserName) -> Counted:
        """Mark all of one's notifications as read, on all of one's sockets."""
        session = await self._sessions.session_of(socket)
        user = session.named(user_id)
        count = await self._notifications.mark_all_read(user)
        tell_with_self(socket, (notification_room(user),), ALL_READ)
        return Counted(count=count)

    async def unread_count(self, socket: Socket, user_id: UserName) -> Counted:
        """Count one's unread notifications."""
        session = await self._sessions.session_of(socket)
        count = await self._notifications.count_unread(session.named(user_id))
        reply(socket, UNREAD_COUNT, UnreadCountShape(count=count))
        return Counted(count=count)

    async def notify(self, notice: NewNotice) -> NotificationShape:
        """Store a notification and deliver it, live or when its user next joins.

        Raises:
            Invalid, Busy, Unavailable: see there.
        """
        stored = await self._notifications.notify(
            Notice(
                user=key_of(notice.user_id),
                kind=notice.type,
                content=cast("Json", notice.content),  # as its constructor has found out
                channel=notice.channel,
                priority=notice.priority,
            ),
            self._announce,
        )
        return notification_shape(stored, is_handed_over=self._domain.listening.is_here(stored.user))

    def emit(self, user: UserKey, notification: object) -> None:
        """Send something to whoever gets a user's notifications at the moment; nothing is stored."""
        self._emitter.emit_to(notification_room(user), NEW_NOTIFICATION, notification)

    def _announce(self, notification: Notification) -> None:
        """Send a notification; it is delivered by its user's own sockets, not by those of admins who look on."""
        user, room = notification.user, notification_room(notification.user)
        if not self._domain.listening.is_here(user):
            return
        self._emitter.deliver(
            (room,),
            NEW_NOTIFICATION,
            notification_shape(notification, is_handed_over=True),
            item=notification.id,
            to={user: room},
            by=self._notifications.deliveries,
            counts=lambda socket: self._domain.listening.user_of(ConnectionKey(socket.id)) == user,
        )
