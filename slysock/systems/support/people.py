"""Who talks here: users, admins, restaurants, markets and pharmacies, and the rooms by which they are reached."""

from typing import Final, NewType, final

import msgspec

from slysock.identity import Identity
from slysock.systems.domain import NotAuthenticated
from slysock_store import ChatId, UserKey

RoomName = NewType("RoomName", str)

USER: Final = "user"
ADMIN: Final = "admin"
RESTAURANT: Final = "restaurant"
MARKET: Final = "market"
PHARMACY: Final = "pharmacy"

MAX_USER_ID_CHARACTERS: Final = 128

SYSTEM: Final = UserKey("system")
"""Who says what the server says by itself; no token speaks for them."""

ADMINS_ROOM: Final = RoomName("admins")
"""The sockets of all admins."""


@final
class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a token names."""

    key: UserKey
    """The user's id; numbers as text."""

    role: str
    """In lower case. One that the document does not have may do what everybody may."""

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
    """Say who bears a token. Without a role, they are a user.

    Raises:
        NotAuthenticated: the id is none that a user can have.
    """
    key = UserKey(str(identity.user_id))
    if key == SYSTEM or len(key) > MAX_USER_ID_CHARACTERS:
        raise NotAuthenticated("The token names no user of this chat")
    return Person(key=key, role=word_of(identity.role))


def word_of(role: str | None) -> str:
    """Spell a role as this system does."""
    return (role or USER).lower()


def personal_room(user: UserKey) -> RoomName:
    """The room of a user's sockets, whatever conversations they have open."""
    return RoomName(f"user:{user}")


def conversation_room(conversation: ChatId) -> RoomName:
    """The room of the sockets that have a conversation open."""
    return RoomName(f"conversation:{conversation}")


def reader_room(conversation: ChatId, user: UserKey) -> RoomName:
    """Those of them that are this user's: some of what they are told differs from reader to reader."""
    return RoomName(f"conversation:{conversation}:{user}")
