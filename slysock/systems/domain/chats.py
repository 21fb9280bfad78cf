"""Chats as their participants see them: somebody else's chat is not found."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Final, final

from slysock_store import MAX_LIMIT, Chat, ChatId, ChatKey, Message, Page, Store, SystemName, UserKey

from .errors import NotFound, translated_store_errors

MISSING_CHAT: Final = "Chat not found"


@final
class Chats:
    """The chats of one system."""

    def __init__(self, store: Store, system: SystemName) -> None:
        self._store = store
        self._system = system

    async def get(self, chat_id: ChatId, *, user: UserKey) -> Chat:
        """Return a chat that the user takes part in.

        Raises:
            NotFound: there is none, or the user is not a participant.
        """
        with translated_store_errors():
            chat = await self._store.get_chat(self._system, chat_id)
        if chat is None or not chat.is_participant(user):
            raise NotFound(MISSING_CHAT)
        return chat

    async def exists(self, chat_id: ChatId) -> bool:
        """Tell whether there is such a chat, whoever takes part in it."""
        with translated_store_errors():
            return await self._store.get_chat(self._system, chat_id) is not None

    async def maybe_find(self, key: ChatKey, *, user: UserKey) -> Chat | None:
        """Return the chat with this key if the user takes part in it; None if there is none yet.

        Raises:
            NotFound: there is one, but the user is not a participant.
        """
        with translated_store_errors():
            chat = await self._store.find_chat(self._system, key)
        if chat is None:
            return None
        if not chat.is_participant(user):
            raise NotFound(MISSING_CHAT)
        return chat

    async def toggle_block(self, chat: Chat, *, by: UserKey) -> Chat:
        """Block a chat for one of its participants, or lift that participant's own block."""
        with translated_store_errors(MISSING_CHAT):
            return await self._store.toggle_block(self._system, chat.id, by)

    async def page_of(self, user: UserKey, *, page: int, limit: int) -> Page[Chat]:
        """List a user's chats, latest first."""
        with translated_store_errors():
            return await self._store.list_chats(self._system, participant=user, page=page, limit=limit)

    async def latest_messages(
        self, chats: Sequence[Chat], *, limit_each: int, with_deleted: bool = True
    ) -> Mapping[ChatId, tuple[Message, ...]]:
        """Return the newest messages of each of a page of chats, newest first."""
        if not chats:
            return {}
        with translated_store_errors():
            return await self._store.latest_messages(
                self._system, tuple(chat.id for chat in chats), with_deleted=with_deleted, limit_each=limit_each
            )

    async def companions(self, user: UserKey) -> AsyncGenerator[frozenset[UserKey], None]:
        """Yield everybody the user has a chat with, a page of chats at a time; some may come twice."""
        page = 1
        while True:
            found = await self.page_of(user, page=page, limit=MAX_LIMIT)
            yield frozenset(key for chat in found.items for key in chat.participants) - {user}
            if not found.has_next:
                return
            page += 1
