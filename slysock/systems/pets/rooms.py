"""The root namespace, and the rooms of this system in it.

The document's names are bare ids; other systems share the namespace, with users and chats of their own, so they have a
prefix.
"""

from typing import Final, NewType

from slysock_store import Chat, ChatId, UserKey

RoomName = NewType("RoomName", str)

ROOT: Final = "/"


def personal_room(user: UserKey) -> RoomName:
    """Return the room of a user's sockets."""
    return RoomName(f"pets:user:{user}")


def chat_room(chat_id: ChatId) -> RoomName:
    """Return the room of a chat's participants, with all their sockets that have connected since it was created."""
    return RoomName(f"pets:chat:{chat_id}")


def rooms_of(chat: Chat) -> tuple[RoomName, ...]:
    """Return all rooms in which participants of a chat may be; a socket in several gets an event once."""
    return (chat_room(chat.id), *(personal_room(user) for user in chat.participants))
