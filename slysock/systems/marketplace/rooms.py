"""The rooms of `/chat` beside the personal ones.

Messages go to personal rooms, so that nobody misses one for not having joined. A chat's room holds the sockets that
have it open.
"""

from slysock_store import Chat

from .people import RoomName


def chat_room(chat: Chat) -> RoomName:
    """The room of a chat."""
    return RoomName(f"chat:{chat.id}")
