"""The chats that the writer knows without reading: as its last transaction left them.

Only one connection writes, as a rule, so what it has read or written stays true until it changes it; the committer
notices what another process writes. Two reads and making a record would otherwise be a third of a message's time.
"""

from collections.abc import Iterator
from typing import Final, final

from slysock_store.models import Chat, ChatId, ChatKey, SystemName

MAX_KNOWN_CHATS: Final = 10_000
"""Chats that are kept, in about 12 MB; beyond that, all are forgotten, and read again as they are needed."""


@final
class KnownChats:
    """Chats by id and by key. Whoever changes a chat in the database must change it here, in the same transaction.

    What was changed in a transaction that is rolled back must be forgotten: call `clear`.
    """

    def __init__(self, *, max_chats: int = MAX_KNOWN_CHATS) -> None:
        self._max_chats = max_chats
        self._chats: dict[ChatId, Chat] = {}
        self._ids: dict[tuple[SystemName, ChatKey], ChatId] = {}

    def __len__(self) -> int:
        return len(self._chats)

    def __iter__(self) -> Iterator[Chat]:
        return iter(list(self._chats.values()))

    def get(self, system: SystemName, chat_id: ChatId) -> Chat | None:
        """Return a chat of this system by its id, if it is known."""
        chat = self._chats.get(chat_id)
        return chat if chat is not None and chat.system == system else None

    def find(self, system: SystemName, key: ChatKey) -> Chat | None:
        """Return a chat by its key, if it is known."""
        chat_id = self._ids.get((system, key))
        return None if chat_id is None else self._chats.get(chat_id)

    def remember(self, chat: Chat) -> None:
        """Keep a chat as it is now in the database."""
        if chat.id not in self._chats:
            if len(self._chats) >= self._max_chats:
                self.clear()
            self._ids[chat.system, chat.key] = chat.id
        self._chats[chat.id] = chat

    def forget(self, chat_id: ChatId) -> None:
        """Read this chat again when it is next needed."""
        chat = self._chats.pop(chat_id, None)
        if chat is not None:
            del self._ids[chat.system, chat.key]

    def clear(self) -> None:
        """Forget everything."""
        self._chats.clear()
        self._ids.clear()
