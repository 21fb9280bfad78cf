"""Messages: sent in one order per chat, handed out once to whoever was away, deleted by their senders.

Persist, acknowledge, then tell: `send` passes the stored message to `announce` while nobody else can send to the same
chat, so that messages are announced in the order in which they are stored. The store shares one commit between chats,
not within one; within one chat people take turns anyway.
"""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar, final

import msgspec

from slysock_store import (
    AddedMessage,
    ChangedMessage,
    Chat,
    JsonObject,
    Message,
    MessageId,
    NewChat,
    NewMessage,
    Page,
    Store,
    SystemName,
    UndeliveredMessages,
    UserKey,
)

from .errors import Invalid, NotFound, translated_store_errors
from .presence import Presence
from .turns import Turns

T = TypeVar("T")

MAX_TEXT_CHARACTERS: Final = 10_000
"""A long letter; a page of a hundred such messages still fits an outbox."""

MAX_ATTACHMENTS: Final = 10
MISSING_MESSAGE: Final = "Message not found"


@final
class Draft(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A message as its sender wants it, in a chat of two that is created if it does not exist."""

    chat: NewChat
    sender: UserKey
    recipient: UserKey
    kind: str = "text"
    text: str | None = None
    attachments: tuple[JsonObject, ...] = ()
    client_message_id: str | None = None
    extra: JsonObject = {}


@final
class Sent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A stored message, and whether its recipient still has to be told."""

    stored: AddedMessage
    tell_recipient: bool
    """Whether to tell the recipient now; if not, the message waits in the store until they connect."""


@final
class Messages:
    """The messages of one system.

    Args:
        store: where they are kept.
        system: whose they are.
        online: who is seen as online by others.
        listening: who gets messages live. Not the same: one may be online without having any chat open.
    """

    def __init__(self, store: Store, system: SystemName, *, online: Presence, listening: Presence) -> None:
        self._store = store
        self._system = system
        self._online = online
        self._listening = listening
        self._turns = Turns()

    async def send(self, draft: Draft, announce: Callable[[Sent], T], retried: Callable[[Message], T]) -> T:
        """Store a message, have it announced, and return what `announce` returns.

        A retry of a stored message is not announced: `retried` is called with the stored one instead, and what that
        returns is returned. `announce` runs right after the message is durable, in the order of the chat, even if the
        caller has been cancelled meanwhile. It must not wait, and what it schedules must not either.

        Raises:
            Invalid: the message is empty, too long, or for its own sender.
            Conflict: the chat does not accept messages.
            Busy, Unavailable: see there.
        """
        if draft.sender == draft.recipient:
            raise Invalid("You cannot send a message to yourself")
        check_contents(draft.text, draft.attachments)
        async with self._turns.take(draft.chat.key):
            with translated_store_errors():
                stored = await self._store.add_message(self._system, draft.chat, self._message(draft))
            if stored.is_duplicate:
                return retried(stored.message)
            is_delivered = stored.message.is_delivered_to(draft.recipient)
            sent = Sent(stored=stored, tell_recipient=is_delivered or await self._has_come(draft.recipient, stored))
            return announce(sent)

    def _message(self, draft: Draft) -> NewMessage:
        is_listening = self._listening.is_here(draft.recipient)
        return NewMessage(
            sender=draft.sender,
            recipient=draft.recipient,
            kind=draft.kind,
            text=draft.text,
            attachments=draft.attachments,
            client_message_id=draft.client_message_id,
            recipient_online=self._online.is_here(draft.recipient),
            delivered_to=(draft.recipient,) if is_listening else (),
            extra=draft.extra,
        )

    async def _has_come(self, recipient: UserKey, stored: AddedMessage) -> bool:
        """Decide whether a recipient who was away gets the message now.

        One who connected while it was being stored may have been handed it as undelivered: the store knows, and lets
        it go only one of the two ways.
        """
        if not self._listening.is_here(recipient):
            return False
        with translated_store_errors():
            marked = await self._store.mark_delivered(self._system, stored.chat.id, recipient)
        return stored.message.id in marked.message_ids

    async def history(self, chat: Chat, *, page: int, limit: int, with_deleted: bool = True) -> Page[Message]:
        """List the messages of a chat, newest first."""
        with translated_store_errors():
            return await self._store.list_messages(
                self._system, chat.id, with_deleted=with_deleted, page=page, limit=limit
            )

    async def delete(self, message_id: MessageId, *, chat: Chat, by: UserKey) -> ChangedMessage:
        """Delete a message of this chat for everybody.

        Raises:
            NotFound: no such message in this chat.
            NotAllowed: the message is somebody else's.
        """
        with translated_store_errors(MISSING_MESSAGE):
            message = await self._store.get_message(self._system, message_id)
            if message is None or message.chat_id != chat.id:
                raise NotFound(MISSING_MESSAGE)
            return await self._store.delete_message(self._system, message_id, by=by)

    async def take_waiting(self, user: UserKey, *, limit: int) -> UndeliveredMessages:
        """Take the messages that came while the user was away, newest first; they are not handed out again."""
        with translated_store_errors():
            return await self._store.take_undelivered(self._system, user, limit=limit)


def check_contents(text: str | None, attachments: Sequence[JsonObject]) -> None:
    """Refuse contents that no chat accepts.

    Raises:
        Invalid: the message is empty or too long.
    """
    if not (text and text.strip()) and not attachments:
        raise Invalid("A message needs text or media")
    if text is not None and len(text) > MAX_TEXT_CHARACTERS:
        raise Invalid(f"A text can have at most {MAX_TEXT_CHARACTERS} characters")
    if len(attachments) > MAX_ATTACHMENTS:
        raise Invalid(f"A message can have at most {MAX_ATTACHMENTS} media")
