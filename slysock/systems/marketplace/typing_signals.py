"""`typing` and `stoppedTyping`: passed on to the recipient alone, never stored."""

from typing import Final, final

from slysock import Socket

from .access import Access
from .announcing import tell
from .envelope import Envelope, signal
from .payloads import Typing
from .sessions import Sessions

USER_TYPING: Final = "userTyping"
STOPPED_TYPING: Final = "stoppedTyping"


@final
class TypingSignals:
    """Signals while somebody is typing; the chat may be about to begin."""

    def __init__(self, sessions: Sessions, access: Access) -> None:
        self._sessions = sessions
        self._access = access

    async def typing(self, socket: Socket, payload: Typing) -> Envelope:
        """Tell the recipient that the sender is typing."""
        return await self._pass_on(socket, payload, USER_TYPING, signal("User is typing"))

    async def stopped_typing(self, socket: Socket, payload: Typing) -> Envelope:
        """Tell the recipient that the sender has stopped typing."""
        return await self._pass_on(socket, payload, STOPPED_TYPING, signal("User has stopped typing"))

    async def _pass_on(self, socket: Socket, payload: Typing, event: str, envelope: Envelope) -> Envelope:
        person = self._sessions.session_of(socket).person
        talk = await self._access.talk(person, payload)
        tell(socket, event, envelope, talk.recipient_room)
        return envelope
