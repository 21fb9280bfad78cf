"""Support tickets, between a user who needs help and the admins: rooms of tickets, and a dashboard with all of them."""

from functools import partial
from typing import Final, final

from slysock import Socket
from slysock.systems.domain import Domain, NotAllowed, NotFound
from slysock.systems.domain.messages import MISSING_MESSAGE
from slysock.systems.domain.posts import Post, Posts
from slysock_store import AddedMessage, Chat, JsonObject, Message, MessageId, User

from .access import Access, require_admin
from .announcing import deliver_to_members, lacking_sockets, tell_others, tell_with_self
from .opening import Opening
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

    def __init__(self, domain: Domain, sessions: Sessions, access: Access, posts: Posts, opening: Opening) -> None:
        self._domain = domain
        self._opening = opening
        self._sessions = sessions
        self._access = access
        self._posts = posts

    async def join_ticket(self, socket: Socket, payload: TicketName) -> TicketDone:
        """Open a ticket: its messages come as `new-support-message`; first those that the user has not received."""
        session = await self._sessions.session_of(socket)
        ticket = await self._access.ticket(session, payload.ticket_id)
        await self._opening.open(socket, session, ticket, ticket_room(payload.ticket_id), self._hand_over)
        return TicketDone(ticket_id=payload.ticket_id)

    def _hand_over(self, socket: Socket, ticket: Chat, message: Message, sender: User) -> None:
        socket.emit(NEW_SUPPORT_MESSAGE, announced(support_message(ticket, message, sender)))

    async def join_dashboard(self, socket: Socket, payload: object = None) -> Done:  # noqa: ARG002 - clients send null
        """Get the messages of every ticket; admins only. The event has no payload."""
        require_admin(await self._sessions.session_of(socket))
        socket.join(DASHBOARD)
        return Done()

    async def send(self, socket: Socket, payload: SupportMessage) -> SupportMessageSent:
        """Store a message in a ticket. Whoever has the ticket open gets it, and the dashboard.

        A retry is answered with the first result; it is announced to those alone who have the ticket open and were not
        sent it yet.
        """
        session = await self._sessions.session_of(socket)
        if payload.message_type == SYSTEM_TYPE and not session.is_admin:
            raise NotAllowed("Only admins can send messages of the type `system`")
        ticket = await self._access.ticket(session, payload.ticket_id)
        post = _post(session, ticket, payload)
        announce, again = partial(self._announce, socket, session), partial(self._announce_again, socket, session)
        stored = await self._posts.post(post, announce, again)
        return SupportMessageSent(message=_shown(stored, session))

    def _announce(self, socket: Socket, session: Session, stored: AddedMessage) -> None:
        """Schedule the announcement. Does not wait: the message is durable and the next one is close behind."""
        self._tell(socket, session, stored, (ticket_room(id_of(stored.chat)), DASHBOARD, socket.id))

    def _announce_again(self, socket: Socket, session: Session, stored: AddedMessage) -> None:
        rooms = (ticket_room(id_of(stored.chat)), DASHBOARD)
        lacking = lacking_sockets(socket, rooms, stored, self._domain.deliveries)
        if lacking:
            self._tell(socket, session, stored, lacking)

    def _tell(self, socket: Socket, session: Session, stored: AddedMessage, rooms: tuple[str, ...]) -> None:
        shape, deliveries = announced(_shown(stored, session)), self._domain.deliveries
        socket.after_ack(deliver_to_members, socket, rooms, NEW_SUPPORT_MESSAGE, shape, stored, deliveries)

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


def _shown(stored: AddedMessage, sender: Session) -> SupportMessageShape:
    return support_message(stored.chat, stored.message, sender.user)
