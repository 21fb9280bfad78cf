"""Opening, closing and reading chats."""

from typing import Final, final

from slysock import Socket
from slysock.systems.domain import Domain, DomainError
from slysock_store import Chat

from .access import Access
from .announcing import tell_with_self
from .payloads import MarkMessagesRead, RecordId
from .rooms import chat_room
from .sessions import Session, Sessions
from .shapes import ChatDone, Counted, MessagesReadShape
from .views import id_of

MESSAGES_READ: Final = "messages-read"


@final
class Reading:
    """The events by which chats are opened, closed and read."""

    def __init__(self, domain: Domain, sessions: Sessions, access: Access) -> None:
        self._domain = domain
        self._sessions = sessions
        self._access = access

    async def join_chat(self, socket: Socket, chat_id: RecordId) -> ChatDone:
        """Open a chat: what waited for the user counts as delivered, and new messages come as `new-message`."""
        session = await self._sessions.session_of(socket)
        chat = await self._access.chat(chat_id, user=session.key)
        await self._open(socket, session, chat)
        return ChatDone(chat_id=chat_id)

    async def _open(self, socket: Socket, session: Session, chat: Chat) -> None:
        """Join the room, then mark what has waited: a message that is stored meanwhile is found by one of the two."""
        room = chat_room(id_of(chat))
        was_open = room in socket.rooms
        socket.join(room)
        try:
            await self._domain.receipts.mark_delivered(chat, user=session.key)
        except DomainError:
            if not was_open:
                socket.leave(room)
            raise

    async def leave_chat(self, socket: Socket, chat_id: RecordId) -> ChatDone:
        """Close a chat again; one that is not open changes nothing."""
        session = await self._sessions.session_of(socket)
        await self._access.chat(chat_id, user=session.key)
        socket.leave(chat_room(chat_id))
        return ChatDone(chat_id=chat_id)

    async def mark_messages_read(self, socket: Socket, payload: MarkMessagesRead) -> Counted:
        """Mark everything that the other side has written as read, and tell whoever has the chat open."""
        session = await self._sessions.session_of(socket)
        chat = await self._access.chat(payload.chat_id, user=session.key)
        marked = await self._domain.receipts.mark_read(chat, reader=session.key)
        read = MessagesReadShape(user_id=session.key, chat_id=payload.chat_id)
        tell_with_self(socket, (chat_room(payload.chat_id),), MESSAGES_READ, read)
        return Counted(count=marked.count)
