"""Which chat or ticket an event is about, of those that whoever asks may see."""

from typing import Final, final

from slysock.systems.domain import Domain, NotAllowed, NotFound
from slysock.systems.domain.all_chats import AllChats
from slysock_store import Chat, ChatId, UserKey

from .chats import TICKET_KIND, chat_key, ticket_key
from .sessions import Session

MISSING_TICKET: Final = "Ticket not found"


@final
class Access:
    """Chats and tickets for the events."""

    def __init__(self, domain: Domain, all_chats: AllChats) -> None:
        self._domain = domain
        self._all_chats = all_chats

    async def chat(self, chat_id: str, *, user: UserKey) -> Chat:
        """Return a chat that the user is a side of.

        Raises:
            NotFound: it does not exist, or is not theirs.
        """
        chat = await self._domain.chats.maybe_find(chat_key(chat_id), user=user)
        if chat is None:
            raise NotFound("Chat not found")
        return chat

    async def ticket(self, session: Session, ticket_id: str) -> Chat:
        """Return a ticket of one's own; admins may see any.

        Raises:
            NotFound: it does not exist, or is not theirs.
        """
        ticket = await self._all_chats.maybe_find(ticket_key(ticket_id))
        if ticket is None or not _may_see(session, ticket):
            raise NotFound(MISSING_TICKET)
        return ticket

    async def maybe_ticket_of(self, session: Session, chat_id: ChatId) -> Chat | None:
        """Return the ticket that a message is in; None if it is not in a ticket, or in somebody else's."""
        chat = await self._all_chats.get(chat_id)
        return chat if chat.kind == TICKET_KIND and _may_see(session, chat) else None


def require_admin(session: Session) -> None:
    """Refuse everybody except admins.

    Raises:
        NotAllowed: the token names another role.
    """
    if not session.is_admin:
        raise NotAllowed("Only admins may do this")


def _may_see(session: Session, ticket: Chat) -> bool:
    return session.is_admin or ticket.is_participant(session.key)
