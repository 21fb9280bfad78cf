"""`online`: who is seen as online, from when they say so until the last socket that said it goes."""

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
        """Say that one is active; over when the socket goes."""
        user = (await self._sessions.session_of(socket)).key
        if self._domain.online.user_of(ConnectionKey(socket.id)) is None:
            self._domain.online.arrive(user, ConnectionKey(socket.id))
        await self._domain.users.touch(user)
        return Done()

    async def disconnect(self, socket: Socket, reason: DisconnectReason) -> None:
        """Forget a socket; its user is offline when no other one has said `online`. A disconnect hook."""
        self._domain.online.leave(ConnectionKey(socket.id))
        await self._sessions.connecting.disconnect(socket, reason)
