"""The events of this system in the root namespace."""

from functools import partial
from typing import Final, final

from slysock import Router, Socket
from slysock.systems.domain import Domain
from slysock.systems.domain.outgoing_order import OutgoingOrder
from slysock_store import ChatId

from .announcing import Announcer, behind_ack
from .changing import Changing
from .failures import Done, answer_error
from .payloads import EditMessage, JoinChat, MarkAsRead, ReactMessage, SendMessage, Typing
from .reading import Reading
from .rooms import chat_room
from .sending import Sending, refuse_blocked
from .sessions import Sessions
from .shapes import MessageReactionShape, MessageShape, ReadShape, TypingShape

ROOT: Final = "/"
TYPING: Final = "typing"


@final
class Events:
    """What sockets ask for; each handler says who asks and hands on."""

    def __init__(
        self,
        domain: Domain,
        sessions: Sessions,
        announcer: Announcer,
        outgoing: OutgoingOrder,
        *,
        sending: Sending,
        reading: Reading,
        changing: Changing,
    ) -> None:
        self._domain = domain
        self._sessions = sessions
        self._announcer = announcer
        self._outgoing = outgoing
        self._sending = sending
        self._reading = reading
        self._changing = changing

    async def online(self, socket: Socket) -> Done:
        """Say that one is active; over when the socket goes."""
        await self._sessions.online(socket)
        return Done()

    async def typing(self, socket: Socket, payload: Typing) -> Done:
        """Tell the other participants of a chat that one types, or has stopped; never stored."""
        user = (await self._sessions.session_of(socket)).key
        chat = await self._domain.chats.get(ChatId(payload.chat_id), user=user)
        refuse_blocked(chat)
        shape = TypingShape(user_id=user, is_typing=payload.is_typing, chat_id=chat.id)
        socket.after_ack(partial(self._announcer.tell_others, chat, user, TYPING, shape))
        return Done()

    async def join_chat(self, socket: Socket, payload: JoinChat) -> Done:
        """Open a chat. Not needed to get its messages; what has waited for the user counts as delivered."""
        user = (await self._sessions.session_of(socket)).key
        chat = await self._reading.open(user, payload.chat_id)
        socket.join(chat_room(chat.id))
        return Done()

    async def send_message(self, socket: Socket, payload: SendMessage) -> MessageShape:
        """Send a message; the acknowledgement is the message as it is stored. All participants get `newMessage`."""
        sender = await self._sessions.session_of(socket)
        return await self._sending.send(sender, payload.chat_id, payload.body(), behind_ack(socket, self._outgoing))

    async def mark_as_read(self, socket: Socket, payload: MarkAsRead) -> ReadShape:
        """Mark a message read, or all of a chat; participants get `messageRead` for each that became it."""
        user = await self._sessions.session_of(socket)
        return await self._reading.mark_read(
            user, payload.chat_id, payload.message_id, behind_ack(socket, self._outgoing)
        )

    async def react_message(self, socket: Socket, payload: ReactMessage) -> MessageReactionShape:
        """React to a message, or take it back; participants get `messageReaction`."""
        user = await self._sessions.session_of(socket)
        return await self._changing.react(user, payload, behind_ack(socket, self._outgoing))

    async def edit_message(self, socket: Socket, payload: EditMessage) -> MessageShape:
        """Edit a message of one's own; participants get `messageEdited`."""
        user = await self._sessions.session_of(socket)
        return await self._changing.edit(user, payload, behind_ack(socket, self._outgoing))


def events_router(events: Events, sessions: Sessions) -> Router:
    """Make the router; the door of the root namespace is another one."""
    router = Router(ROOT)
    router.on_connect(sessions.connect)
    router.on_disconnect(sessions.disconnect)
    router.on_error(answer_error)
    router.on("online")(events.online)
    router.on("typing")(events.typing)
    router.on("join-chat")(events.join_chat)
    router.on("sendMessage")(events.send_message)
    router.on("markAsRead")(events.mark_as_read)
    router.on("reactMessage")(events.react_message)
    router.on("editMessage")(events.edit_message)
    return router
