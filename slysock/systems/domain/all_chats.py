"""Chats, whoever asks: for dialects where some people may see chats that they take no part in.

`Chats` hides a stranger's chat; here every chat is visible, so the caller must first decide who may see it.
"""

from typing import final

from slysock_store import Chat, ChatChanges, ChatId, ChatKey, EnsuredChat, NewChat, Page, Store, SystemName, UserKey

from .chats import MISSING_CHAT
from .errors import NotFound, translated_store_errors


@final
class AllChats:
    """All chats of one system."""

    def __init__(self, store: Store, system: SystemName) -> None:
        self._store = store
        self._system = system

    async def get(self, chat_id: ChatId, *, missing: str = MISSING_CHAT) -> Chat:
        """Return a chat.

        Args:
            chat_id: which chat.
            missing: the text of the error if there is none.

        Raises:
            NotFound: there is none.
        """
        with translated_store_errors():
            chat = await self._store.get_chat(self._system, chat_id)
        if chat is None:
            raise NotFound(missing)
        return chat

    async def maybe_find(self, key: ChatKey) -> Chat | None:
        """Return the chat with this key; None if there is none yet."""
        with translated_store_errors():
            return await self._store.find_chat(self._system, key)

    async def ensure(self, chat: NewChat) -> EnsuredChat:
        """Return the chat with this key as it is, or create it; of many callers at once, one creates it."""
        with translated_store_errors():
            return await self._store.ensure_chat(self._system, chat)

    async def page(self, *, page: int, limit: int) -> Page[Chat]:
        """List everybody's chats, latest first."""
        with translated_store_errors():
            return await self._store.list_chats(self._system, page=page, limit=limit)

    async def count_of(self, user: UserKey, *, status: str) -> int:
        """Count the chats of a participant that are in this status."""
        with translated_store_errors():
            found = await self._store.list_chats(self._system, participant=user, status=status, limit=1)
        return found.total_records

    async def change(self, chat_id: ChatId, changes: ChatChanges, *, missing: str = MISSING_CHAT) -> Chat:
        """Change a chat.

        Raises:
            NotFound: there is none.
        """
        with translated_store_errors(missing):
            return await self._store.update_chat(self._system, chat_id, changes)
