"""Who talks in the marketplace: customers and vendors, whose ids are unique per role only."""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final, TypeAlias, final

import msgspec

from slysock.identity import Identity
from slysock.systems.domain import NotAllowed, NotAuthenticated
from slysock.systems.ids import MAX_INTEGER
from slysock_store import ChatKey, NewChat, UserKey

from .rooms import RoomName, personal_room

ProductId: TypeAlias = int | str

CHAT_KIND: Final = "product"
MAX_REMEMBERED: Final = 4_096
"""How many people are cached by their keys; some 200 bytes each."""

_DIGITS: Final = re.compile(r"[0-9]{1,16}")


@final
class Role(StrEnum):
    """The two sides of a product."""

    CUSTOMER = "CUSTOMER"
    VENDOR = "VENDOR"

    @property
    def other(self) -> "Role":
        """The side that this one talks to."""
        return Role.VENDOR if self is Role.CUSTOMER else Role.CUSTOMER


@final
class Person(msgspec.Struct, frozen=True):
    """A user of the marketplace."""

    role: Role
    id: int

    @property
    def key(self) -> UserKey:
        """The user's key in the store."""
        return UserKey(f"{self.role}:{self.id}")

    @property
    def room(self) -> RoomName:
        """The room of all this user's sockets, in each namespace."""
        return personal_room(self.key)

    @property
    def rooms(self) -> tuple[RoomName, ...]:
        """The rooms that this user's sockets are in from the start."""
        return (self.room,)

    def counterpart(self, user_id: int) -> "Person":
        """Return the user whom an id in this one's payloads means: always one of the other role."""
        return Person(self.role.other, user_id)


def person_of(identity: Identity) -> Person:
    """Return the person whom a token identifies.

    Raises:
        NotAuthenticated: the id is not a positive integer.
        NotAllowed: the role has no place in the marketplace.
    """
    role = (identity.role or "").upper()
    if role not in Role.__members__:
        raise NotAllowed("Only customers and vendors may use this chat")
    return Person(Role[role], _integer(identity.user_id))


def _integer(user_id: str | int) -> int:
    """Return an integer, which may come as text: `sub` must (RFC 7519, section 4.1.2)."""
    if isinstance(user_id, str):
        user_id = int(user_id) if _DIGITS.fullmatch(user_id) else -1
    if not 0 <= user_id <= MAX_INTEGER:
        raise NotAuthenticated("The token does not identify a user of this chat")
    return user_id


@lru_cache(maxsize=MAX_REMEMBERED)
def person_from_key(key: UserKey) -> Person:
    """Return the person with a key of the store."""
    role, _, user_id = key.partition(":")
    return Person(Role[role], int(user_id))


def product_chat(one: Person, other: Person, product_id: ProductId) -> NewChat:
    """Describe the chat of two people about a product.

    The product is the same whether its id comes as 12345 or "12345"; the chat keeps the type that came first.
    """
    customer, vendor = (one, other) if one.role is Role.CUSTOMER else (other, one)
    return NewChat(
        kind=CHAT_KIND,
        key=ChatKey(f"{customer.id}:{vendor.id}:{product_id}"),
        participants=(customer.key, vendor.key),
        reference=product_id,
    )
