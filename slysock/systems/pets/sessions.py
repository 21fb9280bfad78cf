"""Sockets of this system in the root namespace: whom each speaks for, from when it comes until it goes.

The namespace is shared. A socket is this system's as soon as it has a token, which the door of the namespace has read;
others, which another system may let in without one, are left alone.
"""

from typing import Final, final

from slysock import DisconnectReason, Socket
from slysock.systems.admission import Admission
from slysock.systems.domain import ConnectionKey, Domain
from slysock.systems.emitter import Emitter
from slysock.systems.socket_keys import Key
from slysock_store import MAX_LIMIT, User

from .people import People, Session, user_of
from .rooms import chat_room, personal_room

MAX_JOINED_PAGES: Final = 10
"""The rooms of a thousand chats, the latest ones; messages of others come by the personal room all the same."""

SESSION: Final = Key("pets.session", Session)


@final
class Sessions:
    """Sessions of sockets."""

    def __init__(self, domain: Domain, people: People, admission: Admission, emitter: Emitter) -> None:
        self._domain = domain
        self._people = people
        self._admission = admission
        self._emitter = emitter

    async def connect(self, socket: Socket) -> None:
        """Take a socket in: refresh its user by the token, join its rooms."""
        identity = self._admission.maybe_identity(socket)
        if identity is not None:
            socket.join(personal_room(user_of(identity)))  # before what takes time: nothing is to be missed
            await self.session_of(socket)

    async def session_of(self, socket: Socket) -> Session:
        """Say who asks. Where that failed when the socket came, it is made up for now.

        Raises:
            NotAuthenticated: nobody knows, or not any more.
        """
        identity = self._admission.identity_of(socket)
        known = SESSION.get(socket)
        if known is not None and known.identity is identity:
            return known
        session = await self._people.connect(identity)
        if known is None:
            await self._enter(socket, session)
        SESSION.set(socket, session)
        return session

    async def online(self, socket: Socket) -> None:
        """Note that a user is active."""
        user = (await self.session_of(socket)).key
        if self._domain.online.user_of(ConnectionKey(socket.id)) is None:
            self._domain.online.arrive(user, ConnectionKey(socket.id))
        await self._domain.users.touch(user)

    async def disconnect(self, socket: Socket, reason: DisconnectReason) -> None:  # noqa: ARG002 - the shape of a hook
        """Forget a socket; its user is offline when no other one has said `online`."""
        self._domain.online.leave(ConnectionKey(socket.id))
        user = self._domain.listening.leave(ConnectionKey(socket.id))
        if user is not None:
            await self._domain.users.touch(user)

    def renew(self, user: User) -> None:
        """Let the sockets of a user speak for the user as they are now."""
        for socket in self._emitter.sockets_in(personal_room(user.key)):
            known = SESSION.get(socket)
            if known is not None:
                SESSION.set(socket, Session(known.identity, user))

    async def _enter(self, socket: Socket, session: Session) -> None:
        if self._domain.listening.user_of(ConnectionKey(socket.id)) is None:
            self._domain.listening.arrive(session.key, ConnectionKey(socket.id))
        socket.join(personal_room(session.key))
        for page in range(1, MAX_JOINED_PAGES + 1):
            found = await self._domain.chats.page_of(session.key, page=page, limit=MAX_LIMIT)
            socket.join(*(chat_room(chat.id) for chat in found.items))
            if not found.has_next:
                return
