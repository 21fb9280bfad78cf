"""`typing`: passed on to the other participants of a chat, never stored."""

from functools import partial
from typing import Final, final

from slysock import Socket
from slysock.systems.domain import Domain
from slysock_store import ChatId

from .announcing import Announcer
from .payloads import Typing
from .sending import refuse_blocked
from .sessions import Sessions
from .shapes import Done, TypingShape

TYPING: Final = "typing"


@final
class TypingSignals:
    """Signals while somebody is typing."""

    def __init__(self, domain: Domain, sessions: Sessions, announcer: Announcer) -> None:
        self._domain = domain
        self._sessions = sessions
        self._announcer = announcer

    async def typing(self, socket: Socket, payload: Typing) -> Done:
        """Tell the other participants of a chat that one is typing, or has stopped; never stored."""
        user = (await self._sessions.session_of(socket)).key
        chat = await self._domain.chats.get(ChatId(payload.chat_id), user=user)
        refuse_blocked(chat)
        shape = TypingShape(user_id=user, is_typing=payload.is_typing, chat_id=chat.id)
        socket.after_ack(partial(self._announcer.tell_others, chat, user, TYPING, shape))
        return Done()
