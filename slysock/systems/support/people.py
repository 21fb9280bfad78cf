"""Who talks here: users, admins, restaurants, markets and pharmacies."""

from typing import Final, final

import msgspec

from slysock.identity import Identity
from slysock.systems.domain import NotAuthenticated
from slysock.systems.ids import key_of_bearer
from slysock_store import UserKey

from .rooms import ADMINS_ROOM, RoomName, personal_room

USER: Final = "user"
ADMIN: Final = "admin"
RESTAURANT: Final = "restaurant"
MARKET: Final = "market"
PHARMACY: Final = "pharmacy"

SYSTEM: Final = UserKey("system")
"""The sender of what the server says itself; no token speaks for them."""


@final
class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a token identifies."""

    key: UserKey
    """The user's id; numbers as text."""

    role: str
    """In lower case. One that the document does not know may do what everybody may."""

    @property
    def is_admin(self) -> bool:
        """Whether they see every conversation."""
        return self.role == ADMIN

    @property
    def rooms(self) -> tuple[RoomName, ...]:
        """The rooms that their sockets are in from the start."""
        personal = personal_room(self.key)
        return (personal, ADMINS_ROOM) if self.is_admin else (personal,)


def person_of(identity: Identity) -> Person:
    """Return the person whom a token identifies. Without a role, they are a user.

    Raises:
        NotAuthenticated: the id is not one that a user can have.
    """
    key = key_of_bearer(identity)
    if key == SYSTEM:
        raise NotAuthenticated("The token does not identify a user of this chat")
    return Person(key=key, role=word_of(identity.role))


def word_of(role: str | None) -> str:
    """Return a role as this system spells it."""
    return (role or USER).lower()
