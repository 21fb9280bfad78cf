"""Who meets here: clients, providers and admins, whose ids are opaque strings."""

from typing import Final, final

from msgspec import Struct

from slysock.identity import Identity
from slysock.systems.ids import key_of_bearer, normal_role
from slysock_store import UserKey

from .rooms import bearer_room

CLIENT: Final = "client"
PROVIDER: Final = "provider"
ADMIN: Final = "admin"


@final
class Person(Struct, frozen=True):
    """Whom a token identifies."""

    key: UserKey

    @property
    def rooms(self) -> tuple[str, ...]:
        """The rooms that this user's sockets are in from their first event."""
        return (bearer_room(self.key),)


def person_of(identity: Identity) -> Person:
    """Return the person whom a token identifies.

    Raises:
        NotAuthenticated: the token has an id that no user can have.
    """
    return Person(key_of_bearer(identity))


def role_of(identity: Identity) -> str:
    """Return the role in a token, in the form in which roles are compared; empty without one."""
    return normal_role(identity.role or "")
