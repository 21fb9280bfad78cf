"""Who has read what."""

from typing import final

from slysock_store import Chat, MarkedMessages, Store, SystemName, UserKey

from .chats import MISSING_CHAT
from .errors import translated_store_errors


@final
class Receipts:
    """The receipts of one system."""

    def __init__(self, store: Store, system: SystemName) -> None:
        self._store = store
        self._system = system

    async def mark_read(self, chat: Chat, *, reader: UserKey) -> MarkedMessages:
        """Mark everything that others have written in a chat as read by one of its participants."""
        with translated_store_errors(MISSING_CHAT):
            return await self._store.mark_read(self._system, chat.id, reader)
