"""Changes to a message that was sent: edits, reactions, deletion, each by a participant of its chat."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias, final

import msgspec

from slysock_store import ChangedMessage, Chat, Message, MessageId, ReferenceChange, Store, SystemName, UserKey

from .errors import NotAllowed, NotFound, translated_store_errors
from .messages import MISSING_MESSAGE
from .turns import Turns

Announce: TypeAlias = Callable[[ChangedMessage], None]
Allow: TypeAlias = Callable[[Chat], None]
"""Raises a DomainError if the chat does not accept a change."""


def anything(chat: Chat) -> None:
    """Allow a change, whatever state the chat is in."""


@final
class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """A message and the chat it is in."""

    chat: Chat
    message: Message


@final
class Revisions:
    """The changes to messages of one system.

    Those of one chat take turns, so that they are announced in the order in which they are stored. `announce` runs
    right after a change is durable, even if the caller has been cancelled meanwhile, and not at all if nothing changed.
    It must not wait. A stranger gets the same answer as for a message that does not exist.
    """

    def __init__(self, store: Store, system: SystemName) -> None:
        self._store = store
        self._system = system
        self._turns = Turns()

    async def get(self, message_id: MessageId, *, user: UserKey) -> Placed:
        """Return a message of a chat that the user takes part in.

        Raises:
            NotFound: it does not exist, or is not theirs.
        """
        with translated_store_errors():
            message = await self._store.get_message(self._system, message_id)
            chat = None if message is None else await self._store.get_chat(self._system, message.chat_id)
        if message is None or chat is None or not chat.is_participant(user):
            raise NotFound(MISSING_MESSAGE)
        return Placed(chat=chat, message=message)

    async def edit(
        self, message_id: MessageId, text: str, announce: Announce, *, by: UserKey, allow: Allow = anything
    ) -> ChangedMessage:
        """Replace the text of one's own message.

        Raises:
            NotFound: it does not exist, is not theirs, or is deleted.
            NotAllowed: the message is another participant's.
        """
        async with self._turn(message_id, by, allow) as placed:
            _require_sender(placed.message, by)
            with translated_store_errors(MISSING_MESSAGE):
                changed = await self._store.edit_message(self._system, message_id, by=by, text=text)
            return _announced(changed, announce)

    async def react(
        self, message_id: MessageId, emoji: str | None, announce: Announce, *, by: UserKey, allow: Allow = anything
    ) -> ChangedMessage:
        """Set a participant's reaction to a message; None takes it back.

        Raises:
            NotFound: it does not exist, is not theirs, or is deleted.
        """
        async with self._turn(message_id, by, allow):
            with translated_store_errors(MISSING_MESSAGE):
                changed = await self._store.set_reaction(self._system, message_id, by=by, emoji=emoji)
            return _announced(changed, announce)

    async def delete(
        self, message_id: MessageId, announce: Announce, *, by: UserKey, changes: Sequence[ReferenceChange] = ()
    ) -> ChangedMessage:
        """Delete one's own message, for everybody, and change references with it.

        Raises:
            NotFound: it does not exist, or is not theirs.
            NotAllowed: the message is another participant's.
        """
        async with self._turn(message_id, by, anything) as placed:
            _require_sender(placed.message, by)
            with translated_store_errors(MISSING_MESSAGE):
                changed = await self._store.delete_message(self._system, message_id, by=by, changes=changes)
            return _announced(changed, announce)

    @asynccontextmanager
    async def _turn(self, message_id: MessageId, user: UserKey, allow: Allow) -> AsyncGenerator[Placed, None]:
        """Hold the turn of a message's chat. Leaving it is not a checkpoint."""
        found = await self.get(message_id, user=user)
        async with self._turns.take(found.chat.key):
            placed = await self.get(message_id, user=user)
            allow(placed.chat)
            yield placed


def _require_sender(message: Message, user: UserKey) -> None:
    if message.sender != user:
        raise NotAllowed("Only the sender of a message may do this")


def _announced(changed: ChangedMessage, announce: Announce) -> ChangedMessage:
    if changed.changed:
        announce(changed)
    return changed
