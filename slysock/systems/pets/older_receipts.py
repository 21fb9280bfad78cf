"""The receipts of older messages, if more became read at once than a store returns.

They are sent page by page and with pauses: those of a year of absence would not fit into a client's outbox at once, and
no list of them is held.
"""

import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final, TypeAlias, final

import trio
from msgspec import Struct

from slysock.systems.domain import Domain, DomainError
from slysock_store import MAX_LIMIT, Chat, MarkedMessages, Message, MessageId, UserKey

logger = logging.getLogger("slysock.systems")

PAUSE_SECONDS: Final = 0.05
"""The pause between pages: two thousand events a second, which any connection can take."""

MAX_WAITING: Final = 1_000
"""Marks whose senders wait to be told; beyond that, they only see it in the history."""

Tell: TypeAlias = Callable[[Chat, UserKey, MessageId], object]
"""Tells the participants of a chat that a user has read a message. It must not wait."""


@final
class _Told(Struct, frozen=True):
    """A mark as read, whose senders have been told about the messages that it names."""

    marked: MarkedMessages
    reader: UserKey


@final
class OlderReceipts:
    """What senders have yet to be told, in the order in which it was read. `run` must run in a task."""

    def __init__(self, domain: Domain, tell: Tell) -> None:
        self._domain = domain
        self._tell = tell
        self._waiting: deque[_Told] = deque()
        self._came = trio.Event()

    def add(self, marked: MarkedMessages, reader: UserKey) -> None:
        """Queue the rest of a mark, if there is any, after the messages that the mark names."""
        if marked.count == len(marked.message_ids):
            return
        if len(self._waiting) >= MAX_WAITING:
            logger.warning("too many long chats were read at once: senders are told of the newest messages only")
            return
        self._waiting.append(_Told(marked, reader))
        self._came.set()

    async def run(self) -> None:
        """Send what is queued, until cancelled."""
        while True:
            await self._came.wait()
            self._came = trio.Event()
            while self._waiting:
                try:
                    await self._tell_rest(self._waiting.popleft())
                except DomainError as error:  # what is in the history is not lost
                    logger.warning("senders are not told of older messages that were read: %s", error)

    async def _tell_rest(self, told: _Told) -> None:
        """Send the receipts of the marked messages that the mark does not name."""
        marked, reader = told.marked, told.reader
        named = set(marked.message_ids)
        left = marked.count - len(named)
        async with aclosing(self._history(marked.chat)) as messages:
            async for message in messages:
                if not left or message.sequence < marked.sequences.first:
                    return
                if message.sequence in marked.sequences and message.id not in named and _waited(message, reader):
                    self._tell(marked.chat, reader, message.id)
                    left -= 1

    async def _history(self, chat: Chat) -> AsyncGenerator[Message, None]:
        """Yield the messages of a chat, newest first; new ones may push some onto the next page, to come again."""
        number, below = 1, chat.last_sequence + 1
        while True:
            page = await self._domain.messages.history(chat, page=number, limit=MAX_LIMIT)
            for message in page.items:
                if message.sequence < below:
                    below = message.sequence
                    yield message
            if not page.has_next:
                return
            number += 1
            await trio.sleep(PAUSE_SECONDS)


def _waited(message: Message, reader: UserKey) -> bool:
    return message.sender != reader and not message.is_deleted
