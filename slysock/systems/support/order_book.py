"""Orders as the back-end has reported them, and which conversation is an order's.

A back-end reports orders when it likes, so a chat may be there first: whoever opens it counts as the order's user until
the back-end names another one. The chat of the wrong user then stays theirs but no longer belongs to the order; the
right user gets one of their own, and nobody sees what was not meant for them. A chat that an admin opens first has no
user yet. It gets whichever comes first: the order's user, when that is reported, or the first user who opens the chat.
"""

from typing import Final, final
from urllib.parse import quote

from msgspec import Struct, convert
from msgspec.structs import replace

from slysock.systems.domain.all_chats import AllChats
from slysock.systems.domain.references import References
from slysock_store import Chat, ChatChanges, ChatKey, EnsuredChat, NewChat, UserKey

from .payloads import OrderRecord
from .sending import OPEN
from .views import ORDER, SUBJECT

REFERENCE_KIND: Final = "order"
"""The kind of orders in the store."""

OVER: Final = frozenset({"delivered", "cancelled", "canceled"})
ORDER_SUBJECT: Final = "{order_id}# طلب"

_OWNER: Final = "owner"  # in Chat.extra: whose order it was when the chat was opened; empty for nobody's


@final
class Order(Struct, frozen=True, kw_only=True, rename="camel"):
    """An order, as it is used and stored."""

    user_id: str
    participants: tuple[str, ...] = ()
    status: str

    @property
    def people(self) -> tuple[UserKey, ...]:
        """The order's user, then the other people."""
        return tuple(map(UserKey, dict.fromkeys((self.user_id, *self.participants))))

    @property
    def is_over(self) -> bool:
        """Whether the order is delivered or cancelled."""
        return self.status.lower() in OVER


@final
class OrderBook:
    """Orders, and the chat of each."""

    def __init__(self, chats: AllChats, references: References) -> None:
        self._chats = chats
        self._references = references

    async def put(self, order_id: str, told: OrderRecord) -> Order:
        """Store what has been reported about an order."""
        people = [str(name) for name in told.participants]
        order = Order(user_id=str(told.user_id), participants=tuple(people), status=told.status)
        data = {"userId": order.user_id, "participants": people, "status": order.status}
        await self._references.put(order_id, data)
        return order

    async def maybe_order(self, order_id: str) -> Order | None:
        """Return an order; None if it has not been reported."""
        known = await self._references.maybe_get(order_id)
        return None if known is None else convert(known.data, Order)

    async def maybe_chat(self, order_id: str, order: Order | None) -> Chat | None:
        """Find an order's chat: the first that was opened, unless by somebody whom the order does not concern."""
        chat = await self._chats.maybe_find(_first_key(order_id))
        if chat is None or belongs_to(chat, order):
            return chat
        assert order is not None
        return await self._chats.maybe_find(_own_key(order_id, order.user_id))

    async def ensure_chat(
        self, order_id: str, order: Order | None, *, owner: UserKey | None, participants: tuple[UserKey, ...]
    ) -> EnsuredChat:
        """Return an order's chat, or create it: see `maybe_chat`. Without an owner it waits for its user."""
        chat = NewChat(
            kind=ORDER,
            key=_first_key(order_id),
            participants=participants,
            reference=order_id,
            status=OPEN,
            extra={SUBJECT: ORDER_SUBJECT.format(order_id=order_id), _OWNER: owner or ""},
        )
        ensured = await self._chats.ensure(chat)
        if order is None or belongs_to(ensured.chat, order):
            return ensured
        return await self._chats.ensure(replace(chat, key=_own_key(order_id, order.user_id)))


def waits_for_its_user(chat: Chat) -> bool:
    """Tell whether an order's chat has only admins."""
    return chat.extra.get(_OWNER) == ""


def with_user(user: UserKey) -> ChatChanges:
    """Return the change that gives a chat the user it waits for."""
    return ChatChanges(add_participants=(user,), extra={_OWNER: user})


def belongs_to(chat: Chat, order: Order | None) -> bool:
    """Tell whether a chat that was opened early is between people whom its order concerns."""
    return order is None or waits_for_its_user(chat) or chat.extra.get(_OWNER) in order.people


def _first_key(order_id: str) -> ChatKey:
    return ChatKey(f"{ORDER}:{quote(order_id, safe='')}")


def _own_key(order_id: str, user_id: str) -> ChatKey:
    return ChatKey(f"{ORDER}:{quote(order_id, safe='')}:{quote(user_id, safe='')}")
