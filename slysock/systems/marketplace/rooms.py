"""The namespaces of this system, and the rooms in each.

Messages go to personal rooms, so that nobody misses one for not having joined. A chat's room holds the sockets that
have it open.
"""

from typing import Final, NewType

from slysock_store import Chat, UserKey

RoomName = NewType("RoomName", str)

PRESENCE: Final = "/presence"
CHAT: Final = "/chat"
NOTIFICATION: Final = "/notification"


def personal_room(user: UserKey) -> RoomName:
    """Return the room of all of a user's sockets."""
    return RoomName(f"user:{user}")


def chat_room(chat: Chat) -> RoomName:
    """Return the room of a chat."""
    return RoomName(f"chat:{chat.id}")
