"""How people are told: by the rooms of the namespace, after the event that is being handled."""

from slysock import Socket
from slysock_store import UserKey

from .rooms import personal_room
from .shapes import TypingShape


def reply(socket: Socket, event: str, *args: object) -> None:
    """Send an event to the socket that asked, after the acknowledgement."""
    socket.after_ack(socket.emit, event, *args)


def tell(socket: Socket, room: str, event: str, *args: object) -> None:
    """Send an event to a room, after the acknowledgement of the event that is being handled."""
    socket.after_ack(socket.namespace.to(room).emit, event, *args)


def tell_with_self(socket: Socket, rooms: tuple[str, ...], event: str, *args: object) -> None:
    """Send an event to rooms and to the socket that asked, even if it is in none of them; once to each socket."""
    socket.after_ack(socket.namespace.to(*rooms, socket.id).emit, event, *args)


def tell_others(socket: Socket, room: str, event: str, typist: UserKey, *, is_typing: bool) -> None:
    """Tell a room who is typing, without the sockets of that user."""
    others = socket.namespace.to(room).except_(socket.id, personal_room(typist))
    socket.after_ack(others.emit, event, TypingShape(user_id=typist, is_typing=is_typing))
