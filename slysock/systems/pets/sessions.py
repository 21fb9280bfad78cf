"""Who asks: whom a token speaks for, on a socket or in a request.

The root namespace is shared. A socket belongs to this system if it has a token, which the door of the namespace has
read; others, which another system may let in without one, are left alone.
"""

from typing import Final, final

from msgspec import Struct

from slysock import Socket
from slysock.identity import Identity
from slysock.systems.admission import Admission, show_out_of_root
from slysock.systems.claims import profile_of
from slysock.systems.connecting import Connecting
from slysock.systems.domain import Domain, DomainError
from slysock.systems.emitter import Emitter
from slysock.systems.ids import normal_role
from slysock.systems.socket_keys import Key
from slysock_store import MAX_LIMIT, Json, JsonObject, User, UserKey

from .failures import answer_error
from .people import Person, person_of
from .rooms import chat_room, personal_room

MAX_JOINED_PAGES: Final = 10
"""The rooms of the thousand latest chats; messages of others come through the personal room all the same."""


@final
class Session(Struct, frozen=True):
    """Whom a token speaks for, and the user's record in the store."""

    identity: Identity
    user: User

    @property
    def key(self) -> UserKey:
        """The user's key."""
        return self.user.key


SESSION: Final = Key("pets.session", Session)


@final
class Sessions:
    """The users of this system, as tokens describe them.

    Attributes:
        connecting: how sockets come in and leave.
    """

    def __init__(self, domain: Domain, admission: Admission, emitter: Emitter) -> None:
        self._domain = domain
        self._admission = admission
        self._emitter = emitter
        self.connecting = Connecting(
            admission,
            SESSION,
            presences=[domain.listening],
            person_of=person_of,
            sign_in=self.sign_in,
            show_out=show_out_of_root,
            welcome=self._join_chats,
            last_left=domain.users.touch,
        )

    async def connect(self, socket: Socket) -> None:
        """Let in a socket whose identity is known. A connect hook.

        If that fails, the socket is told and stays: it is tried again with its next event.
        """
        if self._admission.maybe_identity(socket) is not None:
            try:
                await self.session_of(socket)
            except DomainError as error:
                answer_error(socket, "connect", error)

    async def session_of(self, socket: Socket) -> Session:
        """Return who asks by a socket. If signing in failed when the socket came, it is tried again now.

        Raises:
            NotAuthenticated: nobody, or nobody any more.
        """
        identity = self._admission.identity_of(socket)
        known = SESSION.get(socket)
        if known is not None and known.identity is identity:
            return known
        return await self.connecting.enter(socket, identity)

    async def caller(self, identity: Identity) -> Session:
        """Return who makes a request. A known user is not updated: requests come often, with old tokens.

        Raises:
            NotAuthenticated: the token has the token has an id that no user can have.
        """
        person = person_of(identity)
        known = await self._maybe_known(person)
        return await self._store(person, identity, None) if known is None else Session(identity, known)

    async def sign_in(self, person: Person, identity: Identity) -> Session:
        """Create or update the user of a token, if it says something new."""
        known = await self._maybe_known(person)
        if known is not None and _is_told(known, normal_role(identity.role or ""), profile_of(identity)):
            return Session(identity, known)
        return await self._store(person, identity, known)

    def renew(self, user: User) -> None:
        """Update the sessions of a user's sockets with the user's record."""
        for socket in self._emitter.sockets_in(personal_room(user.key)):
            known = SESSION.get(socket)
            if known is not None:
                SESSION.set(socket, Session(known.identity, user))

    async def _maybe_known(self, person: Person) -> User | None:
        return (await self._domain.users.find([person.key])).get(person.key)

    async def _store(self, person: Person, identity: Identity, known: User | None) -> Session:
        """Store what a token says; one without a role leaves the user's as it is."""
        role = normal_role(identity.role or "") or ("" if known is None else known.role)
        return Session(identity, await self._domain.users.sign_in(person.key, role=role, profile=profile_of(identity)))

    async def _join_chats(self, socket: Socket, session: Session) -> None:
        for page in range(1, MAX_JOINED_PAGES + 1):
            found = await self._domain.chats.page_of(session.key, page=page, limit=MAX_LIMIT)
            socket.join(*(chat_room(chat.id) for chat in found.items))
            if not found.has_next:
                return


def _is_told(user: User, role: str, profile: JsonObject) -> bool:
    same_role = not role or role == user.role
    return same_role and all(_same(user.profile.get(name), value) for name, value in profile.items())


def _same(stored: Json, told: Json) -> bool:
    return type(stored) is type(told) and stored == told
