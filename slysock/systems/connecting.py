"""How sockets come into a namespace and leave it: the same steps in every system, with functions that the system gives.

In: the token says who it is. The socket joins its user's rooms and counts as theirs, before anything that takes time,
so that nothing is missed; the user is signed in; the session is kept; what has waited is handed out. Out: the socket no
longer counts, and if it was the user's last, those who should know are told.
"""

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar, final

from slysock import DisconnectReason, Socket
from slysock.identity import Identity
from slysock_store import UserKey

from .admission import Admission, report
from .domain import ConnectionKey, DomainError, Presence
from .socket_keys import Key


class Person(Protocol):
    """Whom a token identifies, as a system sees them."""

    @property
    def key(self) -> UserKey:
        """The user's key in the store."""
        ...

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms that the user's sockets are in from the start."""
        ...


P = TypeVar("P", bound=Person)
S = TypeVar("S")


async def nothing(*args: object) -> None:
    """Do nothing, in a step that a system does not need."""


@final
class Connecting(Generic[P, S]):
    """The steps of one namespace.

    Args:
        admission: keeps whom the sockets speak for.
        session: where the session of a socket is kept.
        presences: count the sockets of each user from here on; empty if users announce themselves that they are online.
        person_of: returns whom a token identifies. Raises DomainError for somebody who has no place here.
        sign_in: stores what the token says about its bearer, and makes the session. Raises DomainError.
        show_out: tells a socket why it cannot stay, and disconnects it.
        require: waits for what else must be true of somebody who connects. Raises DomainError.
        welcome: sends a socket what it gets at once.
        first_came: called with a user when the first of their sockets has come.
        last_left: called with a user when the last one has gone; a DomainError that it raises is not shown to anybody.
    """

    def __init__(
        self,
        admission: Admission,
        session: Key[S],
        presences: Iterable[Presence],
        *,
        person_of: Callable[[Identity], P],
        sign_in: Callable[[P, Identity], Awaitable[S]],
        show_out: Callable[[Socket, Exception], object],
        require: Callable[[P], Awaitable[object]] = nothing,
        welcome: Callable[[Socket, S], Awaitable[object]] = nothing,
        first_came: Callable[[UserKey], Awaitable[object]] = nothing,
        last_left: Callable[[UserKey], Awaitable[object]] = nothing,
    ) -> None:
        self._admission = admission
        self._session = session
        self._presences = tuple(presences)
        self._person_of = person_of
        self._sign_in = sign_in
        self._show_out = show_out
        self._require = require
        self._welcome = welcome
        self._first_came = first_came
        self._last_left = last_left

    async def connect(self, socket: Socket) -> None:
        """Let in a socket by its token alone; show out one that may not stay. A connect hook."""
        try:
            identity = await self._admission.identify(socket)
            await self._require(self._person_of(identity))
            self._admission.keep(socket, identity, self._show_out)
            await self.enter(socket, identity)
        except DomainError as error:
            report(socket, error)
            self._show_out(socket, error)
        except Exception as error:
            self._show_out(socket, error)
            raise

    async def enter(self, socket: Socket, identity: Identity) -> S:
        """Let in a socket whose identity is known, like those of the root namespace.

        Can be repeated: with a newer token, which signs in again, and when an earlier attempt has failed.

        Raises:
            DomainError: the user has no place here, or the store is temporarily unavailable.
        """
        person = self._person_of(identity)
        socket.join(*person.rooms)
        is_first = self._arrive(socket, person.key)
        is_new = self._session.get(socket) is None
        session = await self._sign_in(person, identity)
        self._session.set(socket, session)
        if is_new and socket.connected:  # to one who has left meanwhile nothing could be handed out
            await self._welcome(socket, session)
        if is_first:
            await self._first_came(person.key)
        return session

    async def disconnect(self, socket: Socket, reason: DisconnectReason) -> None:  # noqa: ARG002 - the shape of a hook
        """Forget a socket that has gone. A disconnect hook."""
        self._admission.leave(socket)
        for user in self._leave(socket):
            with suppress(DomainError):  # what is wrong with the store has been logged
                await self._last_left(user)

    def _arrive(self, socket: Socket, user: UserKey) -> bool:
        """Count a socket, once; return whether it is its user's first."""
        connection = ConnectionKey(socket.id)
        new = [presence for presence in self._presences if presence.user_of(connection) is None]
        are_first = [presence.arrive(user, connection) for presence in new]
        return any(are_first)

    def _leave(self, socket: Socket) -> set[UserKey]:
        """Stop counting a socket; return its user if it was their last."""
        gone = [presence.leave(ConnectionKey(socket.id)) for presence in self._presences]
        return {user for user in gone if user is not None}
