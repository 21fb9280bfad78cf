"""Who is online, for another back-end."""

from collections.abc import Iterable
from typing import final

import msgspec

from slysock.systems.domain.times import wire_time
from slysock_store import User


@final
class UserPresence(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The answer of `GET /manage/{system}/presence/{userId}`."""

    user_id: str | int
    is_online: bool
    sockets: int
    """How many connections the user has."""

    last_active: str | None
    """ISO 8601 in UTC; null for a user who was never here."""


def user_presence(
    user_id: str | int, users: Iterable[User | None], *, sockets: int, is_online: bool | None = None
) -> UserPresence:
    """Describe a user's presence.

    Args:
        user_id: as in the request.
        users: whom the id may mean, None for an unknown user; the one who was active last counts.
        sockets: how many they have.
        is_online: how they are seen; by default, online if they have sockets.
    """
    moments = [user.last_active for user in users if user is not None and user.last_active is not None]
    return UserPresence(
        user_id=user_id,
        is_online=sockets > 0 if is_online is None else is_online,
        sockets=sockets,
        last_active=wire_time(max(moments)) if moments else None,
    )
