"""Who has received and read what."""

from collections.abc import Sequence
from typing import final

from slysock_store import Chat, MarkedMessages, MessageId, Store, SystemName, UserKey

from .chats import MISSING_CHAT
from .errors import translated_store_errors
from .messages import MISSING_MESSAGE


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

    async def mark_one_read(self, chat: Chat, message_id: MessageId, *, reader: UserKey) -> MarkedMessages:
        """Mark one message of a chat as read by somebody who may see the chat, even if not a participant.

        Raises:
            NotFound: no such message in this chat.
        """
        with translated_store_errors(MISSING_MESSAGE):
            return await self._store.mark_read(self._system, chat.id, reader, message_id=message_id)

    async def mark_delivered(self, chat: Chat, *, user: UserKey) -> MarkedMessages:
        """Mark everything in a chat that waits for one of its participants as delivered."""
        with translated_store_errors(MISSING_CHAT):
            return await self._store.mark_delivered(self._system, chat.id, user)

    async def mark_received(self, user: UserKey, ids: Sequence[str]) -> None:
        """Mark messages as delivered to a user, whichever chats they are in."""
        with translated_store_errors():
            await self._store.mark_received(self._system, user, tuple(map(MessageId, ids)))
