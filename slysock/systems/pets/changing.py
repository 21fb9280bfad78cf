"""Editing, reacting to and deleting messages; blocking chats."""

from functools import partial
from typing import Final, final

from slysock.systems.domain import Domain, NotFound
from slysock.systems.domain.messages import MISSING_MESSAGE
from slysock.systems.domain.revisions import Placed, Revisions
from slysock_store import ChangedMessage, ChatId, MessageId

from .announcing import Announcer, Later
from .media import Media
from .payloads import EditMessage, ReactMessage
from .sending import checked_content, refuse_blocked
from .sessions import Session
from .shapes import BlockShape, MessageDeletedShape, MessageReactionShape, MessageShape
from .views import message_shape, reaction_shapes

MESSAGE_EDITED: Final = "messageEdited"
MESSAGE_REACTION: Final = "messageReaction"
MESSAGE_DELETED: Final = "messageDeleted"


@final
class Changing:
    """The changes to messages and chats."""

    def __init__(self, domain: Domain, revisions: Revisions, media: Media, announcer: Announcer) -> None:
        self._domain = domain
        self._revisions = revisions
        self._media = media
        self._announcer = announcer

    async def edit(self, user: Session, wish: EditMessage, later: Later) -> MessageShape:
        """Edit one's own message; participants get `messageEdited`.

        Raises:
            Invalid: the new text is empty or too long.
            NotFound: the message does not exist, is not theirs, or is deleted.
            NotAllowed: the message is another participant's.
            Conflict: the chat is blocked.
        """
        placed = await self._placed(user, wish.message_id, wish.chat_id)
        text = checked_content(wish.content, placed.message.kind, has_media=bool(placed.message.attachments))

        def announce(changed: ChangedMessage) -> None:
            later(changed.chat.id, partial(self._announcer.tell, changed.chat, MESSAGE_EDITED, _seen(user, changed)))

        changed = await self._revisions.edit(placed.message.id, text, announce, by=user.key, allow=refuse_blocked)
        return _seen(user, changed)

    async def react(self, user: Session, wish: ReactMessage, later: Later) -> MessageReactionShape:
        """Set a participant's reaction; participants get `messageReaction`.

        Raises:
            NotFound: the message does not exist, is not theirs, or is deleted.
            Conflict: the chat is blocked.
        """

        def seen(changed: ChangedMessage) -> MessageReactionShape:
            return MessageReactionShape(
                message_id=changed.message.id,
                chat_id=changed.chat.id,
                user_id=user.key,
                emoji=wish.emoji,
                reactions=reaction_shapes(changed.message),
            )

        def announce(changed: ChangedMessage) -> None:
            later(changed.chat.id, partial(self._announcer.tell, changed.chat, MESSAGE_REACTION, seen(changed)))

        placed = await self._placed(user, wish.message_id, wish.chat_id)
        return seen(
            await self._revisions.react(placed.message.id, wish.emoji, announce, by=user.key, allow=refuse_blocked)
        )

    async def delete(self, user: Session, message_id: str, later: Later) -> MessageShape:
        """Delete a message and its file; participants get `messageDeleted`.

        Raises:
            NotFound: the message does not exist, or is not theirs.
            NotAllowed: the message is another participant's.
        """

        def announce(changed: ChangedMessage) -> None:
            shape = MessageDeletedShape(message_id=message_id, chat_id=changed.chat.id, user_id=user.key)
            later(changed.chat.id, partial(self._announcer.tell, changed.chat, MESSAGE_DELETED, shape))

        placed = await self._revisions.get(MessageId(message_id), user=user.key)
        async with self._media.released_by(placed.message) as changes:
            changed = await self._revisions.delete(placed.message.id, announce, by=user.key, changes=changes)
        return _seen(user, changed)

    async def toggle_block(self, user: Session, chat_id: str) -> BlockShape:
        """Block a chat for everybody in it, or lift one's own block.

        Raises:
            NotFound: the chat does not exist, or is not theirs.
        """
        chat = await self._domain.chats.get(ChatId(chat_id), user=user.key)
        chat = await self._domain.chats.toggle_block(chat, by=user.key)
        return BlockShape(chat_id=chat.id, is_blocked=bool(chat.blocked_by), blocked_by=list(chat.blocked_by))

    async def _placed(self, user: Session, message_id: str, chat_id: str | None) -> Placed:
        """Find a message, in the chat that the client names, if it names one."""
        placed = await self._revisions.get(MessageId(message_id), user=user.key)
        if chat_id is not None and placed.chat.id != chat_id:
            raise NotFound(MISSING_MESSAGE)
        return placed


def _seen(sender: Session, changed: ChangedMessage) -> MessageShape:
    return message_shape(changed.message, changed.chat, {sender.key: sender.user})
