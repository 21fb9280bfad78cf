"""Opening, reading and listing chats: `joinChat`, `markAsRead`, `getUserChats`, `joinRooms`."""

from typing import Final, final

from slysock import Socket
from slysock.systems.domain import Domain
from slysock_store import Chat, ChatId, Page

from .access import Access
from .announcing import reply, tell
from .envelope import Envelope, Listing, signal
from .payloads import JoinChat, ListChats, MarkAsRead
from .people import Person
from .rooms import chat_room
from .sessions import Sessions
from .views import full_chat, loaded_chat, other_side, page_of, seen_chat

LOAD_EVENTS: Final = ("loadChat", "loadMessages")
"""The document gives the same event two names; both are sent."""

READ_RECEIPTS: Final = "updateReadReceipts"
USER_CHATS: Final = "userChats"

MESSAGES_EACH: Final = 20
"""Newest messages per chat in a list; `joinChat` returns the others."""

_FIRST_PAGE: Final = ListChats()


@final
class Reading:
    """The events by which chats are opened and read."""

    def __init__(self, domain: Domain, sessions: Sessions, access: Access) -> None:
        self._domain = domain
        self._sessions = sessions
        self._access = access

    async def join_chat(self, socket: Socket, payload: JoinChat) -> Envelope:
        """Open a chat: mark it as read and send a page of its history; tell the other side if anything became read."""
        viewer = self._sessions.session_of(socket).person
        found = await self._access.chat(viewer, payload)
        marked = await self._domain.receipts.mark_read(found, reader=viewer.key)
        history = await self._domain.messages.history(found, page=payload.page, limit=payload.limit, with_deleted=False)
        users = await self._access.users_of(found)
        socket.join(chat_room(found))
        loaded = Envelope(message="Chat has been loaded", data=loaded_chat(marked.chat, history, viewer, users))
        for event in LOAD_EVENTS:
            reply(socket, event, loaded)
        if marked.count:
            _tell_receipts(socket, marked.chat, viewer)
        return loaded

    async def mark_as_read(self, socket: Socket, payload: MarkAsRead) -> Envelope:
        """Mark a chat as read and tell the other side."""
        reader = self._sessions.session_of(socket).person
        chat = await self._named_chat(reader, payload)
        await self._domain.receipts.mark_read(chat, reader=reader.key)
        return _tell_receipts(socket, chat, reader)

    async def _named_chat(self, reader: Person, payload: MarkAsRead) -> Chat:
        """Find the chat by whichever name the payload has."""
        if payload.chat_id is not None:
            return await self._domain.chats.get(ChatId(payload.chat_id), user=reader.key)
        if payload.message is not None:
            return await self._domain.chats.get(ChatId(payload.message.id), user=reader.key)
        return await self._access.chat(reader, payload.by_product())

    async def page(self, viewer: Person, wanted: ListChats) -> Listing:
        """List chats without messages, as `userChats` does on connection."""
        found = await self._find(viewer, wanted)
        users = await self._access.users_of(*found.items)
        return Listing(items=tuple(seen_chat(chat, viewer, users) for chat in found.items), pagination=page_of(found))

    async def get_user_chats(self, socket: Socket, payload: ListChats | None = None) -> Envelope:
        """Send a page of chats with their newest messages as `userChats`."""
        viewer = self._sessions.session_of(socket).person
        return await self._reply_chats(socket, viewer, await self._find(viewer, payload))

    async def join_rooms(self, socket: Socket, payload: ListChats | None = None) -> Envelope:
        """Join the rooms of a page of chats; answered like `getUserChats`."""
        viewer = self._sessions.session_of(socket).person
        found = await self._find(viewer, payload)
        socket.join(*(chat_room(chat) for chat in found.items))
        return await self._reply_chats(socket, viewer, found)

    async def _find(self, viewer: Person, wanted: ListChats | None) -> Page[Chat]:
        wanted = wanted or _FIRST_PAGE
        return await self._domain.chats.page_of(viewer.key, page=wanted.page, limit=wanted.limit)

    async def _reply_chats(self, socket: Socket, viewer: Person, found: Page[Chat]) -> Envelope:
        """Answer with the bare list that the document shows; `pagination` beside it says which page it is."""
        latest = await self._domain.chats.latest_messages(found.items, limit_each=MESSAGES_EACH, with_deleted=False)
        users = await self._access.users_of(*found.items)
        chats = [full_chat(chat, latest.get(chat.id, ()), viewer, users) for chat in found.items]
        envelope = Envelope(message="Chats has been sent successfully", data=chats, pagination=page_of(found))
        reply(socket, USER_CHATS, envelope)
        return envelope


def _tell_receipts(socket: Socket, chat: Chat, reader: Person) -> Envelope:
    receipts = signal("Messages marked as read")
    tell(socket, READ_RECEIPTS, receipts, other_side(chat, reader).room)
    return receipts
