"""`join-conversation` and `leave-conversation`: which conversations a socket has open."""

from typing import final

from slysock import Socket
from slysock_store import ChatId

from .access import Access
from .payloads import ConversationReference
from .rooms import conversation_room, reader_room
from .sessions import Sessions
from .shapes import Acknowledged


@final
class Joining:
    """Conversations being opened and closed."""

    def __init__(self, sessions: Sessions, access: Access) -> None:
        self._sessions = sessions
        self._access = access

    async def join_conversation(self, socket: Socket, payload: ConversationReference) -> Acknowledged:
        """Open a conversation, to get its messages and updates from now on."""
        person = self._sessions.session_of(socket)
        chat = await self._access.conversation(person, payload.conversation_id)
        socket.join(conversation_room(chat.id), reader_room(chat.id, person.key))
        return Acknowledged(conversation_id=chat.id)

    async def leave_conversation(self, socket: Socket, payload: ConversationReference) -> Acknowledged:
        """Close a conversation. Also one that was never open: whether there is one is not looked up."""
        person = self._sessions.session_of(socket)
        conversation = ChatId(payload.conversation_id)
        socket.leave(conversation_room(conversation), reader_room(conversation, person.key))
        return Acknowledged(conversation_id=conversation)
