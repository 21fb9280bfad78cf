"""The namespace `/rides`, and what the back-end reports."""

from functools import partial
from typing import Final

from msgspec import Struct

from slysock import Router, Socket
from slysock.identity import Identity
from slysock.systems.admission import has_role
from slysock.systems.claims import profile_of
from slysock.systems.connecting import Connecting
from slysock.systems.domain import NotAllowed, NotFound, make_domain
from slysock.systems.domain.all_chats import AllChats
from slysock.systems.domain.posts import Post, Posts
from slysock.systems.domain.times import wire_time
from slysock.systems.emissions import Emits
from slysock.systems.emitter import Emitter
from slysock.systems.failures import text_of
from slysock.systems.foundation import Foundation
from slysock.systems.manage import Manage, resource
from slysock.systems.socket_keys import Key
from slysock_store import AddedMessage, Chat, ChatKey, Message, NewChat, SystemName, UserKey

from .shapes import Open, Opened, Present, RideRecord, Said, Say, Typing

NAME: Final = SystemName("rides")
NAMESPACE: Final = "/rides"
ROLES: Final = ("rider", "driver")
EMITS: Final = (
    Emits(namespace=NAMESPACE, event="said", payload=Said, doc="A message; to all sockets of both people."),
    Emits(namespace=NAMESPACE, event="typing", payload=Typing, doc="The other person is typing, or has stopped."),
    Emits(namespace=NAMESPACE, event="presence", payload=Present, doc="Somebody on a shared ride comes or goes."),
    Emits(namespace=NAMESPACE, event="error", payload=str, doc="Why the server disconnects the client."),
)


class Person(Struct, frozen=True):
    """A rider or a driver."""

    key: UserKey
    rooms: tuple[str, ...]


class Rides:
    """The system."""

    def __init__(self, foundation: Foundation) -> None:
        self._domain = make_domain(foundation.store, NAME)
        self._all = AllChats(foundation.store, NAME)
        self._posts = Posts(foundation.store, NAME)
        self._people = Key("rides.person", Person)
        self.emitter = Emitter(NAMESPACE)
        self.manage = Manage(resources=(resource("rides", RideRecord, self.put_ride, doc="Say who rides with whom."),))
        connecting = Connecting(
            foundation.admission,
            self._people,
            [self._domain.online],
            person_of=person_of,
            sign_in=self.sign_in,
            show_out=show_out,
            first_came=partial(self.tell_others, is_online=True),
            last_left=partial(self.tell_others, is_online=False),
        )
        self.router = Router(NAMESPACE)
        self.router.on_connect(connecting.connect)
        self.router.on_disconnect(connecting.disconnect)
        self.router.on("open")(self.open)
        self.router.on("say")(self.say)
        self.router.on("typing")(self.typing)

    async def put_ride(self, ride_id: str, record: RideRecord) -> RideRecord:
        """Create the chat of a ride."""
        people = (UserKey(record.rider_id), UserKey(record.driver_id))
        await self._all.ensure(NewChat(kind="ride", key=ChatKey(ride_id), participants=people))
        return record

    async def sign_in(self, person: Person, identity: Identity) -> Person:
        """Store what the token says about its bearer."""
        await self._domain.users.sign_in(person.key, role=identity.role or "", profile=profile_of(identity))
        return person

    async def tell_others(self, user: UserKey, *, is_online: bool) -> None:
        """Tell those who share a ride with somebody who has come or gone."""
        async for others in self._domain.chats.companions(user):
            self.emitter.emit_to_all(others, "presence", Present(user, is_online))

    async def open(self, socket: Socket, payload: Open) -> Opened:
        """Read the messages of a ride, and whether the other person is online."""
        user, chat = await self._ride(socket, payload.ride_id)
        await self._domain.receipts.mark_read(chat, reader=user)
        page = await self._domain.messages.history(chat, page=1, limit=50)
        messages = [said(message, payload.ride_id) for message in page.items]
        here = [person for person in chat.participants if self._domain.online.is_here(person)]
        return Opened(messages, is_online=len(here) > 1)

    async def say(self, socket: Socket, payload: Say) -> Said:
        """Send a message to the other person; the acknowledgement is the message."""
        user, chat = await self._ride(socket, payload.ride_id)

        def announce(added: AddedMessage) -> None:
            socket.after_ack(socket.namespace.to(*chat.participants).emit, "said", said(added.message, payload.ride_id))

        post = Post(chat=chat, sender=user, text=payload.text, client_message_id=payload.client_message_id)
        return said((await self._posts.post(post, announce)).message, payload.ride_id)

    async def typing(self, socket: Socket, payload: Typing) -> None:
        """Tell the other person that one has begun or stopped typing."""
        user, chat = await self._ride(socket, payload.ride_id)
        socket.namespace.to(*chat.participants).except_(user).emit("typing", payload)

    async def _ride(self, socket: Socket, ride_id: str) -> tuple[UserKey, Chat]:
        person = self._people.get(socket)
        chat = person and await self._domain.chats.maybe_find(ChatKey(ride_id), user=person.key)
        if not person or not chat:
            raise NotFound("Chat not found")  # the same words as for a ride of others
        return person.key, chat


def person_of(identity: Identity) -> Person:
    """Return whom a token identifies, who must be a rider or a driver."""
    if not has_role(identity, *ROLES):
        raise NotAllowed("Only riders and drivers may come in")
    user = UserKey(str(identity.user_id))
    return Person(user, rooms=(user,))


def said(message: Message, ride_id: str) -> Said:
    """Show a message."""
    return Said(ride_id, message.id, message.sender, message.text or "", wire_time(message.created_at))


def show_out(socket: Socket, error: Exception) -> None:
    """Tell a client why it cannot stay."""
    socket.emit("error", text_of(error))
    socket.disconnect()
