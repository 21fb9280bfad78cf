"""Who a socket is here: a person of the marketplace, let in by a token and shown out when its time is over.

The document answers a bad token after the connection, not by refusing it: connected, `appError`, disconnected.
"""

from typing import Final, final

from msgspec import Struct
from msgspec.structs import replace

from slysock import Socket
from slysock.identity import Identity
from slysock.systems.admission import Admission, RefreshToken
from slysock.systems.claims import profile_of
from slysock.systems.domain import Domain
from slysock_store import User

from .envelope import ERROR_EVENT, Envelope, app_error, signal
from .people import Person, person_of

_SESSION: Final = "marketplace"  # the key in socket.data


@final
class Session(Struct, frozen=True, kw_only=True):
    """Whom a socket speaks for."""

    person: Person
    user: User
    """As last told; what the other side is shown."""


@final
class Gate:
    """Lets sockets in and keeps their sessions."""

    def __init__(self, domain: Domain, admission: Admission) -> None:
        self._domain = domain
        self._admission = admission

    async def identify(self, socket: Socket) -> Identity:
        """Say whom the token of a socket names; see Admission.identify."""
        return await self._admission.identify(socket)

    async def admit(self, socket: Socket, identity: Identity) -> Session:
        """Open the session of a socket, and its user's personal room.

        Raises:
            DomainError: the user has no place here, or the store is out of order.
        """
        person = person_of(identity)
        user = await self._domain.users.sign_in(person.key, role=person.role, profile=profile_of(identity))
        session = Session(person=person, user=user)
        socket.data[_SESSION] = session
        self._admission.keep(socket, identity, show_out)
        socket.join(person.room)
        return session

    def session_of(self, socket: Socket) -> Session:
        """Give the session of a socket whose event is being handled.

        Raises:
            NotAuthenticated: it has none, or its time is over.
        """
        self._admission.identity_of(socket)
        session = socket.data[_SESSION]
        assert isinstance(session, Session)
        return session

    async def refresh(self, socket: Socket, payload: RefreshToken) -> Envelope:
        """Prolong a session by a newer token of the same user: the event `refreshToken`.

        A token that does not do it leaves the session as it was.
        """
        await self._admission.refresh(socket, payload.token)
        return signal("Token has been refreshed")

    def leave(self, socket: Socket) -> None:
        """Forget the deadline of a socket that has gone."""
        self._admission.leave(socket)


def renew(socket: Socket, user: User) -> None:
    """Have a session show its user as the back-end now describes them."""
    session = socket.data.get(_SESSION)
    if isinstance(session, Session):
        socket.data[_SESSION] = replace(session, user=user)


def show_out(socket: Socket, error: Exception) -> None:
    """Tell a socket why it cannot stay, and disconnect it."""
    socket.emit(ERROR_EVENT, app_error(error))
    socket.disconnect()


def answer_error(socket: Socket, event: str, error: Exception) -> object:  # noqa: ARG001 - the shape of an error hook
    """Tell a socket what went wrong with its event; the acknowledgement, where one is wanted, says the same."""
    failure = app_error(error)
    socket.emit(ERROR_EVENT, failure)
    return failure
