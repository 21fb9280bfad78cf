"""`user-join`, and who is online: counted by sockets, set by users, sent to everybody who has joined."""

from contextlib import suppress
from datetime import datetime
from typing import Final, final

from slysock import DisconnectReason, Socket
from slysock.systems.domain import Conflict, ConnectionKey, Domain, DomainError
from slysock.systems.ids import UserName, key_of
from slysock_store import UserKey

from .announcing import reply, tell_with_self
from .payloads import SetOnlineStatus
from .rooms import EVERYBODY, personal_room
from .sessions import Session, Sessions
from .shapes import StatusKnown, StatusShape
from .statuses import Statuses
from .views import status_shape

STATUS_CHANGED: Final = "user-status-changed"
ONLINE_STATUS: Final = "online-status"


@final
class PresenceEvents:
    """The events about who is online."""

    def __init__(self, domain: Domain, sessions: Sessions, statuses: Statuses) -> None:
        self._domain = domain
        self._sessions = sessions
        self._statuses = statuses

    async def user_join(self, socket: Socket, user_id: UserName) -> StatusKnown:
        """Join as a user: be online, get what is meant for oneself, and who comes online or goes offline.

        An admin who names somebody else gets what is meant for them; that brings nobody online.
        """
        session = await self._sessions.believed_session(socket, user_id)
        named = session.named(user_id)
        if named != session.key:
            status = await self._status_of(named)
            socket.join(personal_room(named), EVERYBODY)
            reply(socket, STATUS_CHANGED, status)
            return StatusKnown(status=status)
        known = await self._come_online(socket, session)
        socket.join(personal_room(named), EVERYBODY)
        return known

    async def set_online_status(self, socket: Socket, payload: SetOnlineStatus) -> StatusKnown:
        """Be seen as online or offline until one's last socket leaves, or until one sends something else."""
        session = await self._sessions.session_of(socket)
        user = session.named(payload.user_id)
        if payload.is_online and user == session.key:
            return await self._come_online(socket, session)
        if not self._statuses.has_socket(user):
            raise Conflict("This user is not connected")
        last_active = await self._touch(user)
        is_changed = self._statuses.show(user, is_online=payload.is_online)
        return self._tell_status(socket, user, last_active, is_changed=is_changed)

    async def get_online_status(self, socket: Socket, user_id: UserName) -> StatusKnown:
        """Get whether somebody is online. An unknown user is not."""
        await self._sessions.session_of(socket)
        status = await self._status_of(key_of(user_id))
        reply(socket, ONLINE_STATUS, status)
        return StatusKnown(status=status)

    async def disconnect(self, socket: Socket, reason: DisconnectReason) -> None:  # noqa: ARG002 - shape of a hook
        """Forget a socket; the user's last one takes them offline."""
        connection = ConnectionKey(socket.id)
        self._domain.listening.leave(connection)
        gone = self._statuses.leave(connection)
        if gone is None:
            return
        last_active: datetime | None = None
        with suppress(DomainError):  # the store is out of order, which has been logged
            last_active = await self._touch(gone)
        if not self._statuses.is_online(gone):  # otherwise they have come back meanwhile, and that has been told
            status = status_shape(gone, is_online=False, last_active=last_active)
            socket.namespace.to(EVERYBODY).emit(STATUS_CHANGED, status)

    async def _come_online(self, socket: Socket, session: Session) -> StatusKnown:
        last_active = await self._touch(session.key)
        is_changed = self._statuses.arrive(session.key, ConnectionKey(socket.id))
        return self._tell_status(socket, session.key, last_active, is_changed=is_changed)

    async def _touch(self, user: UserKey) -> datetime | None:
        return (await self._domain.users.touch(user)).last_active

    async def _status_of(self, user: UserKey) -> StatusShape:
        known = await self._sessions.maybe_user(user)
        last_active = None if known is None else known.last_active
        return status_shape(user, is_online=self._statuses.is_online(user), last_active=last_active)

    def _tell_status(
        self, socket: Socket, user: UserKey, last_active: datetime | None, *, is_changed: bool
    ) -> StatusKnown:
        """Send a status to everybody if it has changed, or else only to the socket that asked."""
        status = status_shape(user, is_online=self._statuses.is_online(user), last_active=last_active)
        if is_changed:
            tell_with_self(socket, (EVERYBODY,), STATUS_CHANGED, status)
        else:
            reply(socket, STATUS_CHANGED, status)
        return StatusKnown(status=status)
