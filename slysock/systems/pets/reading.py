"""Chats and messages as their participants see them, and what they have seen."""

from functools import partial
from typing import Final, final

import msgspec
from msgspec import Struct

from slysock.systems.domain import Domain, Invalid
from slysock.systems.domain.all_chats import AllChats
from slysock.systems.domain.references import References
from slysock.systems.rest import Paging
from slysock_store import Chat, ChatId, ChatKey, MarkedMessages, Message, MessageId, NewChat, UserKey

from .announcing import Announcer, Later
from .older_receipts import OlderReceipts
from .payloads import CreateChat
from .people import Session
from .shapes import ChatPage, ChatShape, MessagePage, MessageReadShape, ReadShape
from .views import KnownListings, KnownUsers, chat_page, chat_shape, message_page

MESSAGE_READ: Final = "messageRead"
DIRECT: Final = "direct"
PET_INQUIRY: Final = "pet_inquiry"


@final
class Created(Struct, frozen=True, kw_only=True):
    """A chat, and whether it was made just now."""

    chat: ChatShape
    is_new: bool


@final
class Reading:
    """Chats being made, listed and read.

    Attributes:
        older: tells senders of long chats that were read; must run.
    """

    def __init__(self, domain: Domain, all_chats: AllChats, listings: References, announcer: Announcer) -> None:
        self._domain = domain
        self._all_chats = all_chats
        self._listings = listings
        self._announcer = announcer
        self.older = OlderReceipts(domain, self._tell_one_read)

    async def create(self, user: Session, wish: CreateChat) -> Created:
        """Give the chat with somebody about a pet, or about none; make it if there is none.

        The pet's owner, as far as known, is in a new one whoever it is with.

        Raises:
            Invalid: with oneself.
        """
        other = UserKey(wish.participant_id)
        if other == user.key:
            raise Invalid("You cannot chat with yourself")
        listings = await self._listings.find(() if wish.pet_id is None else (wish.pet_id,))
        ensured = await self._all_chats.ensure(_new_chat(user.key, other, wish, listings))
        latest = await self._domain.chats.latest_messages((ensured.chat,), limit_each=1)
        users = await self._domain.users.find(ensured.chat.participants)
        shape = chat_shape(ensured.chat, latest.get(ensured.chat.id, ()), users, listings)
        return Created(chat=shape, is_new=ensured.created)

    async def chats(self, user: Session, paging: Paging) -> ChatPage:
        """List a user's chats, that with the latest message first."""
        page = await self._domain.chats.page_of(user.key, page=paging.page, limit=paging.limit)
        latest = await self._domain.chats.latest_messages(page.items, limit_each=1)
        users = await self._users_of(*page.items)
        pets = [chat.reference for chat in page.items if isinstance(chat.reference, str)]
        return chat_page(page, latest, users, await self._listings.find(pets))

    async def messages(self, user: Session, chat_id: str, paging: Paging) -> MessagePage:
        """List a chat's messages; whoever asks for them has got them.

        Raises:
            NotFound: no such chat, or none of theirs.
        """
        chat = await self.open(user.key, chat_id)
        page = await self._domain.messages.history(chat, page=paging.page, limit=paging.limit)
        return message_page(page, chat, await self._users_of(chat, messages=page.items))

    async def open(self, user: UserKey, chat_id: str) -> Chat:
        """Give a chat to a participant whom everything in it has reached now.

        Raises:
            NotFound: no such chat, or none of theirs.
        """
        chat = await self._domain.chats.get(ChatId(chat_id), user=user)
        if not chat.unread_of(user):
            return chat
        return (await self._domain.receipts.mark_delivered(chat, user=user)).chat

    async def mark_read(self, user: Session, chat_id: str, message_id: str | None, later: Later) -> ReadShape:
        """Mark one message read, or all of a chat; participants get `messageRead` for each that became it.

        Raises:
            NotFound: no such chat or message in it, or none of theirs.
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


def _new_chat(user: UserKey, other: UserKey, wish: CreateChat, listings: KnownListings) -> NewChat:
    kind = wish.chat_type or (DIRECT if wish.pet_id is None else PET_INQUIRY)
    owner = _maybe_owner(wish, listings)
    return NewChat(
        kind=kind,
        # Ids may hold any character: JSON keeps them apart.
        key=ChatKey(msgspec.json.encode([kind, wish.pet_id, *sorted((user, other))]).decode()),
        participants=(user, other) if owner is None else (user, other, owner),
        reference=wish.pet_id,
    )


def _maybe_owner(wish: CreateChat, listings: KnownListings) -> UserKey | None:
    listing = None if wish.pet_id is None else listings.get(wish.pet_id)
    owner = None if listing is None else listing.data.get("ownerId")
    return UserKey(owner) if isinstance(owner, str) else None
