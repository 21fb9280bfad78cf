"""The namespace `/support`: coming, going, and which conversations a socket has open."""

from contextlib import suppress
from typing import Final, final

from slysock import DisconnectReason, Router, Socket
from slysock.systems.admission import Admission, RefreshToken
from slysock.systems.domain import ConnectionKey, DomainError
from slysock.systems.emissions import Emits
from slysock_store import ChatId

from .announcing import CONVERSATION_UPDATED, NEW_CONVERSATION, NEW_MESSAGE
from .failures import EXCEPTION, ExceptionShape, answer_error, show_out
from .payloads import ConversationReference
from .people import Person, conversation_room, person_of, reader_room
from .service import Service
from .shapes import Acknowledged, ConversationShape, MessageShape, Refreshed

NAMESPACE: Final = "/support"


@final
class Events:
    """What happens in the namespace. Messages are sent by HTTP; here they are only heard."""

    def __init__(self, service: Service, admission: Admission) -> None:
        self._service = service
        self._admission = admission

    async def connect(self, socket: Socket) -> None:
        """Let a user in; whoever has no usable token is connected, told so and disconnected, as the document has it."""
        try:
            identity = await self._admission.identify(socket)
            person = person_of(identity)
            self._admission.keep(socket, identity, show_out)
            self._service.domain.online.arrive(person.key, ConnectionKey(socket.id))
            socket.join(*person.rooms)  # before what takes time: nothing is to be missed
            await self._service.access.sign_in(identity)
            await self._service.domain.users.touch(person.key)
        except DomainError as error:
            show_out(socket, error)
        except Exception as error:
            show_out(socket, error)
            raise

    async def disconnect(self, socket: Socket, reason: DisconnectReason) -> None:  # noqa: ARG002 - the shape of a hook
        """Forget a socket; with a user's last one, note when they were here."""
        self._admission.leave(socket)
        gone = self._service.domain.online.leave(ConnectionKey(socket.id))
        if gone is not None:
            with suppress(DomainError):  # the store is out of order, which has been logged
                await self._service.domain.users.touch(gone)

    async def join_conversation(self, socket: Socket, payload: ConversationReference) -> Acknowledged:
        """Open a conversation, to get its messages and updates from now on."""
        person = self._person(socket)
        chat = await self._service.access.conversation(person, payload.conversation_id)
        socket.join(conversation_room(chat.id), reader_room(chat.id, person.key))
        return Acknowledged(conversation_id=chat.id)

    async def leave_conversation(self, socket: Socket, payload: ConversationReference) -> Acknowledged:
        """Close a conversation. Also one that was never open: whether there is one is not looked up."""
        person = self._person(socket)
        conversation = ChatId(payload.conversation_id)
        socket.leave(conversation_room(conversation), reader_room(conversation, person.key))
        return Acknowledged(conversation_id=conversation)

    async def refresh_token(self, socket: Socket, payload: RefreshToken) -> Refreshed:
        """Stay longer by a newer token of the same user."""
        await self._admission.refresh(socket, payload.token)
        return Refreshed()

    def _person(self, socket: Socket) -> Person:
        return person_of(self._admission.identity_of(socket))


def support_router(service: Service, admission: Admission) -> Router:
    """Make the router of `/support`."""
    events = Events(service, admission)
    router = Router(NAMESPACE)
    router.on_connect(events.connect)
    router.on_disconnect(events.disconnect)
    router.on_error(answer_error)
    router.on("join-conversation")(events.join_conversation)
    router.on("leave-conversation")(events.leave_conversation)
    router.on("refreshToken")(events.refresh_token)
    return router


EMITS: Final = (
    Emits(
        namespace=NAMESPACE,
        event=NEW_MESSAGE,
        payload=MessageShape,
        doc="A message was sent into a conversation that this socket has joined; the sender gets it, too.",
    ),
    Emits(
        namespace=NAMESPACE,
        event=CONVERSATION_UPDATED,
        payload=ConversationShape,
        doc="The status or subject of a joined conversation has changed, or who takes part in it.",
    ),
    Emits(
        namespace=NAMESPACE,
        event=NEW_CONVERSATION,
        payload=ConversationShape,
        doc="A conversation began that the user takes part in; admins get it for every one. Nothing has to be joined.",
    ),
    Emits(
        namespace=NAMESPACE,
        event=EXCEPTION,
        payload=ExceptionShape,
        doc="An event failed, and its acknowledgement says the same; or the socket is about to be disconnected.",
    ),
)
