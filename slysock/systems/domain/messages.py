"""Messages: sent in one order per chat, handed out to whoever was away, deleted by their senders.

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

from .deliveries import Deliveries
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
    """A stored message, and whether its recipient is to be told."""

    stored: AddedMessage
    tell_recipient: bool
    """Always for a new one, in case they listen; for a retry, if they lack it and no socket of theirs was sent it."""


@final
class Messages:
    """The messages of one system.

    Args:
        store: where they are kept.
        system: whose they are.
        online: who is seen as online by others.
        listening: who gets messages live. Not the same: one may be online without having any chat open.
        deliveries: what is on its way to them.
    """

    def __init__(
        self, store: Store, system: SystemName, *, online: Presence, listening: Presence, deliveries: Deliveries
    ) -> None:
        self._store = store
        self._system = system
        self._online = online
        self._listening = listening
        self._deliveries = deliveries
        self._turns = Turns()

    async def send(self, draft: Draft, announce: Callable[[Sent], T]) -> T:
        """Store a message, have it announced, and return what `announce` returns.

        `announce` runs right after the message is durable, in the order of the chat, even if the caller has been
        cancelled meanwhile: the store is asked nothing in between. It must not wait, and what it schedules must not
        either. It runs for a retry of a stored message as well, which says whether the recipient lacks it still.

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
            tell = not stored.is_duplicate or self._deliveries.lacks(draft.recipient, stored.message)
            return announce(Sent(stored=stored, tell_recipient=tell))

    def _message(self, draft: Draft) -> NewMessage:
        return NewMessage(
            sender=draft.sender,
            recipient=draft.recipient,
            kind=draft.kind,
            text=draft.text,
            attachments=draft.attachments,
            client_message_id=draft.client_message_id,
            recipient_online=self._online.is_here(draft.recipient),
            extra=draft.extra,
        )

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

    async def waiting(
        self, user: UserKey, *, chat: Chat | None = None, before: MessageId | None = None, limit: int
    ) -> UndeliveredMessages:
        """List the messages that the user has not received, newest first; they wait until `Deliveries` says so."""
        with translated_store_errors():
            return await self._store.list_undelivered(
                self._system, user, chat_id=None if chat is None else chat.id, before=before, limit=limit
            )


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
