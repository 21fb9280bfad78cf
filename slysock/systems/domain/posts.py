"""Messages to chats that exist already, with any number of readers: stored, then announced, in one order per chat.

`Messages.send` is for chats of two that begin with their first message; this is for chats that were opened before: an
order's, a ticket's, one that another back-end has created. The promises are the same: what is announced is durable, in
the order in which it was stored, and a retry is not announced.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final, TypeAlias, final

import msgspec
import trio

from slysock_store import (
    AddedMessage,
    Chat,
    JsonObject,
    Message,
    MessageId,
    NewMessage,
    ReferenceChange,
    Store,
    SystemName,
    UserKey,
)

from .errors import DomainError, NotFound, translated_store_errors
from .messages import MISSING_MESSAGE, check_contents
from .turns import Turns

MARK_SECONDS: Final = 5.0
"""How long a stored message may wait to be marked as delivered before it is announced without that."""

Readers: TypeAlias = Callable[[], Collection[UserKey]]
Announce: TypeAlias = Callable[[AddedMessage], None]


def nobody() -> Collection[UserKey]:
    """Return nobody: for chats that cannot be open."""
    return ()


@final
class Post(msgspec.Struct, frozen=True, kw_only=True):
    """A message as its sender wants it. It has been decided that the sender may send it."""

    chat: Chat
    sender: UserKey
    recipient: UserKey | None = None
    """None: every participant."""

    kind: str = "text"
    text: str | None = None
    attachments: tuple[JsonObject, ...] = ()
    reply_to: MessageId | None = None
    client_message_id: str | None = None
    recipient_online: bool = False
    required_status: str | None = None
    """The status that the chat must have when the message is stored; None for any."""

    extra: JsonObject = {}
    changes: tuple[ReferenceChange, ...] = ()
    """What changes in references with the message; what they raise is raised."""

    readers: Readers = nobody
    """Returns those who have the chat open: to them it counts as delivered. Asked before and after it is stored."""


@final
class Posts:
    """The messages of one system, to its existing chats."""

    def __init__(self, store: Store, system: SystemName) -> None:
        self._store = store
        self._system = system
        self._turns = Turns()

    async def post(self, post: Post, announce: Announce) -> AddedMessage:
        """Store a message and have it announced; a retry of a stored one announces nothing.

        `announce` runs after the message is durable, in the order of the chat, even if the caller has been cancelled
        meanwhile. It must not wait, and what it schedules must not either.

        Raises:
            Invalid: the message is empty or too long.
            NotFound: the message that it replies to does not exist.
            Conflict: the chat does not accept messages.
            Busy, Unavailable: see there.
        """
        check_contents(post.text, post.attachments)
        async with self._turns.take(post.chat.key):
            stored = await self._add(post)
            if not stored.is_duplicate:
                stored = await self._mark_late_readers(post, stored)
                announce(stored)
            return stored

    async def get(self, message_id: MessageId) -> Message:
        """Return a message; the caller must check that the user may see its chat.

        Raises:
            NotFound: there is none.
        """
        with translated_store_errors(MISSING_MESSAGE):
            message = await self._store.get_message(self._system, message_id)
        if message is None:
            raise NotFound(MISSING_MESSAGE)
        return message

    async def _add(self, post: Post) -> AddedMessage:
        message = NewMessage(
            sender=post.sender,
            recipient=post.recipient,
            kind=post.kind,
            text=post.text,
            attachments=post.attachments,
            reply_to=post.reply_to,
            client_message_id=post.client_message_id,
            recipient_online=post.recipient_online,
            delivered_to=tuple(_readers_of(post, post.chat)),
            extra=post.extra,
        )
        with translated_store_errors(MISSING_MESSAGE):
            return await self._store.add_message(
                self._system, post.chat.id, message, required_status=post.required_status, changes=post.changes
            )

    async def _mark_late_readers(self, post: Post, stored: AddedMessage) -> AddedMessage:
        """Mark a message as delivered to those who have opened the chat while it was being stored.

        They may have asked for undelivered messages a moment too early. The message is durable: whatever happens here,
        it is announced.
        """
        late = _readers_of(post, stored.chat) - set(stored.message.delivered_to)
        with trio.move_on_after(MARK_SECONDS, shield=True), suppress(DomainError):
            for reader in late:
                with translated_store_errors():
                    await self._store.mark_delivered(self._system, stored.chat.id, reader)
            if late:
                return msgspec.structs.replace(stored, message=await self.get(stored.message.id))
        return stored


def _readers_of(post: Post, chat: Chat) -> set[UserKey]:
    return {reader for reader in post.readers() if reader != post.sender and chat.is_participant(reader)}
