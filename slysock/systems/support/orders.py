"""Order chats: opened by those whom an order concerns, closed when the back-end reports that it is over."""

from typing import Final, final

from msgspec import Struct

from slysock.systems.domain import NotAllowed, NotFound
from slysock.systems.domain.lineup import Announcements
from slysock_store import Chat, ChatChanges, EnsuredChat, UserKey

from .announcing import Announcer
from .desk import Desk
from .opening import Opening
from .order_book import Order, OrderBook
from .payloads import OrderRecord
from .people import Person
from .sending import CLOSED, Sending
from .shapes import ConversationShape, OrderShape

ORDER_CLOSED_TEXT: Final = "تم إغلاق محادثة الطلب"
MISSING_ORDER_CHAT: Final = "Order chat not found"
NOT_YOUR_ORDER: Final = "You do not have access to this order"

_CLOSED_BY_ORDER: Final = "closedByOrder"
# In Chat.extra once the order was over: whether that has closed the chat, or it was closed already. An admin may have
# opened it again since.


@final
class OpenedChat(Struct, frozen=True, kw_only=True):
    """An order chat that somebody has asked for."""

    conversation: ConversationShape
    created: bool


@final
class Orders:
    """Orders and their chats."""

    def __init__(self, desk: Desk, book: OrderBook, opening: Opening, sending: Sending, announcer: Announcer) -> None:
        self._desk = desk
        self._book = book
        self._opening = opening
        self._sending = sending
        self._announcer = announcer

    async def open_chat(self, opener: Person, order_id: str, behind: Announcements) -> OpenedChat:
        """Give an order's chat; make it first if there is none.

        Raises:
            NotAllowed: the order is none of theirs.
            NotFound: an admin asks for that of an order which nobody has told of: with whom would they talk?
        """
        order = await self._book.maybe_order(order_id)
        chat = await self._book.maybe_chat(order_id, order)
        created = False
        if chat is None:
            ensured = await self._make_chat(opener, order_id, order, behind)
            chat, created = ensured.chat, ensured.created
        _refuse_strangers(opener, chat, order)
        if created:
            order = await self._book.maybe_order(order_id)  # what was told meanwhile has found no chat
        if order is not None:
            chat = await self._follow(chat, order, behind)
        return OpenedChat(conversation=await self._desk.show(chat, opener.key), created=created)

    async def chat(self, reader: Person, order_id: str) -> Chat:
        """Give an order's chat to one of those who may see it.

        Raises:
            NotFound: there is none.
            NotAllowed: it is not theirs.
        """
        order = await self._book.maybe_order(order_id)
        chat = await self._book.maybe_chat(order_id, order)
        if chat is None:
            raise NotFound(MISSING_ORDER_CHAT)
        _refuse_strangers(reader, chat, order)
        return chat

    async def put_order(self, order_id: str, told: OrderRecord, behind: Announcements) -> OrderShape:
        """Learn of an order, or of what has become of it; its chat, if it has one, follows. Can be repeated."""
        order = await self._book.put(order_id, told)
        chat = await self._book.maybe_chat(order_id, order)
        if chat is not None:
            await self._follow(chat, order, behind)
        return OrderShape(
            order_id=order_id,
            user_id=order.user_id,
            participants=list(order.participants),
            status=order.status,
            conversation_id=None if chat is None else chat.id,
        )

    async def _make_chat(
        self, opener: Person, order_id: str, order: Order | None, behind: Announcements
    ) -> EnsuredChat:
        if order is None and opener.is_admin:
            raise NotFound(MISSING_ORDER_CHAT)
        people = (opener.key,) if order is None else order.people
        if not opener.is_admin and opener.key not in people:
            raise NotAllowed(NOT_YOUR_ORDER)
        admins = tuple(admin.key for admin in await self._opening.admins())
        ensured = await self._book.ensure_chat(order_id, order, owner=people[0], participants=(*people, *admins))
        if ensured.created:
            users = await self._desk.people_in((ensured.chat,))
            self._announcer.new_conversation(behind, ensured.chat, users)
        return ensured

    async def _follow(self, chat: Chat, order: Order, behind: Announcements) -> Chat:
        """Bring a chat to where its order is: with all its people, closed if the order is over."""
        newcomers = tuple(key for key in order.people if not chat.is_participant(key))
        if newcomers:
            chat = await self._desk.all.change(chat.id, ChatChanges(add_participants=newcomers))
        if order.is_over:
            chat = await self._close(chat, behind)
        if newcomers and chat.status != CLOSED:  # what nobody can write in any more is no new conversation
            await self._tell_newcomers(chat, newcomers, behind)
        return chat

    async def _tell_newcomers(self, chat: Chat, newcomers: tuple[UserKey, ...], behind: Announcements) -> None:
        users = await self._desk.people_in((chat,))
        self._announcer.joined_conversation(behind, chat, users, newcomers)

    async def _close(self, chat: Chat, behind: Announcements) -> Chat:
        """Close a chat whose order is over, once: repeated, it completes what a crash has cut short, and no more.

        It is closed before the system says so, so that nobody's message comes behind that.
        """
        if _CLOSED_BY_ORDER not in chat.extra:
            changes = ChatChanges(status=CLOSED, extra={_CLOSED_BY_ORDER: chat.status != CLOSED})
            chat = await self._desk.all.change(chat.id, changes)
        if not chat.extra[_CLOSED_BY_ORDER]:
            return chat
        said = await self._sending.say(chat, ORDER_CLOSED_TEXT, behind, once_as=_CLOSED_BY_ORDER)
        if not said.is_duplicate:
            users = await self._desk.people_in((said.chat,))
            self._announcer.conversation_updated(behind, said.chat, said.message, users)
        return said.chat


def _refuse_strangers(person: Person, chat: Chat, order: Order | None) -> None:
    """Let admins, participants and those whom the order concerns pass.

    Raises:
        NotAllowed: somebody else.
    """
    concerned = order is not None and person.key in order.people
    if not (person.is_admin or concerned or chat.is_participant(person.key)):
        raise NotAllowed(NOT_YOUR_ORDER)
