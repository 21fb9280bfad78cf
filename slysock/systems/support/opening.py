"""How general conversations are opened: by somebody who needs an admin, or by an admin or a restaurant."""

import secrets
from typing import Final, final
from urllib.parse import quote

import trio

from slysock.systems.domain import Domain, Invalid, NotAllowed
from slysock.systems.domain.all_chats import AllChats
from slysock.systems.domain.outgoing_order import Announcements
from slysock_store import MAX_LIMIT, Chat, ChatKey, NewChat, User, UserKey

from .access import Access
from .announcing import Announcer
from .payloads import CreateConversation, CreateWithAdmin, SendMessage
from .people import ADMIN, MARKET, PHARMACY, RESTAURANT, USER, Person
from .sending import OPEN, Sending
from .shapes import ConversationShape
from .views import GENERAL, SUBJECT

MAY_CREATE: Final = frozenset({ADMIN, RESTAURANT})
MAY_ASK_ADMIN: Final = frozenset({USER, RESTAURANT, MARKET, PHARMACY})

_KEY_BYTES: Final = 12


@final
class Opening:
    """New conversations that are not about an order."""

    def __init__(
        self, domain: Domain, access: Access, all_chats: AllChats, sending: Sending, announcer: Announcer
    ) -> None:
        self._domain = domain
        self._access = access
        self._all_chats = all_chats
        self._sending = sending
        self._announcer = announcer
        self._choosing = trio.Lock()  # of an admin: the next one to ask must see what the one before was given

    async def with_admin(self, asker: Person, wanted: CreateWithAdmin, behind: Announcements) -> ConversationShape:
        """Open a conversation with the admin who has the fewest open ones; with nobody if there is no admin.

        Raises:
            NotAllowed: the asker is an admin, or has a role that the document does not know.
        """
        require_role(asker, MAY_ASK_ADMIN)
        async with self._choosing:
            participants = (asker.key, *await self._least_busy_admin(asker))
            return await self._open(asker, participants, wanted, behind)

    async def create(self, creator: Person, wanted: CreateConversation, behind: Announcements) -> ConversationShape:
        """Open a conversation with the people who are named; a restaurant's includes an admin as well.

        Raises:
            NotAllowed: the creator is neither an admin nor a restaurant.
            Invalid: nobody else is named.
        """
        require_role(creator, MAY_CREATE)
        named = [*wanted.participants, *([] if wanted.user_id is None else [wanted.user_id])]
        others = tuple(key for name in named if (key := UserKey(str(name))) != creator.key)
        if creator.is_admin:
            if not others:
                raise Invalid("Name at least one participant other than yourself")
            return await self._open(creator, (creator.key, *others), wanted, behind)
        async with self._choosing:
            participants = (creator.key, *others, *await self._least_busy_admin(creator))
            return await self._open(creator, participants, wanted, behind)

    async def _open(
        self,
        creator: Person,
        participants: tuple[UserKey, ...],
        wanted: CreateWithAdmin | CreateConversation,
        behind: Announcements,
    ) -> ConversationShape:
        ensured = await self._all_chats.ensure(
            NewChat(
                kind=GENERAL,
                key=_key_for(creator, wanted.client_message_id),
                participants=participants,
                status=OPEN,
                extra={SUBJECT: wanted.subject or ""},
            )
        )
        chat = ensured.chat
        if ensured.created:
            self._announcer.new_conversation(behind, chat, await self._access.people_in((chat,)))
        if wanted.content is not None:
            chat = await self._say_first(chat, creator, wanted.content, wanted.client_message_id, behind)
        return await self._access.show(chat, creator.key)

    async def _say_first(
        self, chat: Chat, creator: Person, content: str, client_message_id: str | None, behind: Announcements
    ) -> Chat:
        message = SendMessage(conversation_id=chat.id, content=content, client_message_id=client_message_id)
        await self._sending.send_into(chat, creator, message, behind)
        return await self._all_chats.get(chat.id)

    async def _least_busy_admin(self, asker: Person) -> tuple[UserKey, ...]:
        admins = await self.admins()
        counts = {
            admin.key: await self._all_chats.count_of(admin.key, status=OPEN)
            for admin in admins
            if admin.key != asker.key
        }
        return (min(counts, key=lambda key: counts[key]),) if counts else ()

    async def admins(self) -> tuple[User, ...]:
        """Return the admins who were here or whom the back-end has reported; the first hundred by id."""
        found = await self._domain.users.page_of_role(ADMIN, page=1, limit=MAX_LIMIT)
        return found.items


def require_role(person: Person, roles: frozenset[str]) -> None:
    """Let people of these roles pass.

    Raises:
        NotAllowed: the person has another one.
    """
    if person.role not in roles:
        raise NotAllowed("Your role does not allow this")


def _key_for(creator: Person, client_message_id: str | None) -> ChatKey:
    """Return a key for a new conversation, by which a retry of its opening finds it."""
    if client_message_id is None:
        return ChatKey(f"{GENERAL}:{secrets.token_hex(_KEY_BYTES)}")
    return ChatKey(f"{GENERAL}:{quote(creator.key, safe='')}:{quote(client_message_id, safe='')}")
