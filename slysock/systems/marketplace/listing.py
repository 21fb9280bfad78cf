"""`getUserChats` and `joinRooms`: all chats of somebody, page by page."""

from typing import Final, final

from slysock import Socket
from slysock.systems.domain import Domain
from slysock_store import Chat, Page

from .access import Access, reply
from .envelope import Envelope, Listing
from .payloads import ListChats
from .people import Person
from .rooms import chat_room
from .views import full_chat, page_of, seen_chat

MESSAGES_EACH: Final = 20
"""Newest messages per chat of a list; `joinChat` has the others."""

_FIRST_PAGE: Final = ListChats()


@final
class ChatLists:
    """The chats of a user."""

    def __init__(self, domain: Domain, access: Access) -> None:
        self._domain = domain
        self._access = access

    async def page(self, viewer: Person, wanted: ListChats) -> Listing:
        """List chats without messages, as `userChats` does on connection."""
        found = await self._find(viewer, wanted)
        users = await self._access.users_of(*found.items)
        return Listing(items=tuple(seen_chat(chat, viewer, users) for chat in found.items), pagination=page_of(found))

    async def get_user_chats(self, socket: Socket, payload: ListChats | None = None) -> Envelope:
        """Give a page of chats with their newest messages as `userChats`."""
        viewer = self._access.session_of(socket).person
        return await self._reply_chats(socket, viewer, await self._find(viewer, payload))

    async def join_rooms(self, socket: Socket, payload: ListChats | None = None) -> Envelope:
        """Join the rooms of a page of chats; answered like `getUserChats`."""
        viewer = self._access.session_of(socket).person
        found = await self._find(viewer, payload)
        socket.join(*(chat_room(chat) for chat in found.items))
        return await self._reply_chats(socket, viewer, found)

    async def _find(self, viewer: Person, wanted: ListChats | None) -> Page[Chat]:
        wanted = wanted or _FIRST_PAGE
        return await self._domain.chats.page_of(viewer.key, page=wanted.page, limit=wanted.limit)

    async def _reply_chats(self, socket: Socket, viewer: Person, found: Page[Chat]) -> Envelope:
        """Answer with the bare list that the document shows; where in it the page is stands beside."""
        latest = await self._domain.chats.latest_messages(found.items, limit_each=MESSAGES_EACH, with_deleted=False)
        users = await self._access.users_of(*found.items)
        chats = [full_chat(chat, latest.get(chat.id, ()), viewer, users) for chat in found.items]
        envelope = Envelope(message="Chats has been sent successfully", data=chats, pagination=page_of(found))
        reply(socket, "userChats", envelope)
        return envelope
