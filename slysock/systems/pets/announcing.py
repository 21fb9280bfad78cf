"""How the participants of a chat are told, after a socket's event or a request."""

from collections.abc import Callable
from typing import TypeAlias, final

from slysock import Socket
from slysock.systems.domain.deliveries import Deliveries
from slysock.systems.domain.outgoing_order import Call, OutgoingOrder
from slysock.systems.emitter import Emitter
from slysock_store import AddedMessage, Chat, ChatId, UserKey

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
    """Tells participants in the root namespace.

    Args:
        emitter: emits there.
        deliveries: what is on its way to them.
    """

    def __init__(self, emitter: Emitter, deliveries: Deliveries) -> None:
        self._emitter = emitter
        self._deliveries = deliveries

    def tell(self, chat: Chat, event: str, payload: object) -> None:
        """Send an event to all sockets of all participants."""
        self._emitter.emit_to_all(rooms_of(chat), event, payload)

    def deliver(self, stored: AddedMessage, event: str, payload: object) -> None:
        """Send a message to all participants; to the others it is delivered once one of their sockets has it.

        If it is a retry, only to those whom it has not reached, and to none of whose sockets it is on its way.
        """
        chat, message = stored.chat, stored.message
        others = [user for user in chat.participants if user != message.sender]
        if stored.is_duplicate:
            others = [user for user in others if self._deliveries.lacks(user, message)]
        personal = {user: personal_room(user) for user in others}
        rooms = tuple(personal.values()) if stored.is_duplicate else rooms_of(chat)
        if rooms:
            self._emitter.deliver(rooms, event, payload, item=message.id, to=personal, by=self._deliveries)

    def tell_others(self, chat: Chat, user: UserKey, event: str, payload: object) -> None:
        """Send an event to all sockets of all participants but one."""
        self._emitter.emit_to_all(rooms_of(chat), event, payload, except_rooms=(personal_room(user),))
