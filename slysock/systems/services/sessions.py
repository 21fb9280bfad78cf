"""Who asks: a user of this system, from a socket's first event on. Others share the namespace, and their users."""

from collections.abc import Iterator
from typing import Final, final

from msgspec import Struct
from msgspec.structs import replace

from slysock import Socket
from slysock.identity import Identity
from slysock.systems.admission import Admission, show_out_of_root
from slysock.systems.claims import profile_of
from slysock.systems.connecting import Connecting
from slysock.systems.domain import Domain, NotAllowed, NotAuthenticated
from slysock.systems.emitter import Emitter
from slysock.systems.ids import UserName, key_of
from slysock.systems.socket_keys import Key
from slysock_store import JsonObject, User, UserKey

from .people import ADMIN, Person, person_of, role_of
from .rooms import bearer_room


@final
class Session(Struct, frozen=True, kw_only=True):
    """Whom a socket speaks for."""

    key: UserKey
    user: User
    """As of the socket's first event, its latest token or a later report by the back-end."""

    identity: Identity | None
    """None for a client that was believed without a token."""

    @property
    def is_admin(self) -> bool:
        """Whether the token names an admin; there is no other way to be one."""
        return self.identity is not None and role_of(self.identity) == ADMIN

    def named(self, user_id: UserName) -> UserKey:
        """Check an id of a payload against the token.

        Raises:
            NotAllowed: it is another user's, and the token is not an admin's.
        """
        key = key_of(user_id)
        if key != self.key and not self.is_admin:
            raise NotAllowed("The user id is not yours")
        return key


SESSION: Final = Key("services.session", Session)


@final
class Sessions:
    """The sessions of sockets."""

    def __init__(
        self, domain: Domain, admission: Admission, emitter: Emitter, *, trust_user_join: bool = False
    ) -> None:
        self._domain = domain
        self._admission = admission
        self._emitter = emitter
        self._trust_user_join = trust_user_join
        self._connecting = Connecting(
            admission, SESSION, presences=(), person_of=person_of, sign_in=self.sign_in, show_out=show_out_of_root
        )

    async def session_of(self, socket: Socket) -> Session:
        """Return who asks. A socket's first event here signs its user in.

        Raises:
            NotAuthenticated: nobody, or nobody any more.
        """
        known = SESSION.get(socket)
        if self._admission.maybe_identity(socket) is None:
            if known is not None:
                return known
            raise NotAuthenticated("Send user-join first")
        identity = self._admission.identity_of(socket)
        if known is not None and known.identity is identity:
            return known
        return await self._connecting.enter(socket, identity)

    async def believed_session(self, socket: Socket, user_id: UserName) -> Session:
        """Return who asks, by the id in `user-join` if there is no token and the operator trusts that.

        Nobody becomes an admin that way, and a socket cannot become somebody else.

        Raises:
            NotAuthenticated: nobody, or nobody any more.
        """
        is_nobody = self._admission.maybe_identity(socket) is None and SESSION.get(socket) is None
        if is_nobody and self._trust_user_join:
            person = Person(key_of(user_id))
            SESSION.set(socket, await self.sign_in(person, None))
            socket.join(*person.rooms)
        return await self.session_of(socket)

    async def sign_in(self, person: Person, identity: Identity | None) -> Session:
        """Create or update the user of a token; one without a role leaves the user's as it is."""
        role = "" if identity is None else role_of(identity)
        if not role:
            known = await self.maybe_user(person.key)
            role = "" if known is None else known.role
        profile: JsonObject = {} if identity is None else profile_of(identity)
        user = await self._domain.users.sign_in(person.key, role=role, profile=profile)
        return Session(key=person.key, user=user, identity=identity)

    def renew(self, user: User) -> None:
        """Update the sessions of a user's sockets with the user's record."""
        for socket in self._emitter.sockets_in(bearer_room(user.key)):
            known = SESSION.get(socket)
            if known is not None:
                SESSION.set(socket, replace(known, user=user))

    async def maybe_user(self, key: UserKey) -> User | None:
        """Return a user; None for an unknown one."""
        return (await self._domain.users.find([key])).get(key)


def sockets_in(socket: Socket, *rooms: str) -> Iterator[tuple[UserKey, Socket]]:
    """Yield the sockets in some rooms of this socket's namespace that speak for somebody, and for whom."""
    for other in socket.namespace.to(*rooms).sockets():
        session = SESSION.get(other)
        if session is not None:
            yield session.key, other
