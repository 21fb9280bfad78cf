"""The HTTP API of this system: `/api/chat`."""

from typing import Final

from litestar import Response, delete, get, post, put
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler

from slysock.systems.domain.outgoing_order import OutgoingOrder
from slysock.systems.rest import Caller, PagingFromQuery, RestArea, paging, rest_router, then

from .changing import Changing
from .failures import Envelope, render_error
from .media import Media
from .payloads import CreateChat, MessageBody
from .people import People
from .reading import Reading
from .sending import Sending
from .shapes import BlockShape, ChatPage, ChatShape, MessagePage, MessageShape, ReadShape
from .uploading import media_handlers

PATH: Final = "/api/chat"
CHATS_PER_PAGE: Final = 20
MESSAGES_PER_PAGE: Final = 50


def make_rest(
    people: People, outgoing: OutgoingOrder, *, media: Media, sending: Sending, reading: Reading, changing: Changing
) -> RestArea:
    """Make the eight endpoints of the document, and the one that media are got from.

    What a request has stored is told when its answer is on its way.
    """
    handlers = [
        *_chat_handlers(people, outgoing, reading, changing),
        *_message_handlers(people, outgoing, sending, reading, changing),
        *media_handlers(media, people, outgoing, sending),
    ]
    return rest_router(PATH, handlers, render_error)


def _chat_handlers(
    people: People, outgoing: OutgoingOrder, reading: Reading, changing: Changing
) -> list[ControllerRouterHandler]:
    @post("/create")
    async def create_chat(identity: Caller, data: JSONBody[CreateChat]) -> Response[Envelope[ChatShape]]:
        """Get the chat with somebody, about a pet or about none; it is made if there is none."""
        created = await reading.create(await people.session(identity), data)
        if created.is_new:
            return Response(Envelope(message="Chat created successfully", data=created.chat), status_code=201)
        return Response(Envelope(message="Chat retrieved successfully", data=created.chat), status_code=200)

    @get("/my-chats", dependencies={"paging": paging(default_limit=CHATS_PER_PAGE)})
    async def my_chats(identity: Caller, paging: PagingFromQuery) -> Envelope[ChatPage]:
        """List one's chats, that with the latest message first."""
        page = await reading.chats(await people.session(identity), paging)
        return Envelope(message="Chats retrieved successfully", data=page)

    @put("/{chat_id:str}/mark-read")
    async def mark_read(identity: Caller, chat_id: FromPath[str]) -> Response[Envelope[ReadShape]]:
        """Mark all of a chat read."""
        user = await people.session(identity)
        with outgoing.after_answer() as behind:
            read = await reading.mark_read(user, chat_id, None, behind.add)
            return then(Envelope(message="Messages marked as read", data=read), behind.release)

    @put("/{chat_id:str}/toggle-block")
    async def toggle_block(identity: Caller, chat_id: FromPath[str]) -> Envelope[BlockShape]:
        """Block a chat, or lift one's own block."""
        user = await people.session(identity)
        block = await changing.toggle_block(user, chat_id)
        text = "Chat blocked successfully" if user.key in block.blocked_by else "Chat unblocked successfully"
        return Envelope(message=text, data=block)

    return [create_chat, my_chats, mark_read, toggle_block]


def _message_handlers(
    people: People, outgoing: OutgoingOrder, sending: Sending, reading: Reading, changing: Changing
) -> list[ControllerRouterHandler]:
    @get("/{chat_id:str}/messages", dependencies={"paging": paging(default_limit=MESSAGES_PER_PAGE)})
    async def messages(identity: Caller, chat_id: FromPath[str], paging: PagingFromQuery) -> Envelope[MessagePage]:
        """List a chat's messages, the oldest of a page first; page 1 holds the newest."""
        page = await reading.messages(await people.session(identity), chat_id, paging)
        return Envelope(message="Messages retrieved successfully", data=page)

    @post("/{chat_id:str}/send")
    async def send(
        identity: Caller, chat_id: FromPath[str], data: JSONBody[MessageBody]
    ) -> Response[Envelope[MessageShape]]:
        """Send a message; all participants get `newMessage` on their sockets."""
        sender = await people.session(identity)
        with outgoing.after_answer() as behind:
            message = await sending.send(sender, chat_id, data, behind.add)
            return then(Envelope(message="Message sent successfully", data=message), behind.release)

    @delete("/message/{message_id:str}", status_code=200)
    async def delete_message(identity: Caller, message_id: FromPath[str]) -> Response[Envelope[MessageShape]]:
        """Take back a message of one's own, and its file."""
        sender = await people.session(identity)
        with outgoing.after_answer() as behind:
            message = await changing.delete(sender, message_id, behind.add)
            return then(Envelope(message="Message deleted successfully", data=message), behind.release)

    return [messages, send, delete_message]
