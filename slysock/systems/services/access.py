"""What every event begins with: who asks, about which chat or ticket; and how it speaks to them."""

from typing import Final, final

from msgspec.structs import replace

from slysock import Socket
from slysock.identity import Identity
from slysock.systems.admission import Admission
from slysock.systems.claims import profile_of
from slysock.systems.domain import Domain, NotAllowed, NotAuthenticated, NotFound
from slysock.systems.domain.all_chats import AllChats
from slysock.systems.emitter import Emitter
from slysock.systems.socket_keys import Key
from slysock_store import Chat, ChatId, JsonObject, User, UserKey

from .chats import TICKET_KIND, chat_key, ticket_key
from .payloads import UserName
from .people import Session, key_of, role_of, user_of
from .rooms import bearer_room

MISSING_TICKET: Final = "Ticket not found"

SESSION: Final = Key("services.session", Session)


@final
class Access:
    """Sessions, chats and tickets for the events."""

    def __init__(
        self,
        domain: Domain,
        all_chats: AllChats,
        admission: Admission,
        emitter: Emitter,
        *,
        trust_user_join: bool = False,
    ) -> None:
        self._domain = domain
        self._all_chats = all_chats
        self._admission = admission
        self._emitter = emitter
        self._trust_user_join = trust_user_join

    async def session_of(self, socket: Socket) -> Session:
        """Say who asks. A socket's first event here signs its user in: others share the namespace, and their users.

        Raises:
            NotAuthenticated: nobody knows, or not any more.
        """
        known = SESSION.get(socket)
        if self._admission.maybe_identity(socket) is None:
            if known is not None:
                return known
            raise NotAuthenticated("Say who you are by user-join first")
        identity = self._admission.identity_of(socket)
        if known is not None and known.identity is identity:
            return known
        return self._keep(socket, await self._sign_in(user_of(identity), identity))

    async def believed_session(self, socket: Socket, user_id: UserName) -> Session:
        """Say who asks, by the id in `user-join` where there is no token and the operator trusts that.

        Nobody becomes an admin so, and a socket does not become somebody else.

        Raises:
            NotAuthenticated: nobody knows, or not any more.
        """
        is_nobody = self._admission.maybe_identity(socket) is None and SESSION.get(socket) is None
        if is_nobody and self._trust_user_join:
            self._keep(socket, await self._sign_in(key_of(user_id), None))
        return await self.session_of(socket)

    async def _sign_in(self, key: UserKey, identity: Identity | None) -> Session:
        """Refresh a user by the token; one that names no role leaves the user's as it is."""
        role = "" if identity is None else role_of(identity)
        if not role:
            known = (await self._domain.users.find([key])).get(key)
            role = "" if known is None else known.role
        profile: JsonObject = {} if identity is None else profile_of(identity)
        user = await self._domain.users.sign_in(key, role=role, profile=profile)
        return Session(key=key, user=user, identity=identity)

    def _keep(self, socket: Socket, session: Session) -> Session:
        SESSION.set(socket, session)
        socket.join(bearer_room(session.key))
        return session

    def renew(self, user: User) -> None:
        """Let the sockets of a user speak for the user as they are now."""
        for socket in self._emitter.sockets_in(bearer_room(user.key)):
            known = SESSION.get(socket)
            if known is not None:
                SESSION.set(socket, replace(known, user=user))

    async def chat(self, chat_id: str, *, user: UserKey) -> Chat:
        """Give a chat to one of its two sides.

        Raises:
            NotFound: there is none, or it is none of theirs.
        """
        chat = await self._domain.chats.maybe_find(chat_key(chat_id), user=user)
        if chat is None:
            raise NotFound("Chat not found")
        return chat

    async def ticket(self, session: Session, ticket_id: str) -> Chat:
        """Give a ticket to its owner or an admin.

        Raises:
            NotFound: there is none, or it is none of theirs.
        """
        ticket = await self._all_chats.maybe_find(ticket_key(ticket_id))
        if ticket is None or not _may_see(session, ticket):
            raise NotFound(MISSING_TICKET)
        return ticket

    async def maybe_ticket_of(self, session: Session, chat_id: ChatId) -> Chat | None:
        """Give the ticket that a message was found in; None if it is no ticket, or none of theirs."""
        chat = await self._all_chats.get(chat_id)
        return chat if chat.kind == TICKET_KIND and _may_see(session, chat) else None

    def users_in(self, socket: Socket, room: str) -> frozenset[UserKey]:
        """Name those who have a socket in a room."""
        found = (SESSION.get(other) for other in socket.namespace.to(room).sockets())
        return frozenset(session.key for session in found if session is not None)

    async def maybe_user(self, key: UserKey) -> User | None:
        """Give a user, if anybody has told of them."""
        return (await self._domain.users.find([key])).get(key)


def require_admin(session: Session) -> None:
    """Refuse whoever is no admin.

    Raises:
        NotAllowed: the token names another role.
    """
    if not session.is_admin:
        raise NotAllowed("Only admins may do this")


def _may_see(session: Session, ticket: Chat) -> bool:
    return session.is_admin or ticket.is_participant(session.key)


def reply(socket: Socket, event: str, *args: object) -> None:
    """Send an event to the socket that asked, behind the acknowledgement."""
    socket.after_ack(socket.emit, event, *args)


def tell(socket: Socket, room: str, event: str, *args: object) -> None:
    """Send an event to a room, behind the acknowledgement of the event that is being handled."""
    socket.after_ack(socket.namespace.to(room).emit, event, *args)


def tell_with_self(socket: Socket, rooms: tuple[str, ...], event: str, *args: object) -> None:
    """Send an event to rooms and to the socket that asked, whether it is in one of them or not; once to each."""
    socket.after_ack(socket.namespace.to(*rooms, socket.id).emit, event, *args)
