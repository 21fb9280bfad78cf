"""`typing-start` and `typing-stop`: passed on to the others who have the chat open, never stored."""

from typing import Final, final

from slysock import Socket
from slysock_store import UserKey

from .access import Access
from .failures import Done
from .payloads import Typing
from .people import Session
from .rooms import chat_room, personal_room
from .shapes import TypingShape

USER_TYPING: Final = "user-typing"


@final
class TypingSignals:
    """Signs of life while somebody writes."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def start(self, socket: Socket, payload: Typing) -> Done:
        """Tell the others in a chat that somebody is typing."""
        return await self._pass_on(socket, payload, is_typing=True)

    async def stop(self, socket: Socket, payload: Typing) -> Done:
        """Tell the others in a chat that somebody has stopped typing."""
        return await self._pass_on(socket, payload, is_typing=False)

    async def _pass_on(self, socket: Socket, payload: Typing, *, is_typing: bool) -> Done:
        session = await self._access.session_of(socket)
        typist = session.key if payload.user_id is None else session.named(payload.user_id)
        room = await self._room(socket, session, payload, typist)
        tell_others(socket, room, USER_TYPING, typist, is_typing=is_typing)
        return Done()

    async def _room(self, socket: Socket, session: Session, payload: Typing, typist: UserKey) -> str:
        """Find the room. Whoever has the chat open may do so, which need not be asked again with every key."""
        chat_id = payload.named_chat()
        room = chat_room(chat_id)
        if typist != session.key or room not in socket.rooms:
            await self._access.chat(chat_id, user=typist)
        return room


def tell_others(socket: Socket, room: str, event: str, typist: UserKey, *, is_typing: bool) -> None:
    """Tell a room who is typing; the sockets of the one who does it are left out."""
    others = socket.namespace.to(room).except_(socket.id, personal_room(typist))
    socket.after_ack(others.emit, event, TypingShape(user_id=typist, is_typing=is_typing))
