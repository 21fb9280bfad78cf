"""What every event of `/chat` begins with: who asks, about which chat, with whom; and how it speaks to them."""

from typing import Protocol, final

from slysock import Socket
from slysock.systems.domain import Domain, Invalid, NotFound
from slysock.systems.domain.chats import MISSING_CHAT
from slysock_store import Chat, User, UserKey

from .envelope import Envelope
from .gate import Gate, Session
from .people import Person, ProductId, product_chat


class ChatName(Protocol):
    """The fields by which payloads name a chat."""

    @property
    def product_id(self) -> ProductId:
        """What it is about."""
        ...

    @property
    def recipient_id(self) -> int:
        """With whom."""
        ...

    @property
    def recipient_type(self) -> str | None:
        """The recipient's role, where the client says it."""
        ...


@final
class Desk:
    """Sessions, counterparts and chats for the events."""

    def __init__(self, domain: Domain, gate: Gate) -> None:
        self._domain = domain
        self._gate = gate

    def session_of(self, socket: Socket) -> Session:
        """See Gate.session_of."""
        return self._gate.session_of(socket)

    async def maybe_chat(self, person: Person, name: ChatName) -> Chat | None:
        """Find the chat of two people about a product, or None if they may begin one.

        Raises:
            Invalid: the recipient has the same role, or is the one who asks.
        """
        if name.recipient_type == person.role:
            raise _same_role(person, name.recipient_id)
        recipient = person.counterpart(name.recipient_id)
        key = product_chat(person, recipient, name.product_id).key
        chat = await self._domain.chats.maybe_find(key, user=person.key)
        if chat is None and name.recipient_type is None:
            await self._refuse_same_role(person, recipient)
        return chat

    async def counterpart(self, person: Person, name: ChatName) -> Person:
        """Say whom a person means, in a chat that there is or that they may begin; of a known one nothing is read.

        Raises:
            Invalid: the recipient has the same role, or is the one who asks.
        """
        recipient = person.counterpart(name.recipient_id)
        key = product_chat(person, recipient, name.product_id).key
        if name.recipient_type == person.role or not self._domain.chats.knows(key, user=person.key):
            await self.maybe_chat(person, name)
        return recipient

    async def chat(self, person: Person, name: ChatName) -> Chat:
        """Find the chat of two people about a product.

        Raises:
            Invalid: the recipient has the same role, or is the one who asks.
            NotFound: there is none.
        """
        chat = await self.maybe_chat(person, name)
        if chat is None:
            raise NotFound(MISSING_CHAT)
        return chat

    async def _refuse_same_role(self, person: Person, recipient: Person) -> None:
        """Find out whom the id was meant for.

        Ids are unique per role, so an id alone means a user of the other role, known or not yet. Only where that user
        is unknown and one of the same role is known, the latter must have been meant.
        """
        same_role = Person(person.role, recipient.id)
        known = await self._domain.users.find((recipient.key, same_role.key))
        if recipient.key not in known and same_role.key in known:
            raise _same_role(person, recipient.id)

    async def users_of(self, *chats: Chat) -> dict[UserKey, User]:
        """Read the users of chats, as far as they are known."""
        return dict(await self._domain.users.find(key for chat in chats for key in chat.participants))


def _same_role(person: Person, recipient_id: int) -> Invalid:
    if recipient_id == person.id:
        return Invalid("You cannot chat with yourself")
    return Invalid(f"A {person.role.lower()} can only chat with a {person.role.other.lower()}")


def tell(socket: Socket, event: str, envelope: Envelope, *people: Person) -> None:
    """Send an event to all sockets of some users, behind the acknowledgement of the event that is being handled."""
    socket.after_ack(socket.namespace.to(*(person.room for person in people)).emit, event, envelope)


def reply(socket: Socket, event: str, envelope: Envelope) -> None:
    """Send an event to the socket that asked, behind the acknowledgement."""
    socket.after_ack(socket.emit, event, envelope)
