"""Order chats: opened by those whom an order concerns, closed when the back-end reports that it is over."""

from typing import Final, final

import trio
from msgspec import Struct

from slysock.systems.domain import NotAllowed, NotFound
from slysock.systems.domain.all_chats import AllChats
from slysock.systems.domain.outgoing_order import Announcements
from slysock_store import Chat, ChatChanges, EnsuredChat, UserKey

from .access import Access
from .announcing import Announcer
from .opening import Opening
from .order_book import Order, OrderBook, belongs_to, waits_for_its_user, with_user
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

    def __init__(
        self,
        access: Access,
        all_chats: AllChats,
        book: OrderBook,
        opening: Opening,
        sending: Sending,
        announcer: Announcer,
    ) -> None:
        self._access = access
        self._all_chats = all_chats
        self._book = book
        self._opening = opening
        self._sending = sending
        self._announcer = announcer
        self._adopting = trio.Lock()

    async def open_chat(self, opener: Person, order_id: str, behind: Announcements) -> OpenedChat:
        """Return an order's chat; create it if there is none.

        Raises:
            NotAllowed: the order does not concern them.
        """
        order = await self._book.maybe_order(order_id)
        user = _user_of(order, opener)
        chat = await self._maybe_chat(order_id, order, user, behind)
        created = False
        if chat is None:
            ensured = await self._make_chat(opener, order_id, order, behind)
            chat, created = ensured.chat, ensured.created
            if not created:  # somebody was quicker: an admin, and it waits for its user
                chat = await self._maybe_chat(order_id, order, user, behind) or chat
        _refuse_strangers(opener, chat, order)
        if created:
            order = await self._book.maybe_order(order_id)  # what was told meanwhile has found no chat
            if waits_for_its_user(chat):
                chat = await self._maybe_chat(order_id, order, _user_of(order, opener), behind) or chat
        if order is not None and belongs_to(chat, order):
            chat = await self._follow(chat, order, behind)
        return OpenedChat(conversation=await self._access.show(chat, opener.key), created=created)

    async def chat(self, reader: Person, order_id: str) -> Chat:
        """Return an order's chat that the reader may see.

        Raises:
            NotFound: there is none, or one with only admins, which the reader may open.
            NotAllowed: it is not theirs.
        """
        order = await self._book.maybe_order(order_id)
        chat = await self._book.maybe_chat(order_id, order)
        if chat is None or (order is None and waits_for_its_user(chat) and not _may_see(reader, chat)):
            raise NotFound(MISSING_ORDER_CHAT)
        _refuse_strangers(reader, chat, order)
        return chat

    async def put_order(self, order_id: str, told: OrderRecord, behind: Announcements) -> OrderShape:
        """Create or update an order; its chat, if it has one, follows. Can be repeated."""
        order = await self._book.put(order_id, told)
        chat = await self._maybe_chat(order_id, order, order.people[0], behind)
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
        people = (opener.key,) if order is None else order.people
        if not opener.is_admin and opener.key not in people:
            raise NotAllowed(NOT_YOUR_ORDER)
        admins = tuple(admin.key for admin in await self._opening.admins())
        ensured = await self._book.ensure_chat(
            order_id, order, owner=_user_of(order, opener), participants=(*people, *admins)
        )
        if ensured.created:
            users = await self._access.people_in((ensured.chat,))
            self._announcer.new_conversation(behind, ensured.chat, users)
        return ensured

    async def _maybe_chat(
        self, order_id: str, order: Order | None, user: UserKey | None, behind: Announcements
    ) -> Chat | None:
        """Find an order's chat; if it waits for its user, this becomes the user."""
        chat = await self._book.maybe_chat(order_id, order)
        if chat is None or user is None or not waits_for_its_user(chat):
            return chat
        await self._adopt(chat, user, behind, is_over=order is not None and order.is_over)
        return await self._book.maybe_chat(order_id, order)  # of several who come at once, the first has it

    async def _adopt(self, chat: Chat, user: UserKey, behind: Announcements, *, is_over: bool) -> None:
        async with self._adopting:
            if not waits_for_its_user(await self._all_chats.get(chat.id)):
                return
            chat = await self._all_chats.change(chat.id, with_user(user))
        last, users = await self._access.last_message(chat), await self._access.people_in((chat,))
        self._announcer.conversation_updated(behind, chat, last, users)
        if chat.status != CLOSED and not is_over:  # as in `_follow`
            self._announcer.joined_conversation(behind, chat, users, (user,))

    async def _follow(self, chat: Chat, order: Order, behind: Announcements) -> Chat:
        """Bring a chat in line with its order: with all the order's people, closed if the order is over."""
        newcomers = tuple(key for key in order.people if not chat.is_participant(key))
        if newcomers:
            chat = await self._all_chats.change(chat.id, ChatChanges(add_participants=newcomers))
        if order.is_over:
            chat = await self._close(chat, behind)
        if newcomers and chat.status != CLOSED:  # what nobody can write in any more is no new conversation
            await self._tell_newcomers(chat, newcomers, behind)
        return chat

    async def _tell_newcomers(self, chat: Chat, newcomers: tuple[UserKey, ...], behind: Announcements) -> None:
        users = await self._access.people_in((chat,))
        self._announcer.joined_conversation(behind, chat, users, newcomers)

    async def _close(self, chat: Chat, behind: Announcements) -> Chat:
        """Close a chat whose order is over, once: a repetition completes what a crash has cut short, and no more.

        It is closed before the system says so, so that nobody's message comes after that.
        """
        if _CLOSED_BY_ORDER not in chat.extra:
            changes = ChatChanges(status=CLOSED, extra={_CLOSED_BY_ORDER: chat.status != CLOSED})
            chat = await self._all_chats.change(chat.id, changes)
        if not chat.extra[_CLOSED_BY_ORDER]:
            return chat
        said = await self._sending.say(chat, ORDER_CLOSED_TEXT, behind, once_as=_CLOSED_BY_ORDER)
        if not said.is_duplicate:
            users = await self._access.people_in((said.chat,))
            self._announcer.conversation_updated(behind, said.chat, said.message, users)
        return said.chat


def _user_of(order: Order | None, opener: Person) -> UserKey | None:
    """Return the user of an order: as reported, or else whoever opens its chat, unless that is an admin."""
    if order is not None:
        return order.people[0]
    return None if opener.is_admin else opener.key


def _refuse_strangers(person: Person, chat: Chat, order: Order | None) -> None:
    """Let admins, participants and those whom the order concerns pass.

    Raises:
        NotAllowed: it is somebody else.
    """
    concerned = order is not None and person.key in order.people
    if not (concerned or _may_see(person, chat)):
        raise NotAllowed(NOT_YOUR_ORDER)


def _may_see(person: Person, chat: Chat) -> bool:
    return person.is_admin or chat.is_participant(person.key)
