"""How participants list and read chats and messages."""

from functools import partial
from typing import Final, final

from slysock.systems.domain import Domain, KnownUsers
from slysock.systems.domain.references import References
from slysock.systems.rest import Paging
from slysock_store import Chat, ChatId, MarkedMessages, Message, MessageId, UserKey

from .announcing import Announcer, Later
from .older_receipts import OlderReceipts
from .sessions import Session
from .shapes import ChatPage, MessagePage, MessageReadShape, ReadShape
from .views import chat_page, message_page

MESSAGE_READ: Final = "messageRead"


@final
class Reading:
    """Listing and reading chats.

    Attributes:
        older: sends the receipts of older messages; must run.
    """

    def __init__(self, domain: Domain, listings: References, announcer: Announcer) -> None:
        self._domain = domain
        self._listings = listings
        self._announcer = announcer
        self.older = OlderReceipts(domain, self._tell_one_read)

    async def chats(self, user: Session, paging: Paging) -> ChatPage:
        """List a user's chats, the one with the latest message first."""
        page = await self._domain.chats.page_of(user.key, page=paging.page, limit=paging.limit)
        latest = await self._domain.chats.latest_messages(page.items, limit_each=1)
        users = await self._users_of(*page.items)
        pets = [chat.reference for chat in page.items if isinstance(chat.reference, str)]
        return chat_page(page, latest, users, await self._listings.find(pets))

    async def chat(self, user: Session, chat_id: str) -> Chat:
        """Return a chat that the user takes part in.

        Raises:
            NotFound: the chat does not exist, or is not theirs.
        """
        return await self._domain.chats.get(ChatId(chat_id), user=user.key)

    async def messages(self, user: Session, chat_id: str, paging: Paging) -> MessagePage:
        """List a chat's messages; they count as delivered to whoever asks.

        Raises:
            NotFound: the chat does not exist, or is not theirs.
        """
        chat = await self.chat(user, chat_id)
        if chat.unread_of(user.key):
            chat = (await self._domain.receipts.mark_delivered(chat, user=user.key)).chat
        page = await self._domain.messages.history(chat, page=paging.page, limit=paging.limit)
        return message_page(page, chat, await self._users_of(chat, messages=page.items))

    async def mark_read(self, user: Session, chat_id: str, message_id: str | None, later: Later) -> ReadShape:
        """Mark one message, or all of a chat, as read; participants get `messageRead` for each that became read.

        Raises:
            NotFound: the chat, or the message in it, does not exist or is not theirs.
        """
        chat = await self._domain.chats.get(ChatId(chat_id), user=user.key)
        if message_id is None:
            marked = await self._domain.receipts.mark_read(chat, reader=user.key)
        else:
            marked = await self._domain.receipts.mark_one_read(chat, MessageId(message_id), reader=user.key)
        later(chat.id, partial(self._tell_read, marked, user.key))
        return ReadShape(chat_id=chat.id, count=marked.count)

    def _tell_read(self, marked: MarkedMessages, reader: UserKey) -> None:
        for message_id in reversed(marked.message_ids):
            self._tell_one_read(marked.chat, reader, message_id)
        self.older.add(marked, reader)

    def _tell_one_read(self, chat: Chat, reader: UserKey, message_id: MessageId) -> None:
        shape = MessageReadShape(message_id=message_id, user_id=reader, chat_id=chat.id)
        self._announcer.tell(chat, MESSAGE_READ, shape)

    async def _users_of(self, *chats: Chat, messages: tuple[Message, ...] = ()) -> KnownUsers:
        keys = [user for chat in chats for user in chat.participants]
        return await self._domain.users.find([*keys, *(message.sender for message in messages)])
