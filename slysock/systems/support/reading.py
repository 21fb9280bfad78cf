"""How conversations are opened, listed and read by those who may see them."""

from typing import final

from slysock import Socket
from slysock.systems.domain import Domain
from slysock.systems.domain.all_chats import AllChats
from slysock_store import Chat, ChatId

from .access import Access
from .payloads import ConversationReference
from .people import Person
from .rooms import conversation_room, reader_room
from .sessions import Sessions
from .shapes import Acknowledged, ConversationShape, Listing, MarkedRead, MessageShape
from .views import conversation_shape, message_shape


@final
class Reading:
    """What can be read. Strangers get what `Access.conversation` raises."""

    def __init__(self, domain: Domain, sessions: Sessions, access: Access, all_chats: AllChats) -> None:
        self._domain = domain
        self._sessions = sessions
        self._access = access
        self._all_chats = all_chats

    async def join_conversation(self, socket: Socket, payload: ConversationReference) -> Acknowledged:
        """Join a conversation, to get its messages and updates from now on."""
        person = self._sessions.session_of(socket)
        chat = await self._access.conversation(person, payload.conversation_id)
        socket.join(conversation_room(chat.id), reader_room(chat.id, person.key))
        return Acknowledged(conversation_id=chat.id)

    async def leave_conversation(self, socket: Socket, payload: ConversationReference) -> Acknowledged:
        """Leave a conversation. Nothing happens if it was not joined, or does not exist."""
        person = self._sessions.session_of(socket)
        conversation = ChatId(payload.conversation_id)
        socket.leave(conversation_room(conversation), reader_room(conversation, person.key))
        return Acknowledged(conversation_id=conversation)

    async def conversation(self, reader: Person, conversation_id: str) -> ConversationShape:
        """Return a conversation."""
        chat = await self._access.conversation(reader, conversation_id)
        return await self._access.show(chat, reader.key)

    async def conversations(self, reader: Person, *, page: int, limit: int) -> Listing[ConversationShape]:
        """List one's conversations, or everybody's for an admin; the one with the latest message first."""
        if reader.is_admin:
            found = await self._all_chats.page(page=page, limit=limit)
        else:
            found = await self._domain.chats.page_of(reader.key, page=page, limit=limit)
        users = await self._access.people_in(found.items)
        latest = await self._domain.chats.latest_messages(found.items, limit_each=1)
        data = [
            conversation_shape(chat, reader.key, next(iter(latest.get(chat.id, ())), None), users)
            for chat in found.items
        ]
        return Listing(data=data, page=found.page, limit=found.limit, total=found.total_records)

    async def messages(self, reader: Person, conversation_id: str, *, page: int, limit: int) -> Listing[MessageShape]:
        """List the messages of a conversation, newest first. That does not mark them as read."""
        chat = await self._access.conversation(reader, conversation_id)
        return await self.history(chat, page=page, limit=limit)

    async def history(self, chat: Chat, *, page: int, limit: int) -> Listing[MessageShape]:
        """List the messages of a conversation that the reader was found to be allowed to see."""
        found = await self._domain.messages.history(chat, page=page, limit=limit)
        users = await self._domain.users.find(message.sender for message in found.items)
        data = [message_shape(message, users) for message in found.items]
        return Listing(data=data, page=found.page, limit=found.limit, total=found.total_records)

    async def mark_read(self, reader: Person, conversation_id: str) -> MarkedRead:
        """Mark everything that others have written in a conversation as read."""
        chat = await self._access.conversation(reader, conversation_id)
        marked = await self._domain.receipts.mark_read(chat, reader=reader.key)
        return MarkedRead(conversation_id=chat.id, marked_count=marked.count)
