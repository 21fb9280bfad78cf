"""`joinChat` and `markAsRead`: what somebody has seen, and who learns of it."""

from typing import Final, final

from slysock import Socket
from slysock.systems.domain import Domain
from slysock_store import Chat, ChatId

from .access import Access, reply, tell
from .envelope import Envelope, signal
from .payloads import JoinChat, MarkAsRead
from .people import Person
from .rooms import chat_room
from .views import loaded_chat, other_side

LOAD_EVENTS: Final = ("loadChat", "loadMessages")
"""The document has the same event under two names; both are sent."""

READ_RECEIPTS: Final = "updateReadReceipts"


@final
class Reading:
    """Chats being opened and read."""

    def __init__(self, domain: Domain, access: Access) -> None:
        self._domain = domain
        self._access = access

    async def join_chat(self, socket: Socket, payload: JoinChat) -> Envelope:
        """Open a chat: mark it read, give a page of its history; tell the other side if anything became read."""
        viewer = self._access.session_of(socket).person
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
        """Mark a chat read and tell the other side."""
        reader = self._access.session_of(socket).person
        chat = await self._named_chat(reader, payload)
        await self._domain.receipts.mark_read(chat, reader=reader.key)
        return _tell_receipts(socket, chat, reader)

    async def _named_chat(self, reader: Person, payload: MarkAsRead) -> Chat:
        """Find the chat by whichever of its names the payload has."""
        if payload.chat_id is not None:
            return await self._domain.chats.get(ChatId(payload.chat_id), user=reader.key)
        if payload.message is not None:
            return await self._domain.chats.get(ChatId(payload.message.id), user=reader.key)
        return await self._access.chat(reader, payload.by_product())


def _tell_receipts(socket: Socket, chat: Chat, reader: Person) -> Envelope:
    receipts = signal("Messages marked as read")
    tell(socket, READ_RECEIPTS, receipts, other_side(chat, reader).room)
    return receipts
