"""Messages on their way: stored, answered, then told."""

import re
from typing import Final, final

from slysock.systems.domain import Domain, Invalid
from slysock.systems.domain.all_chats import AllChats
from slysock.systems.domain.outgoing_order import Announcements
from slysock.systems.domain.posts import Post, Posts
from slysock_store import AddedMessage, Chat, ChatChanges

from .access import Access
from .announcing import Announcer
from .payloads import SendMessage
from .people import SYSTEM, Person
from .shapes import MessageShape
from .views import message_shape

OPEN: Final = "open"
CLOSED: Final = "closed"
SYSTEM_KIND: Final = "system"

_IMAGE_URL: Final = re.compile(r"(https?://|/)[^\s]{1,2047}")


@final
class Sending:
    """The one way of a message into a conversation."""

    def __init__(self, domain: Domain, access: Access, all_chats: AllChats, posts: Posts, announcer: Announcer) -> None:
        self._domain = domain
        self._access = access
        self._all_chats = all_chats
        self._posts = posts
        self._announcer = announcer

    async def send(self, sender: Person, message: SendMessage, behind: Announcements) -> MessageShape:
        """Store a message. A retry is answered with the first one and not announced.

        Raises:
            Conflict: the conversation is closed.
        """
        chat = await self._access.conversation(sender, message.conversation_id)
        return await self.send_into(chat, sender, message, behind)

    async def send_into(self, chat: Chat, sender: Person, message: SendMessage, behind: Announcements) -> MessageShape:
        """Store a message in a conversation that its sender may see."""
        if message.type == "image" and not _IMAGE_URL.fullmatch(message.content):
            raise Invalid("The content of an image must be its URL")
        if sender.is_admin and not chat.is_participant(sender.key) and chat.status != CLOSED:
            chat = await self._take_part(chat, sender, behind)
        users = await self._domain.users.find((sender.key,))

        def announce(stored: AddedMessage) -> None:
            self._announcer.new_message(behind, stored.message, users)

        post = Post(
            chat=chat,
            sender=sender.key,
            kind=message.type,
            text=message.content,
            client_message_id=message.client_message_id,
            # What is not closed takes messages, `resolved` too; the store sees to it that it has not been closed since.
            required_status=OPEN if chat.status == CLOSED else chat.status,
        )
        return message_shape((await self._posts.post(post, announce)).message, users)

    async def _take_part(self, chat: Chat, admin: Person, behind: Announcements) -> Chat:
        """Make an admin who answers a participant, so that the others see who they are talking to."""
        joined = await self._all_chats.change(chat.id, ChatChanges(add_participants=(admin.key,)))
        users = await self._access.people_in((joined,))
        self._announcer.conversation_updated(behind, joined, await self._access.last_message(joined), users)
        return joined

    async def say(self, chat: Chat, text: str, behind: Announcements, *, once_as: str | None = None) -> AddedMessage:
        """Say something as the system, in a conversation of any status.

        Args:
            chat: the conversation.
            text: the message.
            behind: where the announcement waits for its turn.
            once_as: a message with this name is only sent once in a conversation.
        """

        def announce(stored: AddedMessage) -> None:
            self._announcer.new_message(behind, stored.message, {})

        post = Post(chat=chat, sender=SYSTEM, kind=SYSTEM_KIND, text=text, client_message_id=once_as)
        return await self._posts.post(post, announce)
