"""Who a socket is: let in by a token, kept while it lasts, told and shown out when it ends.

The document answers a bad token after the connection, not by refusing it: connected, `appError`, disconnected.
"""

import logging
from functools import partial
from typing import Final, final

from msgspec import Struct
from msgspec.structs import replace

from slysock import Socket
from slysock.systems.domain import Domain, DomainError, NotAllowed, NotAuthenticated, Unavailable
from slysock.systems.expiry import Expiries
from slysock.tokens import Identity, KeysUnavailable, TokenError, TokenExpired, Tokens
from slysock_store import User

from .envelope import ERROR_EVENT, Envelope, app_error, signal
from .payloads import RefreshToken
from .people import Person, person_of

logger = logging.getLogger("slysock.systems")

_SESSION: Final = "marketplace"


@final
class Session(Struct, frozen=True, kw_only=True):
    """Whom a socket speaks for."""

    person: Person
    user: User
    """As of the connection; what the other side is shown."""

    expires_at: float | None
    """Seconds since 1970."""


@final
class Gate:
    """Lets sockets in and keeps their sessions, which end by themselves in the task of `expiries`."""

    def __init__(self, domain: Domain, tokens: Tokens, expiries: Expiries) -> None:
        self._domain = domain
        self._tokens = tokens
        self._expiries = expiries

    async def identify(self, socket: Socket) -> Identity:
        """Say whom the token of a socket names. Without waiting, unless keys have to be fetched.

        Raises:
            NotAuthenticated: it has none, or a bad one.
            Unavailable: nobody can tell now.
        """
        try:
            return await self._tokens.identify(socket.handshake)
        except TokenError as error:
            raise _translated(error) from error

    async def admit(self, socket: Socket, identity: Identity) -> Session:
        """Open the session of a socket, and its user's personal room.

        Raises:
            DomainError: the user has no place here, or the store is out of order.
        """
        person = person_of(identity)
        user = await self._domain.users.sign_in(person.key, role=person.role, profile=identity.profile)
        session = Session(person=person, user=user, expires_at=identity.expires_at)
        self._keep(socket, session)
        socket.join(person.room)
        return session

    def session_of(self, socket: Socket) -> Session:
        """Give the session of a socket whose event is being handled.

        Raises:
            NotAuthenticated: it has none, or its time is over.
        """
        session = socket.data.get(_SESSION)
        if not isinstance(session, Session):
            raise NotAuthenticated("You are not connected")
        if session.expires_at is not None and session.expires_at <= self._tokens.clock():
            raise _translated(TokenExpired())
        return session

    async def refresh(self, socket: Socket, payload: RefreshToken) -> Envelope:
        """Prolong a session by a newer token of the same user: the event `refreshToken`.

        A token that does not do it leaves the session as it was.
        """
        session = self.session_of(socket)
        try:
            identity = await self._tokens.verify(payload.token)
        except TokenError as error:
            raise _translated(error) from error
        if person_of(identity) != session.person:
            raise NotAllowed("The token is of another user")
        self._keep(socket, replace(session, expires_at=identity.expires_at))
        return signal("Token has been refreshed")

    def leave(self, socket: Socket) -> None:
        """Forget the session of a socket that has gone."""
        self._expiries.clear(socket.id)
        socket.data.pop(_SESSION, None)

    def _keep(self, socket: Socket, session: Session) -> None:
        socket.data[_SESSION] = session
        if session.expires_at is None:
            self._expiries.clear(socket.id)
        else:
            self._expiries.set(socket.id, session.expires_at, partial(show_out, socket, _translated(TokenExpired())))


def show_out(socket: Socket, error: Exception) -> None:
    """Tell a socket why it cannot stay, and disconnect it."""
    socket.emit(ERROR_EVENT, app_error(error))
    socket.disconnect()


def answer_error(socket: Socket, event: str, error: Exception) -> object:  # noqa: ARG001 - the shape of an error hook
    """Tell a socket what went wrong with its event; the acknowledgement, where one is wanted, says the same."""
    failure = app_error(error)
    socket.emit(ERROR_EVENT, failure)
    return failure


def _translated(error: TokenError) -> DomainError:
    return Unavailable(str(error)) if isinstance(error, KeysUnavailable) else NotAuthenticated(str(error))
