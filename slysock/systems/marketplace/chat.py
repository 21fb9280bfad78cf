"""The namespace `/chat`: its router, and what happens when somebody comes and goes."""

from typing import Final, final

from slysock import DisconnectReason, Router, Socket
from slysock.identity import Identity
from slysock.systems.admission import RefreshToken
from slysock.systems.domain import ConnectionKey, Domain, DomainError, NotAllowed
from slysock.systems.domain.references import References
from slysock_store import UserKey

from .deleting import Deleting
from .desk import Desk
from .envelope import Envelope, Listing, paginate
from .gate import Gate, Session, answer_error, show_out
from .listing import ChatLists
from .payloads import DEFAULT_PAGE_SIZE, ListChats
from .people import person_of
from .reading import Reading
from .sending import Sending
from .typing_signals import TypingSignals
from .views import offline_message

CHAT: Final = "/chat"
OFFLINE_MESSAGES: Final = "offlineMessages"
USER_CHATS: Final = "userChats"

PRESENCE_GRACE_SECONDS: Final = 1.0
"""How long `/chat` waits for its user to be online: clients open both namespaces at once, in any order."""

MAX_OFFLINE_PAGES: Final = 50
"""A thousand messages at one connect; what is left waits for the next, and is in the history of its chats."""


@final
class ChatDoor:
    """Coming and going."""

    def __init__(self, domain: Domain, gate: Gate, lists: ChatLists) -> None:
        self._domain = domain
        self._gate = gate
        self._lists = lists

    async def connect(self, socket: Socket) -> None:
        """Let a user in who is online, and give them their chats and what they have missed."""
        try:
            identity = await self._gate.identify(socket)
            await self._require_online(identity)
            session = await self._gate.admit(socket, identity)
            self._domain.listening.arrive(session.person.key, ConnectionKey(socket.id))
            await self._send_chats(socket, session)
            await self._send_missed(socket, session.person.key)
        except DomainError as error:
            show_out(socket, error)
        except Exception as error:
            show_out(socket, error)
            raise

    def disconnect(self, socket: Socket, reason: DisconnectReason) -> None:  # noqa: ARG002 - the shape of a hook
        """Forget a socket."""
        self._gate.leave(socket)
        self._domain.listening.leave(ConnectionKey(socket.id))

    async def refresh_token(self, socket: Socket, payload: RefreshToken) -> Envelope:
        """`refreshToken`; see Gate.refresh."""
        return await self._gate.refresh(socket, payload)

    async def _require_online(self, identity: Identity) -> None:
        key = person_of(identity).key
        if not await self._domain.online.wait_for(key, within_seconds=PRESENCE_GRACE_SECONDS):
            raise NotAllowed("You are not online: connect to /presence first")

    async def _send_chats(self, socket: Socket, session: Session) -> None:
        page = await self._lists.page(session.person, ListChats())
        socket.emit(USER_CHATS, Envelope(message="Chats have been sent successfully", data=page))

    async def _send_missed(self, socket: Socket, user: UserKey) -> None:
        """Hand out what came while the user was away, page by page; without any, one empty page."""
        total: int | None = None
        for number in range(1, MAX_OFFLINE_PAGES + 1):
            taken = await self._domain.messages.take_waiting(user, limit=DEFAULT_PAGE_SIZE)
            total = taken.page.total_records if total is None else total
            items = tuple(offline_message(message, taken.chats[message.chat_id]) for message in taken.page.items)
            pagination = paginate(page=number, limit=taken.page.limit, total_records=total)
            data = Listing(items=items, pagination=pagination)
            socket.emit(OFFLINE_MESSAGES, Envelope(message="Offline messages has been sent successfully", data=data))
            if not taken.page.has_next:
                return


def chat_router(domain: Domain, gate: Gate, products: References) -> Router:
    """Make the router of `/chat`."""
    desk = Desk(domain, gate, products)
    lists = ChatLists(domain, desk)
    door = ChatDoor(domain, gate, lists)
    router = Router(CHAT)
    router.on_connect(door.connect)
    router.on_disconnect(door.disconnect)
    router.on_error(answer_error)
    router.on("refreshToken")(door.refresh_token)
    router.on("sendMessage")(Sending(domain, desk).send_message)
    reading = Reading(domain, desk)
    router.on("joinChat")(reading.join_chat)
    router.on("markAsRead")(reading.mark_as_read)
    router.on("getUserChats")(lists.get_user_chats)
    router.on("joinRooms")(lists.join_rooms)
    router.on("deleteMessage")(Deleting(domain, desk).delete_message)
    signals = TypingSignals(desk)
    router.on("typing")(signals.typing)
    router.on("stoppedTyping")(signals.stopped_typing)
    return router
