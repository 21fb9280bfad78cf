"""Which chat an event of `/chat` is about, and with whom."""

from typing import Final, Protocol, final

from msgspec import Struct

from slysock.systems.domain import Domain, Invalid, NotFound
from slysock.systems.domain.chats import MISSING_CHAT
from slysock.systems.domain.references import References
from slysock_store import MAX_LIMIT, Chat, JsonObject, NewChat, User, UserKey

from .people import Person, ProductId, Role, product_chat
from .rooms import RoomName

MAX_KNOWN: Final = 10_000
"""Talks that are remembered, in about 10 MB; beyond that, all are forgotten, and found again by reading."""


class ChatName(Protocol):
    """The fields by which payloads name a chat."""

    @property
    def product_id(self) -> ProductId:
        """The product that the chat is about."""
        ...

    @property
    def recipient_id(self) -> int:
        """The id of the other person."""
        ...

    @property
    def recipient_type(self) -> str | None:
        """The recipient's role, if the client says it."""
        ...


@final
class Talk(Struct, frozen=True, kw_only=True, gc=False):
    """One person talking to another about a product: what does not change from message to message."""

    sender: UserKey
    recipient: Person
    recipient_key: UserKey
    chat: NewChat
    sender_room: RoomName
    recipient_room: RoomName


@final
class Access:
    """Talks and chats for the events."""

    def __init__(self, domain: Domain, products: References, *, max_known: int = MAX_KNOWN) -> None:
        self._domain = domain
        self._products = products
        self._max_known = max_known
        # (who, recipient's id, product) -> a talk whose chat there is and that the one may take part in
        self._known: dict[tuple[UserKey, int, ProductId], Talk] = {}

    async def maybe_chat(self, person: Person, name: ChatName) -> Chat | None:
        """Find the chat of two people about a product, or None if they may begin one.

        Raises:
            Invalid: the recipient has the same role, or is the person who asks.
        """
        if name.recipient_type == person.role:
            raise _same_role(person, name.recipient_id)
        recipient = person.counterpart(name.recipient_id)
        key = product_chat(person, recipient, name.product_id).key
        chat = await self._domain.chats.maybe_find(key, user=person.key)
        if chat is None and name.recipient_type is None:
            await self._refuse_same_role(person, recipient, name.product_id)
        return chat

    async def talk(self, person: Person, name: ChatName) -> Talk:
        """Return whom a person talks to, in a chat that exists or that they may begin; a known one needs no read.

        Raises:
            Invalid: the recipient has the same role, or is the person who asks.
        """
        return self.known_talk(person, name) or await self._find_talk(person, name)

    def known_talk(self, person: Person, name: ChatName) -> Talk | None:
        """Return a talk whose chat has been found before: chats are not deleted and participants do not leave.

        Each read saved is a hop to a thread and back.
        """
        if name.recipient_type == person.role:
            return None
        return self._known.get((person.key, name.recipient_id, name.product_id))

    async def _find_talk(self, person: Person, name: ChatName) -> Talk:
        chat = await self.maybe_chat(person, name)
        talk = _talk(person, name)
        if chat is not None:
            if len(self._known) >= self._max_known:
                self._known.clear()
            self._known[talk.sender, name.recipient_id, name.product_id] = talk
        return talk

    async def chat(self, person: Person, name: ChatName) -> Chat:
        """Find the chat of two people about a product.

        Raises:
            Invalid: the recipient has the same role, or is the person who asks.
            NotFound: there is none.
        """
        chat = await self.maybe_chat(person, name)
        if chat is None:
            raise NotFound(MISSING_CHAT)
        return chat

    async def _refuse_same_role(self, person: Person, recipient: Person, product_id: ProductId) -> None:
        """Refuse an id that can only mean a user of the same role.

        Ids are unique per role, so an id alone means a user of the other role, known or not yet. It only means the user
        of the same role if that one is known and the other is neither known, nor the product's vendor, nor in a chat
        with the person who asks.
        """
        same_role = Person(person.role, recipient.id)
        known = await self._domain.users.find((recipient.key, same_role.key))
        if recipient.key in known or same_role.key not in known:
            return
        if not (await self._sells(recipient, product_id) or await self._talk_already(person, recipient)):
            raise _same_role(person, recipient.id)

    async def _sells(self, person: Person, product_id: ProductId) -> bool:
        product = await self._products.maybe_get(str(product_id))
        return product is not None and person == Person(Role.VENDOR, _vendor_in(product.data))

    async def _talk_already(self, one: Person, other: Person) -> bool:
        """Look for a chat of the two about another product, among one's latest chats."""
        latest = await self._domain.chats.page_of(one.key, page=1, limit=MAX_LIMIT)
        return any(chat.is_participant(other.key) for chat in latest.items)

    async def users_of(self, *chats: Chat) -> dict[UserKey, User]:
        """Read the users of chats, as far as they are known."""
        return dict(await self._domain.users.find(key for chat in chats for key in chat.participants))


def _talk(person: Person, name: ChatName) -> Talk:
    recipient = person.counterpart(name.recipient_id)
    return Talk(
        sender=person.key,
        recipient=recipient,
        recipient_key=recipient.key,
        chat=product_chat(person, recipient, name.product_id),
        sender_room=person.room,
        recipient_room=recipient.room,
    )


def _vendor_in(product: JsonObject) -> int:
    vendor = product.get("vendorId")
    return vendor if isinstance(vendor, int) else -1


def _same_role(person: Person, recipient_id: int) -> Invalid:
    if recipient_id == person.id:
        return Invalid("You cannot chat with yourself")
    return Invalid(f"A {person.role.lower()} can only chat with a {person.role.other.lower()}")
