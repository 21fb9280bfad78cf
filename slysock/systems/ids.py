"""How clients, back-ends and tokens name users, roles and messages, unless a system has rules of its own."""

from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from slysock.identity import Identity
from slysock_store import UserKey

from .domain import NotAuthenticated

MAX_INTEGER: Final = 2**53 - 1
"""The largest integer that JavaScript holds exactly."""

MAX_ID_CHARACTERS: Final = 128

UserName: TypeAlias = (
    Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARACTERS, description="A user's id")]
    | Annotated[int, Meta(ge=0, le=MAX_INTEGER, description="A user's id")]
)
ClientMessageId: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=128,
        description="Chosen by the client: a second message with the same one is a retry, answered with the first",
    ),
]


def key_of(user_id: str | int) -> UserKey:
    """Return the key of a user; an id is the same whether it comes as 7 or "7"."""
    return UserKey(str(user_id))


def key_of_bearer(identity: Identity) -> UserKey:
    """Return the key of the user whom a token identifies.

    Raises:
        NotAuthenticated: the token has an id that no user can have.
    """
    key = key_of(identity.user_id)
    if len(key) > MAX_ID_CHARACTERS:
        raise NotAuthenticated("The token does not identify a user of this chat")
    return key


def normal_role(role: str) -> str:
    """Return a role in the form in which roles are stored and compared."""
    return role.strip().lower()
