"""Messages to chats that exist already, with any number of readers: stored, then announced, in one order per chat.

`Messages.send` is for chats of two that begin with their first message; this is for chats that were opened before: an
order's, a ticket's, one that another back-end has created. The promises are the same: what is announced is durable, in
the order in which it was stored, and a retry is announced to those alone whom the message has not reached.
"""

from collections.abc import Callable
from typing import TypeAlias, final

import msgspec

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

from .errors import NotFound, translated_store_errors
from .messages import MISSING_MESSAGE, check_contents
from .turns import Turns

Announce: TypeAlias = Callable[[AddedMessage], None]


def not_again(stored: AddedMessage) -> None:
    """Announce no retry: for systems that do not follow what their users have received."""


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


@final
class Posts:
    """The messages of one system, to its existing chats."""

    def __init__(self, store: Store, system: SystemName) -> None:
        self._store = store
        self._system = system
        self._turns = Turns()

    async def post(self, post: Post, announce: Announce, again: Announce = not_again) -> AddedMessage:
        """Store a message and have it announced; a retry of a stored one by `again`, to those who lack it still.

        Both run right after the message is durable, in the order of the chat, even if the caller has been cancelled
        meanwhile: the store is asked nothing in between. They must not wait, and what they schedule must not either.

        Raises:
            Invalid: the message is empty or too long.
            NotFound: the message that it replies to does not exist.
            Conflict: the chat does not accept messages.
            Busy, Unavailable: see there.
        """
        check_contents(post.text, post.attachments)
        async with self._turns.take(post.chat.key):
            stored = await self._add(post)
            if stored.is_duplicate:
                again(stored)
            else:
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
            extra=post.extra,
        )
        with translated_store_errors(MISSING_MESSAGE):
            return await self._store.add_message(
                self._system, post.chat.id, message, required_status=post.required_status, changes=post.changes
            )
