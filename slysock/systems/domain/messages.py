"""Messages: sent in one order per chat, handed out once to whoever was away, deleted by their senders.

Persist, acknowledge, then tell: `send` gives the stored message to `announce` while nobody else can send into the same
chat, so that what is announced has the order of what is stored. The store shares one commit between chats, not within
one; within one chat people take turns anyway.
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
    """A message as its sender asks for it, in a chat of two that is made if it is not there."""

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
    """A message that is stored, and what is left to do about it."""

    stored: AddedMessage
    tell_recipient: bool
    """Whether to tell the recipient now; if not, it waits in the store until they come."""


@final
class Messages:
    """The messages of one system.

    Args:
        store: where they are.
        system: whose they are.
        online: who is seen as online by others.
        listening: who gets messages as they come. Not the same: one may be online and have no chat open.
    """

    def __init__(self, store: Store, system: SystemName, *, online: Presence, listening: Presence) -> None:
        self._store = store
        self._system = system
        self._online = online
        self._listening = listening
        self._turns = Turns()

    async def send(self, draft: Draft, announce: Callable[[Sent], T], retried: Callable[[Message], T]) -> T:
        """Store a message, have it announced, and return what `announce` returns.

        A retry of one that is stored already is announced to nobody: `retried` is called with the first one instead,
        and what that returns is returned. `announce` runs right after the message is durable, in the order of the
        chat, even if the caller has been cancelled meanwhile. It must not wait, and what it schedules must not either.

        Raises:
            Invalid: nothing to say, too much of it, or to oneself.
            Conflict: the chat takes no messages.
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
        """Decide whether a recipient who was not there gets the message now.

        One who came while it was being stored may have been handed it as undelivered: the store knows, and gives it
        to one of the two ways only.
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
            NotAllowed: somebody else's.
        """
        with translated_store_errors(MISSING_MESSAGE):
            message = await self._store.get_message(self._system, message_id)
            if message is None or message.chat_id != chat.id:
                raise NotFound(MISSING_MESSAGE)
            return await self._store.delete_message(self._system, message_id, by=by)

    async def take_waiting(self, user: UserKey, *, limit: int) -> UndeliveredMessages:
        """Hand out messages that came while the user was away, newest first; nobody is handed them again."""
        with translated_store_errors():
            return await self._store.take_undelivered(self._system, user, limit=limit)


def check_contents(text: str | None, attachments: Sequence[JsonObject]) -> None:
    """Refuse what no chat takes.

    Raises:
        Invalid: nothing to say, or too much.
    """
    if not (text and text.strip()) and not attachments:
        raise Invalid("A message needs a text or at least one media")
    if text is not None and len(text) > MAX_TEXT_CHARACTERS:
        raise Invalid(f"A text has at most {MAX_TEXT_CHARACTERS} characters")
    if len(attachments) > MAX_ATTACHMENTS:
        raise Invalid(f"A message has at most {MAX_ATTACHMENTS} medias")
