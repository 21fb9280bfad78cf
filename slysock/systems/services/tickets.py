"""Support tickets, between a user who needs help and the admins: rooms of tickets, and a dashboard with all of them."""

from typing import Final, final

from slysock import Socket
from slysock.systems.domain import Domain, NotAllowed, NotFound
from slysock.systems.domain.messages import MISSING_MESSAGE
from slysock.systems.domain.posts import Post, Posts
from slysock_store import AddedMessage, Chat, JsonObject, MessageId

from .access import Access, require_admin
from .announcing import tell_others, tell_with_self
from .payloads import SYSTEM_TYPE, MarkMessageRead, SupportMessage, TicketName
from .people import ADMIN
from .rooms import DASHBOARD, ticket_room
from .sessions import Session, Sessions
from .shapes import Done, MessageReadUpdateShape, SupportMessageSent, SupportMessageShape, TicketDone
from .views import NEW_SUPPORT_MESSAGE, USER, announced, id_of, support_message

USER_TYPING: Final = "support-user-typing"
READ_UPDATE: Final = "message-read-update"


@final
class Tickets:
    """The events about tickets."""

    def __init__(self, domain: Domain, sessions: Sessions, access: Access, posts: Posts) -> None:
        self._domain = domain
        self._sessions = sessions
        self._access = access
        self._posts = posts

    async def join_ticket(self, socket: Socket, payload: TicketName) -> TicketDone:
        """Open a ticket: its messages come as `new-support-message`."""
        session = await self._sessions.session_of(socket)
        await self._access.ticket(session, payload.ticket_id)
        socket.join(ticket_room(payload.ticket_id))
        return TicketDone(ticket_id=payload.ticket_id)

    async def join_dashboard(self, socket: Socket, payload: object = None) -> Done:  # noqa: ARG002 - clients send null
        """Get the messages of every ticket; admins only. The event has no payload."""
        require_admin(await self._sessions.session_of(socket))
        socket.join(DASHBOARD)
        return Done()

    async def send(self, socket: Socket, payload: SupportMessage) -> SupportMessageSent:
        """Store a message in a ticket. Whoever has the ticket open gets it, and the dashboard.

        A retry is answered with the first result and not announced.
        """
        session = await self._sessions.session_of(socket)
        if payload.message_type == SYSTEM_TYPE and not session.is_admin:
            raise NotAllowed("Only admins can send messages of the type `system`")
        ticket = await self._access.ticket(session, payload.ticket_id)
        post = _post(session, ticket, payload)
        stored = await self._posts.post(post, lambda stored: _announce(socket, session, stored))
        return SupportMessageSent(message=_shown(stored, session))

    async def start_typing(self, socket: Socket, payload: TicketName) -> Done:
        """Tell the others in a ticket that somebody is typing."""
        return await self._pass_on(socket, payload, is_typing=True)

    async def stop_typing(self, socket: Socket, payload: TicketName) -> Done:
        """Tell the others in a ticket that somebody has stopped typing."""
        return await self._pass_on(socket, payload, is_typing=False)

    async def mark_read(self, socket: Socket, payload: MarkMessageRead) -> Done:
        """Mark one message as read and tell whoever has the ticket open; a repetition is not announced."""
        session = await self._sessions.session_of(socket)
        message = await self._posts.get(MessageId(payload.message_id))
        ticket = await self._access.maybe_ticket_of(session, message.chat_id)
        if ticket is None:
            raise NotFound(MISSING_MESSAGE)
        marked = await self._domain.receipts.mark_one_read(ticket, message.id, reader=session.key)
        if marked.count:
            update = MessageReadUpdateShape(message_id=message.id, user_id=session.key)
            tell_with_self(socket, (ticket_room(id_of(ticket)),), READ_UPDATE, update)
        return Done()

    async def _pass_on(self, socket: Socket, payload: TicketName, *, is_typing: bool) -> Done:
        session = await self._sessions.session_of(socket)
        room = ticket_room(payload.ticket_id)
        if room not in socket.rooms:
            await self._access.ticket(session, payload.ticket_id)
        tell_others(socket, room, USER_TYPING, session.key, is_typing=is_typing)
        return Done()


def _post(session: Session, ticket: Chat, payload: SupportMessage) -> Post:
    extra: JsonObject = {"senderRole": ADMIN if session.is_admin else USER}
    return Post(
        chat=ticket,
        sender=session.key,
        kind=payload.message_type,
        text=payload.content,
        attachments=payload.stored_attachments(),
        client_message_id=payload.client_message_id,
        extra=extra,
    )


def _announce(socket: Socket, session: Session, stored: AddedMessage) -> None:
    """Schedule the announcement. Does not wait: the message is durable and the next one is close behind."""
    rooms = (ticket_room(id_of(stored.chat)), DASHBOARD)
    tell_with_self(socket, rooms, NEW_SUPPORT_MESSAGE, announced(_shown(stored, session)))


def _shown(stored: AddedMessage, sender: Session) -> SupportMessageShape:
    return support_message(stored.chat, stored.message, sender.user)
