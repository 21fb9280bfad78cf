"""Senders told of the rest where more messages became read at once than a store names.

Page by page and with pauses: what came together in a year of absence would not fit a client's outbox at once, and no
list of it is held.
"""

import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from typing import Final, TypeAlias, final

import trio
from msgspec import Struct

from slysock.systems.domain import Domain, DomainError
from slysock_store import MAX_LIMIT, Chat, MarkedMessages, Message, MessageId, UserKey

logger = logging.getLogger("slysock.systems")

PAUSE_SECONDS: Final = 0.05
"""Between pages: two thousand events a second, which any connection takes."""

MAX_WAITING: Final = 1_000
"""Marks whose senders wait to be told; past that they see it in the history only."""

Tell: TypeAlias = Callable[[Chat, UserKey, MessageId], object]
"""Tells the participants of a chat that a user has read a message. Must not wait."""


@final
class _Told(Struct, frozen=True):
    """What has been told of one mark as read: the newest messages."""

    chat: Chat
    reader: UserKey
    last: MessageId
    """The oldest of them."""

    left: int


@final
class OlderReceipts:
    """What is still to be told, in the order in which it was read. `run` must run in a task."""

    def __init__(self, domain: Domain, tell: Tell) -> None:
        self._domain = domain
        self._tell = tell
        self._waiting: deque[_Told] = deque()
        self._came = trio.Event()

    def add(self, marked: MarkedMessages, reader: UserKey) -> None:
        """Have the rest told, if there is any, behind the messages that the mark names."""
        left = marked.count - len(marked.message_ids)
        if not left:
            return
        if len(self._waiting) >= MAX_WAITING:
            logger.warning("too many long chats were read at once: senders are told of the newest messages only")
            return
        self._waiting.append(_Told(marked.chat, reader, marked.message_ids[-1], left))
        self._came.set()

    async def run(self) -> None:
        """Tell of what is added, until cancelled."""
        while True:
            await self._came.wait()
            self._came = trio.Event()
            while self._waiting:
                try:
                    await self._tell_rest(self._waiting.popleft())
                except DomainError as error:  # what is in the history is not lost
                    logger.warning("senders are not told of older messages that were read: %s", error)

    async def _tell_rest(self, told: _Told) -> None:
        """Tell of those that became read at the same moment as the last that was told."""
        moment: datetime | None = None
        left = told.left
        async with aclosing(self._history(told.chat)) as messages:
            async for message in messages:
                if moment is not None and _read_at(message, told.reader) == moment:
                    self._tell(told.chat, told.reader, message.id)
                    left -= 1
                elif message.id == told.last:
                    moment = _read_at(message, told.reader)
                if not left:
                    return

    async def _history(self, chat: Chat) -> AsyncGenerator[Message, None]:
        """Go through a chat, newest first; what comes meanwhile pushes some onto the next page again."""
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


def _read_at(message: Message, reader: UserKey) -> datetime | None:
    return next((receipt.read_at for receipt in message.receipts if receipt.user == reader), None)
