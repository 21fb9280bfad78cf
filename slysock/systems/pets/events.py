"""The events of this system in the root namespace, and what handles them."""

from typing import final

from slysock import Router, Socket

from .announcing import behind_ack
from .failures import answer_error
from .payloads import EditMessage, JoinChat, MarkAsRead, ReactMessage, SendMessage
from .rooms import ROOT, chat_room
from .service import Pets
from .shapes import Done, MessageReactionShape, MessageShape, ReadShape


def make_routers(service: Pets) -> tuple[Router, ...]:
    """Make the router; the door of the root namespace is another one."""
    events = Events(service)
    router = Router(ROOT)
    router.on_connect(service.sessions.connect)
    router.on_disconnect(service.presence.disconnect)
    router.on_error(answer_error)
    router.on("online")(service.presence.online)
    router.on("typing")(service.typing.typing)
    router.on("join-chat")(events.join_chat)
    router.on("sendMessage")(events.send_message)
    router.on("markAsRead")(events.mark_as_read)
    router.on("reactMessage")(events.react_message)
    router.on("editMessage")(events.edit_message)
    return (router,)


@final
class Events:
    """What both sockets and requests can do; each handler finds out who asks and passes the event on."""

    def __init__(self, service: Pets) -> None:
        self._service = service

    async def join_chat(self, socket: Socket, payload: JoinChat) -> Done:
        """Open a chat. Not needed to get its messages: they come as they are sent, and earlier ones on request."""
        user = await self._service.sessions.session_of(socket)
        chat = await self._service.reading.chat(user, payload.chat_id)
        socket.join(chat_room(chat.id))
        return Done()

    async def send_message(self, socket: Socket, payload: SendMessage) -> MessageShape:
        """Send a message; the acknowledgement is the message as it is stored. All participants get `newMessage`."""
        sender = await self._service.sessions.session_of(socket)
        behind = behind_ack(socket, self._service.outgoing)
        return await self._service.sending.send(sender, payload.chat_id, payload, behind)

    async def mark_as_read(self, socket: Socket, payload: MarkAsRead) -> ReadShape:
        """Mark a message, or all of a chat, as read; participants get `messageRead` for each that became read."""
        user = await self._service.sessions.session_of(socket)
        behind = behind_ack(socket, self._service.outgoing)
        return await self._service.reading.mark_read(user, payload.chat_id, payload.message_id, behind)

    async def react_message(self, socket: Socket, payload: ReactMessage) -> MessageReactionShape:
        """React to a message, or take the reaction back; participants get `messageReaction`."""
        user = await self._service.sessions.session_of(socket)
        return await self._service.changing.react(user, payload, behind_ack(socket, self._service.outgoing))

    async def edit_message(self, socket: Socket, payload: EditMessage) -> MessageShape:
        """Edit one's own message; participants get `messageEdited`."""
        user = await self._service.sessions.session_of(socket)
        return await self._service.changing.edit(user, payload, behind_ack(socket, self._service.outgoing))
