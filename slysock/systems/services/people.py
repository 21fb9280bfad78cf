"""Who meets here: clients, providers and admins, whose ids are opaque strings."""

from typing import Final, final

from msgspec import Struct

from slysock.identity import Identity
from slysock.systems.domain import NotAllowed, NotAuthenticated
from slysock_store import User, UserKey

from .payloads import MAX_ID_CHARACTERS, UserName

CLIENT: Final = "client"
PROVIDER: Final = "provider"
ADMIN: Final = "admin"


@final
class Session(Struct, frozen=True, kw_only=True):
    """Whom a socket speaks for."""

    key: UserKey
    user: User
    """As of the socket's first event, its latest token or what the back-end has told since."""

    identity: Identity | None
    """None for one who was believed without a token."""

    @property
    def is_admin(self) -> bool:
        """Whether the token names an admin; nobody becomes one in another way."""
        return self.identity is not None and role_of(self.identity) == ADMIN

    def named(self, user_id: UserName) -> UserKey:
        """Check an id of a payload against the token.

        Raises:
            NotAllowed: it is another user's, and this is no admin.
        """
        key = key_of(user_id)
        if key != self.key and not self.is_admin:
            raise NotAllowed("The user id is not yours")
        return key


def key_of(user_id: str | int) -> UserKey:
    """Name a user; an id is the same whether it comes as 7 or "7"."""
    return UserKey(str(user_id))


def user_of(identity: Identity) -> UserKey:
    """Say who bears a token.

    Raises:
        NotAuthenticated: an id that nobody could have been told of.
    """
    key = key_of(identity.user_id)
    if len(key) > MAX_ID_CHARACTERS:
        raise NotAuthenticated("The token names no user of this chat")
    return key


def role_of(identity: Identity) -> str:
    """Give the role in a token, as roles are compared; empty without one."""
    return normal_role(identity.role or "")


def normal_role(role: str) -> str:
    """Write a role as it is kept and compared."""
    return role.strip().lower()
