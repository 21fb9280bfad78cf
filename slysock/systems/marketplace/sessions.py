"""Who a socket speaks for: a person of the marketplace, signed in by a token."""

from typing import Final, final

from msgspec import Struct
from msgspec.structs import replace

from slysock import Socket
from slysock.identity import Identity
from slysock.systems.admission import Admission, RefreshToken
from slysock.systems.claims import profile_of
from slysock.systems.domain import Domain
from slysock.systems.socket_keys import Key
from slysock_store import User

from .announcing import Announcer
from .envelope import Envelope, signal
from .people import Person


@final
class Session(Struct, frozen=True, kw_only=True):
    """Whom a socket speaks for."""

    person: Person
    user: User
    """As last reported; what the other side is shown."""


SESSION: Final = Key("marketplace.session", Session)


@final
class Sessions:
    """The sessions of all sockets."""

    def __init__(self, domain: Domain, admission: Admission, announcer: Announcer) -> None:
        self._domain = domain
        self._admission = admission
        self._announcer = announcer

    async def sign_in(self, person: Person, identity: Identity) -> Session:
        """Store what a token says about its bearer."""
        user = await self._domain.users.sign_in(person.key, role=person.role, profile=profile_of(identity))
        return Session(person=person, user=user)

    def session_of(self, socket: Socket) -> Session:
        """Return the session of a socket whose event is being handled.

        Raises:
            NotAuthenticated: it has none, or its token has expired.
        """
        self._admission.identity_of(socket)
        session = SESSION.get(socket)
        assert session is not None
        return session

    async def refresh_token(self, socket: Socket, payload: RefreshToken) -> Envelope:
        """Extend a session with a newer token of the same user; a token that is refused leaves it as it was."""
        await self._admission.refresh(socket, payload.token)
        return signal("Token has been refreshed")

    def renew(self, user: User) -> None:
        """Update the sessions of a user's sockets with how the back-end now describes the user."""
        for socket in self._announcer.sockets_of(user.key):
            session = SESSION.get(socket)
            if session is not None:
                SESSION.set(socket, replace(session, user=user))
