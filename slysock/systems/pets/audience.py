"""How the participants of a chat are told, from a socket's event as from a request."""

from collections.abc import Callable
from typing import TypeAlias, final

from slysock.systems.voice import Voice
from slysock_store import Chat, UserKey

from .rooms import personal_room, rooms_of

Call: TypeAlias = Callable[[], object]
Later: TypeAlias = Callable[[Call], object]
"""Makes a call when whoever caused it has their answer: `socket.after_ack` for an event. Must not wait."""


def at_once(call: Call) -> None:
    """Make a call now: for requests.

    An HTTP answer takes as long as its client likes to read it. To wait for it would let one stalled client hold up a
    chat, or let its messages be told in another order than they are stored in.
    """
    call()


@final
class Audience:
    """Everybody on the server."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice

    def tell(self, chat: Chat, event: str, payload: object) -> None:
        """Send an event to all sockets of all participants."""
        audience = self._voice.to(*rooms_of(chat))
        if audience is not None:
            audience.emit(event, payload)

    def tell_others(self, chat: Chat, user: UserKey, event: str, payload: object) -> None:
        """Send an event to all sockets of all participants but one."""
        audience = self._voice.to(*rooms_of(chat))
        if audience is not None:
            audience.except_(personal_room(user)).emit(event, payload)
