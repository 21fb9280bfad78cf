"""How the participants of a chat are told, after a socket's event or a request."""

from collections.abc import Callable
from typing import TypeAlias, final

from slysock import Socket
from slysock.systems.domain.outgoing_order import Call, OutgoingOrder
from slysock.systems.emitter import Emitter
from slysock_store import Chat, ChatId, UserKey

from .rooms import personal_room, rooms_of

Later: TypeAlias = Callable[[ChatId, Call], object]
"""Makes a call when whoever caused it has their answer, and everything earlier in the chat has been announced: for a
request that is `Announcements.add`, for an event `behind_ack`. The call must not wait."""


def behind_ack(socket: Socket, outgoing: OutgoingOrder) -> Later:
    """Announce after the acknowledgement of the event that is being handled, and after the answers to requests."""

    def later(chat_id: ChatId, call: Call) -> None:
        socket.after_ack(outgoing.join(chat_id, call))

    return later


@final
class Announcer:
    """Tells participants in the root namespace."""

    def __init__(self, emitter: Emitter) -> None:
        self._emitter = emitter

    def tell(self, chat: Chat, event: str, payload: object) -> None:
        """Send an event to all sockets of all participants."""
        self._emitter.emit_to_all(rooms_of(chat), event, payload)

    def tell_others(self, chat: Chat, user: UserKey, event: str, payload: object) -> None:
        """Send an event to all sockets of all participants but one."""
        self._emitter.emit_to_all(rooms_of(chat), event, payload, except_rooms=(personal_room(user),))
