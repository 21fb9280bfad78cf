"""Who meets here: buyers and sellers of pets, whose ids are opaque strings."""

from typing import final

from msgspec import Struct

from slysock.identity import Identity
from slysock.systems.ids import key_of_bearer
from slysock_store import UserKey

from .rooms import RoomName, personal_room


@final
class Person(Struct, frozen=True):
    """Whom a token identifies."""

    key: UserKey

    @property
    def rooms(self) -> tuple[RoomName, ...]:
        """The rooms that this user's sockets are in from the start."""
        return (personal_room(self.key),)


def person_of(identity: Identity) -> Person:
    """Return the person whom a token identifies.

    Raises:
        NotAuthenticated: the token has an id that no user can have.
    """
    return Person(key_of_bearer(identity))
