"""Who is told what: the three events to clients, emitted by whoever has stored something."""

from collections.abc import Iterable
from typing import Final, final

from slysock.systems.domain import KnownUsers
from slysock.systems.domain.outgoing_order import Announcements
from slysock.systems.emitter import Emitter
from slysock_store import Chat, Message, UserKey

from .rooms import ADMINS_ROOM, conversation_room, personal_room, reader_room
from .views import conversation_shape, message_shape, new_conversation_shape

NEW_MESSAGE: Final = "new-message"
CONVERSATION_UPDATED: Final = "conversation-updated"
NEW_CONVERSATION: Final = "new-conversation"

_NOBODY: Final = UserKey("")


@final
class Announcer:
    """Puts announcements in line: each is made when the answer to its request is on its way.

    Args:
        emitter: emits in the namespace.
    """

    def __init__(self, emitter: Emitter) -> None:
        self._emitter = emitter

    def new_message(self, behind: Announcements, message: Message, users: KnownUsers) -> None:
        """Announce a message to whoever has the conversation open, including the sender."""
        shape = message_shape(message, users)
        room = conversation_room(message.chat_id)
        behind.add(message.chat_id, lambda: self._emitter.emit_to(room, NEW_MESSAGE, shape))

    def conversation_updated(self, behind: Announcements, chat: Chat, last: Message | None, users: KnownUsers) -> None:
        """Announce a change to whoever has the conversation open, each with their own count of unread messages."""
        behind.add(chat.id, lambda: self._tell_readers(chat, last, users))

    def _tell_readers(self, chat: Chat, last: Message | None, users: KnownUsers) -> None:
        rooms = [reader_room(chat.id, member.user) for member in chat.members]
        for member, room in zip(chat.members, rooms, strict=True):
            self._emitter.emit_to(room, CONVERSATION_UPDATED, conversation_shape(chat, member.user, last, users))
        others = (conversation_room(chat.id),)  # admins who have neither read nor written here
        shape = conversation_shape(chat, _NOBODY, last, users)
        self._emitter.emit_to_all(others, CONVERSATION_UPDATED, shape, except_rooms=rooms)

    def new_conversation(self, behind: Announcements, chat: Chat, users: KnownUsers) -> None:
        """Announce a conversation to its participants and all admins, whatever they have open."""
        self._tell_of(behind, chat, users, (ADMINS_ROOM, *map(personal_room, chat.participants)))

    def joined_conversation(
        self, behind: Announcements, chat: Chat, users: KnownUsers, newcomers: Iterable[UserKey]
    ) -> None:
        """Announce a conversation to those who have been added to it: to them it is new."""
        rooms = tuple(map(personal_room, newcomers))
        self._tell_of(behind, chat, users, rooms)

    def _tell_of(self, behind: Announcements, chat: Chat, users: KnownUsers, rooms: tuple[str, ...]) -> None:
        shape = new_conversation_shape(chat, users)
        behind.add(chat.id, lambda: self._emitter.emit_to_all(rooms, NEW_CONVERSATION, shape))
