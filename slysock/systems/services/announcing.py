"""How people are told: by the rooms of the namespace, after the event that is being handled."""

from slysock import Socket
from slysock.systems.delivering import deliver
from slysock.systems.domain.deliveries import Deliveries
from slysock_store import AddedMessage, UserKey

from .rooms import personal_room
from .sessions import sockets_in
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


def deliver_to_members(
    socket: Socket, rooms: tuple[str, ...], event: str, payload: object, stored: AddedMessage, deliveries: Deliveries
) -> None:
    """Send a message to rooms; to the members of its chat who are in them it counts as delivered once received."""
    members = {member.user for member in stored.chat.members if member.user != stored.message.sender}
    receivers = [(user, other) for user, other in sockets_in(socket, *rooms) if user in members]
    item = stored.message.id
    deliver(socket.namespace, rooms, event, payload, item=item, receivers=receivers, deliveries=deliveries)


def lacking_sockets(socket: Socket, rooms: tuple[str, ...], stored: AddedMessage, by: Deliveries) -> tuple[str, ...]:
    """List the sockets in some rooms of those whom a message has not reached and who are sent it by nobody else."""
    members = {member.user for member in stored.chat.members if member.user != stored.message.sender}
    lacking = {user for user in members if by.lacks(user, stored.message)}
    return tuple(other.id for user, other in sockets_in(socket, *rooms) if user in lacking)
