"""Who meets here: buyers and sellers of pets, whose ids are opaque strings."""

from typing import Final, final

from msgspec import Struct

from slysock.identity import Identity
from slysock.systems.domain import NotAuthenticated
from slysock_store import UserKey

from .rooms import RoomName, personal_room

MAX_ID_CHARACTERS: Final = 128


@final
class Person(Struct, frozen=True):
    """Whom a token names."""

    key: UserKey

    @property
    def rooms(self) -> tuple[RoomName, ...]:
        """The rooms that this user's sockets are in from the start."""
        return (personal_room(self.key),)


def person_of(identity: Identity) -> Person:
    """Say who bears a token; an id is the same whether it comes as 7 or "7".

    Raises:
        NotAuthenticated: an id that nobody could have been told of.
    """
    key = UserKey(str(identity.user_id))
    if len(key) > MAX_ID_CHARACTERS:
        raise NotAuthenticated("The token names no user of this chat")
    return Person(key)


def normal_role(role: str) -> str:
    """Write a role as it is kept and compared."""
    return role.strip().lower()
