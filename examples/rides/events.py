"""The namespace `/rides`, and what the back-end tells."""

from contextlib import suppress
from typing import Final

from slysock import ConnectionRefused, DisconnectReason, Router, Socket
from slysock.systems.admission import has_role
from slysock.systems.domain import ConnectionKey, DomainError, NotFound, make_domain
from slysock.systems.domain.oversight import Oversight
from slysock.systems.domain.posting import Post, Posts
from slysock.systems.domain.times import wire_time
from slysock.systems.emissions import Emits
from slysock.systems.foundation import Foundation
from slysock.systems.manage import Manage, resource
from slysock_store import AddedMessage, Chat, ChatKey, Message, NewChat, SystemName, UserKey

from .shapes import Open, Opened, Present, RideRecord, Said, Say, Typing

NAME: Final = SystemName("rides")
NAMESPACE: Final = "/rides"
ROLES: Final = ("rider", "driver")
EMITS: Final = (
    Emits(namespace=NAMESPACE, event="said", payload=Said, doc="To all devices of both, for each message."),
    Emits(namespace=NAMESPACE, event="typing", payload=Typing, doc="To the other, who begins or stops to type."),
    Emits(namespace=NAMESPACE, event="presence", payload=Present, doc="To those who share a ride with somebody."),
    Emits(namespace=NAMESPACE, event="error", payload=str, doc="Before a disconnect: the token's time is over."),
)


class Rides:
    """The system. Everybody is in a room that is called like them."""

    def __init__(self, foundation: Foundation) -> None:
        self._admission = foundation.admission
        self._domain = make_domain(foundation.store, NAME)
        self._all = Oversight(foundation.store, NAME)
        self._posts = Posts(foundation.store, NAME)
        self.manage = Manage(resources=(resource("rides", RideRecord, self.put_ride, doc="Tell who rides with whom."),))
        self.router = Router(NAMESPACE)
        self.router.use(self.let_in)
        self.router.on_connect(self.come)
        self.router.on_disconnect(self.go)
        self.router.on("open")(self.open)
        self.router.on("say")(self.say)
        self.router.on("typing")(self.typing)

    async def put_ride(self, ride_id: str, record: RideRecord) -> RideRecord:
        """Make the chat of a ride."""
        people = (UserKey(record.rider_id), UserKey(record.driver_id))
        await self._all.ensure(NewChat(kind="ride", key=ChatKey(ride_id), participants=people))
        return record

    async def let_in(self, socket: Socket) -> None:
        """Refuse whoever is neither a rider nor a driver."""
        try:
            identity = await self._admission.identify(socket)
        except DomainError as error:
            raise ConnectionRefused(str(error)) from error
        if not has_role(identity, *ROLES):
            raise ConnectionRefused("Only riders and drivers come in here")
        self._admission.remember(socket, identity, show_out)

    async def come(self, socket: Socket) -> None:
        """Join one's room; with one's first device, tell the others."""
        self._admission.watch(socket)
        user = self._user(socket)
        socket.join(user)
        if self._domain.online.arrive(user, ConnectionKey(socket.id)):
            await self._tell_others(socket, Present(user, is_online=True))

    async def go(self, socket: Socket, reason: DisconnectReason) -> None:  # noqa: ARG002 - the shape of a hook
        """Tell the others when the last device has gone."""
        self._admission.leave(socket)
        gone = self._domain.online.leave(ConnectionKey(socket.id))
        if gone is not None:
            await self._tell_others(socket, Present(gone, is_online=False))

    async def _tell_others(self, socket: Socket, present: Present) -> None:
        with suppress(DomainError):  # the store's trouble, which has been logged: nobody waits for this
            async for others in self._domain.chats.companions(UserKey(present.user_id)):
                if others:
                    socket.namespace.to(*others).emit("presence", present)

    async def open(self, socket: Socket, payload: Open) -> Opened:
        """Read what was said about a ride, and see whether the other is here."""
        user, chat = await self._ride(socket, payload.ride_id)
        await self._domain.receipts.mark_read(chat, reader=user)
        page = await self._domain.messages.history(chat, page=1, limit=50)
        messages = [said(message, payload.ride_id) for message in page.items]
        here = [person for person in chat.participants if self._domain.online.is_here(person)]
        return Opened(messages, is_online=len(here) > 1)

    async def say(self, socket: Socket, payload: Say) -> Said:
        """Say something to the other; the answer is the message."""
        user, chat = await self._ride(socket, payload.ride_id)

        def announce(stored: AddedMessage) -> None:
            both = socket.namespace.to(*chat.participants)
            socket.after_ack(both.emit, "said", said(stored.message, payload.ride_id))

        post = Post(chat=chat, sender=user, text=payload.text, client_message_id=payload.client_message_id)
        return said((await self._posts.post(post, announce)).message, payload.ride_id)

    async def typing(self, socket: Socket, payload: Typing) -> None:
        """Show the other that one begins or stops to type."""
        user, chat = await self._ride(socket, payload.ride_id)
        socket.namespace.to(*chat.participants).except_(user).emit("typing", payload)

    def _user(self, socket: Socket) -> UserKey:
        return UserKey(str(self._admission.identity_of(socket).user_id))

    async def _ride(self, socket: Socket, ride_id: str) -> tuple[UserKey, Chat]:
        user = self._user(socket)
        chat = await self._domain.chats.maybe_find(ChatKey(ride_id), user=user)
        if chat is None:
            raise NotFound("Chat not found")  # the same words as for a ride of others
        return user, chat


def said(message: Message, ride_id: str) -> Said:
    """Show a message."""
    return Said(ride_id, message.id, message.sender, message.text or "", wire_time(message.created_at))


def show_out(socket: Socket, error: DomainError) -> None:
    """Tell a client that its time is over."""
    socket.emit("error", str(error))
    socket.disconnect()
