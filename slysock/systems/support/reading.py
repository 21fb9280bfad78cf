"""Conversations and messages as those get them who may see them."""

from typing import final

from slysock_store import Chat

from .access import Access
from .people import Person
from .shapes import ConversationShape, Listing, MarkedRead, MessageShape
from .views import conversation_shape, message_shape


@final
class Reading:
    """What can be read. Strangers get what `Access.conversation` raises."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def conversation(self, reader: Person, conversation_id: str) -> ConversationShape:
        """Give a conversation."""
        chat = await self._access.conversation(reader, conversation_id)
        return await self._access.show(chat, reader.key)

    async def conversations(self, reader: Person, *, page: int, limit: int) -> Listing[ConversationShape]:
        """List one's conversations, or everybody's to an admin; the one with the latest message first."""
        if reader.is_admin:
            found = await self._access.all.page(page=page, limit=limit)
        else:
            found = await self._access.domain.chats.page_of(reader.key, page=page, limit=limit)
        users = await self._access.people_in(found.items)
        latest = await self._access.domain.chats.latest_messages(found.items, limit_each=1)
        data = [
            conversation_shape(chat, reader.key, next(iter(latest.get(chat.id, ())), None), users)
            for chat in found.items
        ]
        return Listing(data=data, page=found.page, limit=found.limit, total=found.total_records)

    async def messages(self, reader: Person, conversation_id: str, *, page: int, limit: int) -> Listing[MessageShape]:
        """List the messages of a conversation, newest first. Nothing becomes read by it."""
        chat = await self._access.conversation(reader, conversation_id)
        return await self.history(chat, page=page, limit=limit)

    async def history(self, chat: Chat, *, page: int, limit: int) -> Listing[MessageShape]:
        """List the messages of a conversation that has been given out already."""
        found = await self._access.domain.messages.history(chat, page=page, limit=limit)
        users = await self._access.domain.users.find(message.sender for message in found.items)
        data = [message_shape(message, users) for message in found.items]
        return Listing(data=data, page=found.page, limit=found.limit, total=found.total_records)

    async def mark_read(self, reader: Person, conversation_id: str) -> MarkedRead:
        """Mark everything that others have written in a conversation as read."""
        chat = await self._access.conversation(reader, conversation_id)
        marked = await self._access.domain.receipts.mark_read(chat, reader=reader.key)
        return MarkedRead(conversation_id=chat.id, marked_count=marked.count)
