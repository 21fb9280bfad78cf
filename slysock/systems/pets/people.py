"""Who meets here: buyers and sellers of pets, whose ids are opaque strings."""

from typing import Final, final

from msgspec import Struct

from slysock.identity import Identity
from slysock.systems.claims import profile_of
from slysock.systems.domain import Domain, NotAuthenticated
from slysock_store import Json, JsonObject, User, UserKey

MAX_ID_CHARACTERS: Final = 128


@final
class Session(Struct, frozen=True):
    """Whom a token speaks for, and the user as the store has them."""

    identity: Identity
    user: User

    @property
    def key(self) -> UserKey:
        """The user's key."""
        return self.user.key


@final
class People:
    """The users of this system, as tokens tell of them."""

    def __init__(self, domain: Domain) -> None:
        self._domain = domain

    async def connect(self, identity: Identity) -> Session:
        """Give the user of a token; refreshed by it, or made, where it tells something new.

        Raises:
            NotAuthenticated: the token has an id that nobody could have been told of.
        """
        known = await self._maybe_known(identity)
        role = normal_role(identity.role or "")
        if known is not None and _is_told(known, role, profile_of(identity)):
            return Session(identity, known)
        return await self._sign_in(identity, role or ("" if known is None else known.role))

    async def session(self, identity: Identity) -> Session:
        """Give the user of a request's token. One who is known stays as they are: requests come often, with old tokens.

        Raises:
            NotAuthenticated: as `connect`.
        """
        known = await self._maybe_known(identity)
        if known is not None:
            return Session(identity, known)
        return await self._sign_in(identity, normal_role(identity.role or ""))

    async def _maybe_known(self, identity: Identity) -> User | None:
        key = user_of(identity)
        return (await self._domain.users.find([key])).get(key)

    async def _sign_in(self, identity: Identity, role: str) -> Session:
        user = await self._domain.users.sign_in(user_of(identity), role=role, profile=profile_of(identity))
        return Session(identity, user)


def user_of(identity: Identity) -> UserKey:
    """Say who bears a token; an id is the same whether it comes as 7 or "7".

    Raises:
        NotAuthenticated: an id that nobody could have been told of.
    """
    key = UserKey(str(identity.user_id))
    if len(key) > MAX_ID_CHARACTERS:
        raise NotAuthenticated("The token names no user of this chat")
    return key


def normal_role(role: str) -> str:
    """Write a role as it is kept and compared."""
    return role.strip().lower()


def _is_told(user: User, role: str, profile: JsonObject) -> bool:
    same_role = not role or role == user.role
    return same_role and all(_same(user.profile.get(name), value) for name, value in profile.items())


def _same(stored: Json, told: Json) -> bool:
    return type(stored) is type(told) and stored == told
