"""Who meets here: clients, providers and admins, whose ids are opaque strings."""

from typing import Final, final

from msgspec import Struct

from slysock.identity.tokens import Identity
from slysock.systems.domain import NotAuthenticated
from slysock_store import UserKey

from .rooms import bearer_room

MAX_ID_CHARACTERS: Final = 128

CLIENT: Final = "client"
PROVIDER: Final = "provider"
ADMIN: Final = "admin"


@final
class Person(Struct, frozen=True):
    """Whom a token names."""

    key: UserKey

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms that this user's sockets are in from their first event."""
        return (bearer_room(self.key),)


def key_of(user_id: str | int) -> UserKey:
    """Name a user; an id is the same whether it comes as 7 or "7"."""
    return UserKey(str(user_id))


def person_of(identity: Identity) -> Person:
    """Say who bears a token.

    Raises:
        NotAuthenticated: an id that nobody could have been told of.
    """
    key = key_of(identity.user_id)
    if len(key) > MAX_ID_CHARACTERS:
        raise NotAuthenticated("The token names no user of this chat")
    return Person(key)


def role_of(identity: Identity) -> str:
    """Give the role in a token, as roles are compared; empty without one."""
    return normal_role(identity.role or "")


def normal_role(role: str) -> str:
    """Write a role as it is kept and compared."""
    return role.strip().lower()
