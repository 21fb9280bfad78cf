"""Which conversation a request is about, of those that whoever asks may see."""

from collections.abc import Iterable
from typing import Final, final

from slysock.systems.domain import Domain, KnownUsers, NotAllowed
from slysock.systems.domain.all_chats import AllChats
from slysock_store import Chat, ChatId, Message, UserKey

from .people import Person
from .shapes import ConversationShape
from .views import conversation_shape

MISSING_CONVERSATION: Final = "Conversation not found"
NOT_YOURS: Final = "You do not have access to this conversation"


@final
class Access:
    """The conversations that people may see: admins see all, others those that they take part in."""

    def __init__(self, domain: Domain, all_chats: AllChats) -> None:
        self._domain = domain
        self._all_chats = all_chats

    async def conversation(self, person: Person, conversation_id: str) -> Chat:
        """Return a conversation that the person may see.

        Raises:
            NotFound: there is none.
            NotAllowed: it is not theirs.
        """
        chat = await self._all_chats.get(ChatId(conversation_id), missing=MISSING_CONVERSATION)
        refuse_strangers(person, chat)
        return chat

    async def last_message(self, chat: Chat) -> Message | None:
        """Return the newest message of a conversation."""
        latest = await self._domain.chats.latest_messages((chat,), limit_each=1)
        return next(iter(latest.get(chat.id, ())), None)

    async def people_in(self, chats: Iterable[Chat]) -> KnownUsers:
        """Read the participants of conversations, as far as they are known."""
        return await self._domain.users.find(key for chat in chats for key in chat.participants)

    async def show(self, chat: Chat, viewer: UserKey) -> ConversationShape:
        """Read what belongs to a conversation, and show it to a viewer who may see it."""
        return conversation_shape(chat, viewer, await self.last_message(chat), await self.people_in((chat,)))


def refuse_strangers(person: Person, chat: Chat) -> None:
    """Let admins and participants pass.

    Raises:
        NotAllowed: it is somebody else.
    """
    if not person.is_admin and not chat.is_participant(person.key):
        raise NotAllowed(NOT_YOURS)
