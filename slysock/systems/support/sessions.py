"""Who asks: whom a token identifies, on a socket or in a request; what it says about them is stored once."""

from typing import Final, final

from msgspec import json

from slysock import Socket
from slysock.identity import Identity
from slysock.systems.admission import Admission, Refreshed, RefreshToken
from slysock.systems.claims import profile_of
from slysock.systems.domain import Domain
from slysock.systems.socket_keys import Key
from slysock_store import UserKey

from .people import Person, person_of

MAX_REMEMBERED_USERS: Final = 10_000

SESSION: Final = Key("support.session", Person)


@final
class Sessions:
    """People as tokens describe them."""

    def __init__(self, domain: Domain, admission: Admission) -> None:
        self._domain = domain
        self._admission = admission
        self._signed_in: dict[UserKey, int] = {}  # user -> hash of what was stored of them last

    def session_of(self, socket: Socket) -> Person:
        """Return who asks by a socket.

        Raises:
            NotAuthenticated: nobody, or nobody any more.
        """
        return person_of(self._admission.identity_of(socket))

    async def refresh_token(self, socket: Socket, payload: RefreshToken) -> Refreshed:
        """Stay connected longer with a newer token of the same user."""
        await self._admission.refresh(socket, payload.token)
        return Refreshed()

    async def caller(self, identity: Identity) -> Person:
        """Return who makes a request, after signing them in.

        Raises:
            NotAuthenticated: nobody of this system.
        """
        return await self.sign_in(person_of(identity), identity)

    async def sign_in(self, person: Person, identity: Identity) -> Person:
        """Store what a token says about its bearer, unless that has been done.

        What one may do follows from the token alone; a token without a role leaves the role that others see.
        """
        profile = profile_of(identity)
        told = hash(json.encode([identity.role, profile]))
        if self._signed_in.get(person.key) != told:
            role = person.role if identity.role else await self._known_role(person)
            await self._domain.users.sign_in(person.key, role=role, profile=profile)
            self._remember(person.key, told)
        return person

    async def _known_role(self, person: Person) -> str:
        known = (await self._domain.users.find((person.key,))).get(person.key)
        return person.role if known is None else known.role

    def _remember(self, user: UserKey, told: int) -> None:
        if len(self._signed_in) >= MAX_REMEMBERED_USERS:
            self._signed_in.clear()
        self._signed_in[user] = told

    def forget(self, user: UserKey) -> None:
        """Store what the user's next token says again: somebody else has changed the record."""
        self._signed_in.pop(user, None)
