"""`typing-start` and `typing-stop`: passed on to the others who have the chat open, never stored."""

from typing import Final, final

from slysock import Socket
from slysock_store import UserKey

from .access import Access
from .announcing import tell_others
from .payloads import Typing
from .rooms import chat_room
from .sessions import Session, Sessions
from .shapes import Done

USER_TYPING: Final = "user-typing"


@final
class TypingSignals:
    """Signals while somebody is typing."""

    def __init__(self, sessions: Sessions, access: Access) -> None:
        self._sessions = sessions
        self._access = access

    async def start(self, socket: Socket, payload: Typing) -> Done:
        """Tell the others in a chat that somebody is typing."""
        return await self._pass_on(socket, payload, is_typing=True)

    async def stop(self, socket: Socket, payload: Typing) -> Done:
        """Tell the others in a chat that somebody has stopped typing."""
        return await self._pass_on(socket, payload, is_typing=False)

    async def _pass_on(self, socket: Socket, payload: Typing, *, is_typing: bool) -> Done:
        session = await self._sessions.session_of(socket)
        typist = session.key if payload.user_id is None else session.named(payload.user_id)
        room = await self._room(socket, session, payload, typist)
        tell_others(socket, room, USER_TYPING, typist, is_typing=is_typing)
        return Done()

    async def _room(self, socket: Socket, session: Session, payload: Typing, typist: UserKey) -> str:
        """Return the room. Whoever has the chat open may signal, which need not be checked again with every key."""
        chat_id = payload.named_chat()
        room = chat_room(chat_id)
        if typist != session.key or room not in socket.rooms:
            await self._access.chat(chat_id, user=typist)
        return room
