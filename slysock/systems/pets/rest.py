"""The HTTP API of this system: `/api/chat`."""

from typing import Final

from litestar import Response, delete, get, post, put
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler

from slysock.systems.rest import Caller, PagingFromQuery, RestArea, paging, rest_router, then

from .failures import render_error
from .payloads import CreateChat, MessageBody
from .people import person_of
from .service import Pets
from .shapes import BlockShape, ChatPage, ChatShape, Envelope, MessagePage, MessageShape, ReadShape
from .uploading import media_handlers

PATH: Final = "/api/chat"
CHATS_PER_PAGE: Final = 20
MESSAGES_PER_PAGE: Final = 50


def make_rest(service: Pets) -> RestArea:
    """Make the eight endpoints of the document, and the one that serves media.

    What a request has stored is announced when its answer is on its way.
    """
    handlers = [
        *_chats(service),
        *_messages(service),
        *media_handlers(service),
    ]
    return rest_router(PATH, handlers, render_error, person_of)


def _chats(service: Pets) -> list[ControllerRouterHandler]:
    @post("/create")
    async def create_chat(identity: Caller, data: JSONBody[CreateChat]) -> Response[Envelope[ChatShape]]:
        """Get the chat with somebody, about a pet or without one; it is created if there is none."""
        created = await service.opening.create(await service.sessions.caller(identity), data)
        if created.is_new:
            return Response(Envelope(message="Chat created successfully", data=created.chat), status_code=201)
        return Response(Envelope(message="Chat retrieved successfully", data=created.chat), status_code=200)

    @get("/my-chats", dependencies={"paging": paging(default_limit=CHATS_PER_PAGE)})
    async def my_chats(identity: Caller, paging: PagingFromQuery) -> Envelope[ChatPage]:
        """List one's chats, the one with the latest message first."""
        page = await service.reading.chats(await service.sessions.caller(identity), paging)
        return Envelope(message="Chats retrieved successfully", data=page)

    @put("/{chat_id:str}/mark-read")
    async def mark_read(identity: Caller, chat_id: FromPath[str]) -> Response[Envelope[ReadShape]]:
        """Mark all of a chat as read."""
        user = await service.sessions.caller(identity)
        with service.outgoing.after_answer() as behind:
            read = await service.reading.mark_read(user, chat_id, None, behind.add)
            return then(Envelope(message="Messages marked as read", data=read), behind.release)

    @put("/{chat_id:str}/toggle-block")
    async def toggle_block(identity: Caller, chat_id: FromPath[str]) -> Envelope[BlockShape]:
        """Block a chat, or lift one's own block."""
        user = await service.sessions.caller(identity)
        block = await service.changing.toggle_block(user, chat_id)
        text = "Chat blocked successfully" if user.key in block.blocked_by else "Chat unblocked successfully"
        return Envelope(message=text, data=block)

    return [create_chat, my_chats, mark_read, toggle_block]


def _messages(service: Pets) -> list[ControllerRouterHandler]:
    @get("/{chat_id:str}/messages", dependencies={"paging": paging(default_limit=MESSAGES_PER_PAGE)})
    async def messages(identity: Caller, chat_id: FromPath[str], paging: PagingFromQuery) -> Envelope[MessagePage]:
        """List a chat's messages, the oldest on a page first; page 1 holds the newest."""
        page = await service.reading.messages(await service.sessions.caller(identity), chat_id, paging)
        return Envelope(message="Messages retrieved successfully", data=page)

    @post("/{chat_id:str}/send")
    async def send(
        identity: Caller, chat_id: FromPath[str], data: JSONBody[MessageBody]
    ) -> Response[Envelope[MessageShape]]:
        """Send a message; all participants get `newMessage` on their sockets."""
        sender = await service.sessions.caller(identity)
        with service.outgoing.after_answer() as behind:
            message = await service.sending.send(sender, chat_id, data, behind.add)
            return then(Envelope(message="Message sent successfully", data=message), behind.release)

    @delete("/message/{message_id:str}", status_code=200)
    async def delete_message(identity: Caller, message_id: FromPath[str]) -> Response[Envelope[MessageShape]]:
        """Delete one's own message, and its file."""
        sender = await service.sessions.caller(identity)
        with service.outgoing.after_answer() as behind:
            message = await service.changing.delete(sender, message_id, behind.add)
            return then(Envelope(message="Message deleted successfully", data=message), behind.release)

    return [messages, send, delete_message]
