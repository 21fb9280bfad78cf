"""The namespace of this system, and its rooms."""

from typing import Final, NewType

from slysock_store import ChatId, UserKey

RoomName = NewType("RoomName", str)

NAMESPACE: Final = "/support"

ADMINS_ROOM: Final = RoomName("admins")
"""The room of all admins' sockets."""


def personal_room(user: UserKey) -> RoomName:
    """Return the room of a user's sockets, whatever conversations they have open."""
    return RoomName(f"user:{user}")


def conversation_room(conversation: ChatId) -> RoomName:
    """Return the room of the sockets that have a conversation open."""
    return RoomName(f"conversation:{conversation}")


def reader_room(conversation: ChatId, user: UserKey) -> RoomName:
    """Return the room of those that are this user's: some of what they are told differs from reader to reader."""
    return RoomName(f"conversation:{conversation}:{user}")
