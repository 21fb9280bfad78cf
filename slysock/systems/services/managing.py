"""What the back-end that owns users, chats and tickets reports; it may repeat everything, with the same result."""

from typing import final

from slysock.systems.domain import Conflict, Domain, Invalid
from slysock.systems.domain.all_chats import AllChats
from slysock.systems.ids import key_of, normal_role
from slysock.systems.manage import Manage, UserPresence, notifications, resource, user_presence
from slysock_store import Chat, ChatChanges

from .chats import new_chat, new_ticket
from .notifications import NotificationEvents
from .payloads import ChatRecord, NewNotice, TicketRecord, UserRecord
from .sessions import Sessions
from .shapes import ChatShape, NotificationShape, SenderShape, TicketShape
from .statuses import Statuses
from .views import sender_shape


@final
class Managing:
    """Users, chats and tickets as they are reported."""

    def __init__(
        self,
        domain: Domain,
        sessions: Sessions,
        all_chats: AllChats,
        statuses: Statuses,
        notifications: NotificationEvents,
    ) -> None:
        self._domain = domain
        self._sessions = sessions
        self._all_chats = all_chats
        self._statuses = statuses
        self._notifications = notifications

    async def put_user(self, user_id: str, user: UserRecord) -> SenderShape:
        """Create or update a user, also in the sessions of live sockets; return the user as others see them."""
        stored = await self._domain.users.sign_in(key_of(user_id), role=normal_role(user.role), profile=user.profile())
        self._sessions.renew(stored)
        return sender_shape(stored)

    async def put_chat(self, chat_id: str, chat: ChatRecord) -> ChatShape:
        """Create a chat, unless it exists.

        Raises:
            Invalid: both sides are the same user.
            Conflict: there is a chat with this id between other users.
        """
        client, provider = key_of(chat.client_id), key_of(chat.provider_id)
        if client == provider:
            raise Invalid("A chat is between two users")
        stored = (await self._all_chats.ensure(new_chat(chat_id, client=client, provider=provider))).chat
        if stored.participants != (client, provider):
            raise Conflict("There is a chat with this id between other users")
        return ChatShape(chat_id=chat_id, client_id=client, provider_id=provider)

    async def put_ticket(self, ticket_id: str, ticket: TicketRecord) -> TicketShape:
        """Create a ticket, unless it exists; a new subject replaces the old one.

        Raises:
            Conflict: there is a ticket with this id for another user.
        """
        owner = key_of(ticket.user_id)
        stored = (await self._all_chats.ensure(new_ticket(ticket_id, owner=owner, subject=ticket.subject))).chat
        if stored.participants != (owner,):
            raise Conflict("There is a ticket with this id for another user")
        if ticket.subject is not None and _subject(stored) != ticket.subject:
            stored = await self._all_chats.change(stored.id, ChatChanges(extra={"subject": ticket.subject}))
        return TicketShape(ticket_id=ticket_id, user_id=owner, subject=_subject(stored))

    async def notify(self, notice: NewNotice) -> NotificationShape:
        """Store a notification, and send it to its user now or when they connect; see `NotificationEvents.notify`."""
        return await self._notifications.notify(notice)

    async def presence(self, user_id: str, user_type: str | None = None) -> UserPresence:  # noqa: ARG002 - ids are unique
        """Return whether a user is seen as online, and how many sockets they have."""
        key = key_of(user_id)
        known, is_online = await self._sessions.maybe_user(key), self._statuses.is_online(key)
        return user_presence(key, [known], sockets=self._statuses.sockets_of(key), is_online=is_online)


def make_manage(managing: Managing) -> Manage:
    """Declare what the management API can do."""
    return Manage(
        resources=(
            resource("users", UserRecord, managing.put_user, doc="Create or update a user."),
            resource(
                "chats",
                ChatRecord,
                managing.put_chat,
                doc="Create a chat of a client and a provider, unless it exists.",
            ),
            resource("tickets", TicketRecord, managing.put_ticket, doc="Create a ticket, or change its subject."),
        ),
        presence=managing.presence,
        notifications=notifications(NewNotice, managing.notify),
    )


def _subject(ticket: Chat) -> str | None:
    subject = ticket.extra.get("subject")
    return subject if isinstance(subject, str) else None
