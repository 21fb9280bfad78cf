"""Opening, closing and reading chats."""

from typing import Final, final

from slysock import Socket
from slysock.systems.domain import Domain
from slysock_store import Chat, Message, User

from .access import Access
from .announcing import tell_with_self
from .opening import Opening
from .payloads import MarkMessagesRead, RecordId
from .rooms import chat_room
from .sending import NEW_MESSAGE
from .sessions import Sessions
from .shapes import ChatDone, Counted, MessagesReadShape
from .views import id_of, message_shape

MESSAGES_READ: Final = "messages-read"


@final
class Reading:
    """The events by which chats are opened, closed and read."""

    def __init__(self, domain: Domain, sessions: Sessions, access: Access, opening: Opening) -> None:
        self._domain = domain
        self._opening = opening
        self._sessions = sessions
        self._access = access

    async def join_chat(self, socket: Socket, chat_id: RecordId) -> ChatDone:
        """Open a chat: its messages come as `new-message`; first those that the user has not received."""
        session = await self._sessions.session_of(socket)
        chat = await self._access.chat(chat_id, user=session.key)
        await self._opening.open(socket, session, chat, chat_room(id_of(chat)), self._hand_over)
        return ChatDone(chat_id=chat_id)

    def _hand_over(self, socket: Socket, chat: Chat, message: Message, sender: User) -> None:
        socket.emit(NEW_MESSAGE, message_shape(chat, message, sender, is_handed_over=True))

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
