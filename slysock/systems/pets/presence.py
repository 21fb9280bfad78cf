"""`online`: users are seen as online from when they send it until the last socket that sent it leaves."""

from typing import final

from slysock import DisconnectReason, Socket
from slysock.systems.domain import ConnectionKey, Domain

from .sessions import Sessions
from .shapes import Done


@final
class PresenceEvents:
    """Who is active."""

    def __init__(self, domain: Domain, sessions: Sessions) -> None:
        self._domain = domain
        self._sessions = sessions

    async def online(self, socket: Socket) -> Done:
        """Be seen as online until the socket leaves."""
        user = (await self._sessions.session_of(socket)).key
        if self._domain.online.user_of(ConnectionKey(socket.id)) is None:
            self._domain.online.arrive(user, ConnectionKey(socket.id))
        await self._domain.users.touch(user)
        return Done()

    async def disconnect(self, socket: Socket, reason: DisconnectReason) -> None:
        """Forget a socket; its user is offline if no other one has sent `online`. A disconnect hook."""
        self._domain.online.leave(ConnectionKey(socket.id))
        await self._sessions.connecting.disconnect(socket, reason)
