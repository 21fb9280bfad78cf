"""What all requests begin with: who asks, and which conversation of those they may see."""

from collections.abc import Iterable
from typing import Final, final

from msgspec import json

from slysock.identity import Identity
from slysock.systems.claims import profile_of
from slysock.systems.domain import Domain, NotAllowed
from slysock.systems.domain.oversight import Oversight
from slysock_store import Chat, ChatId, Message, UserKey

from .people import Person, person_of
from .shapes import ConversationShape
from .views import KnownUsers, conversation_shape

MISSING_CONVERSATION: Final = "Conversation not found"
NOT_YOURS: Final = "You do not have access to this conversation"

MAX_REMEMBERED_USERS: Final = 10_000


@final
class Desk:
    """People and the conversations that they may see: admins all, others those that they take part in.

    Attributes:
        domain: what it works with.
        all: the conversations of everybody.
    """

    def __init__(self, domain: Domain, oversight: Oversight) -> None:
        self.domain = domain
        self.all = oversight
        self._signed_in: dict[UserKey, int] = {}  # user -> hash of what was stored of them last

    async def sign_in(self, identity: Identity) -> Person:
        """Say who bears a token, and store what it says of them unless that has been done.

        What one may do follows from the token alone; one without a role leaves the role that others are shown.

        Raises:
            NotAuthenticated: nobody of this system.
        """
        person = person_of(identity)
        profile = profile_of(identity)
        told = hash(json.encode([identity.role, profile]))
        if self._signed_in.get(person.key) != told:
            role = person.role if identity.role else await self._known_role(person)
            await self.domain.users.sign_in(person.key, role=role, profile=profile)
            self._remember(person.key, told)
        return person

    async def _known_role(self, person: Person) -> str:
        known = (await self.domain.users.find((person.key,))).get(person.key)
        return person.role if known is None else known.role

    def _remember(self, user: UserKey, told: int) -> None:
        if len(self._signed_in) >= MAX_REMEMBERED_USERS:
            self._signed_in.clear()
        self._signed_in[user] = told

    def forget(self, user: UserKey) -> None:
        """Store anew what the user's next token says: somebody else has changed the record."""
        self._signed_in.pop(user, None)

    async def conversation(self, person: Person, conversation_id: str) -> Chat:
        """Give a conversation to somebody who may see it.

        Raises:
            NotFound: there is none.
            NotAllowed: it is not theirs.
        """
        chat = await self.all.get(ChatId(conversation_id), missing=MISSING_CONVERSATION)
        refuse_strangers(person, chat)
        return chat

    async def last_message(self, chat: Chat) -> Message | None:
        """Give the newest message of a conversation."""
        latest = await self.domain.chats.latest_messages((chat,), limit_each=1)
        return next(iter(latest.get(chat.id, ())), None)

    async def people_in(self, chats: Iterable[Chat]) -> KnownUsers:
        """Read the participants of conversations, as far as they are known."""
        return await self.domain.users.find(key for chat in chats for key in chat.participants)

    async def show(self, chat: Chat, viewer: UserKey) -> ConversationShape:
        """Read what belongs to a conversation, and show it to one who may see it."""
        return conversation_shape(chat, viewer, await self.last_message(chat), await self.people_in((chat,)))


def refuse_strangers(person: Person, chat: Chat) -> None:
    """Let admins and participants pass.

    Raises:
        NotAllowed: somebody else.
    """
    if not person.is_admin and not chat.is_participant(person.key):
        raise NotAllowed(NOT_YOURS)
