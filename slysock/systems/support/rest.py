"""The eleven endpoints under `/support`. Each does what one method of the service does, for the bearer of the token.

What a request has stored is announced to sockets when its answer is on its way.
"""

from collections.abc import Sequence
from typing import Final

from litestar import Response, get, patch, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler

from slysock.systems.domain import Invalid
from slysock.systems.rest import Caller, Only, PagingFromQuery, RestArea, paging, rest_router, then

from .changing import MAY_UPDATE
from .failures import render_error
from .opening import MAY_ASK_ADMIN, MAY_CREATE, require_role
from .payloads import (
    DEFAULT_PAGE_SIZE,
    CreateConversation,
    CreateWithAdmin,
    SendMessage,
    UpdateConversation,
)
from .people import person_of
from .service import Support
from .shapes import ConversationShape, Listing, MarkedRead, MessageShape

PATH: Final = "/support"
MAX_ORDER_ID_CHARACTERS: Final = 128

_PAGING: Final = {"paging": paging(default_limit=DEFAULT_PAGE_SIZE)}
_OK: Final = 200


def make_rest(service: Support) -> RestArea:
    """Make the HTTP API of the system."""
    handlers = [*_openings(service), *_conversations(service), *_messages(service), *_order_chats(service)]
    return rest_router(PATH, handlers, render_error, person_of)


def _openings(service: Support) -> Sequence[ControllerRouterHandler]:
    @post("/conversations", guards=[_only(MAY_CREATE)])
    async def create_conversation(identity: Caller, data: JSONBody[CreateConversation]) -> Response[ConversationShape]:
        """Create a support conversation (admins and restaurants)."""
        creator = await service.sessions.caller(identity)
        with service.outgoing.after_answer() as behind:
            return then(await service.opening.create(creator, data, behind), behind.release)

    @post("/conversations/with-admin", guards=[_only(MAY_ASK_ADMIN)])
    async def create_conversation_with_admin(
        identity: Caller, data: JSONBody[CreateWithAdmin | None] = None
    ) -> Response[ConversationShape]:
        """Create a support conversation with an admin (users, restaurants, markets and pharmacies)."""
        asker = await service.sessions.caller(identity)
        with service.outgoing.after_answer() as behind:
            wanted = data or CreateWithAdmin()
            return then(await service.opening.with_admin(asker, wanted, behind), behind.release)

    return [create_conversation, create_conversation_with_admin]


def _conversations(service: Support) -> Sequence[ControllerRouterHandler]:
    @get("/conversations", dependencies=_PAGING)
    async def list_conversations(identity: Caller, paging: PagingFromQuery) -> Listing[ConversationShape]:
        """List my conversations, the latest first; admins get everybody's."""
        reader = await service.sessions.caller(identity)
        return await service.reading.conversations(reader, page=paging.page, limit=paging.limit)

    @get("/conversations/{conversation_id:str}")
    async def get_conversation(identity: Caller, conversation_id: FromPath[str]) -> ConversationShape:
        """Get a conversation (its participants and admins)."""
        reader = await service.sessions.caller(identity)
        return await service.reading.conversation(reader, conversation_id)

    @patch("/conversations/{conversation_id:str}", guards=[_only(MAY_UPDATE)])
    async def update_conversation(
        identity: Caller, conversation_id: FromPath[str], data: JSONBody[UpdateConversation]
    ) -> Response[ConversationShape]:
        """Change the status or the subject of a conversation (admins)."""
        admin = await service.sessions.caller(identity)
        with service.outgoing.after_answer() as behind:
            return then(await service.changing.update(admin, conversation_id, data, behind), behind.release)

    @post("/conversations/{conversation_id:str}/read", status_code=_OK)
    async def mark_read(identity: Caller, conversation_id: FromPath[str]) -> MarkedRead:
        """Mark the messages of others as read (its participants and admins)."""
        reader = await service.sessions.caller(identity)
        return await service.reading.mark_read(reader, conversation_id)

    return [list_conversations, get_conversation, update_conversation, mark_read]


def _messages(service: Support) -> Sequence[ControllerRouterHandler]:
    @post("/messages")
    async def send_message(identity: Caller, data: JSONBody[SendMessage]) -> Response[MessageShape]:
        """Send a message to a conversation (its participants and admins)."""
        sender = await service.sessions.caller(identity)
        with service.outgoing.after_answer() as behind:
            return then(await service.sending.send(sender, data, behind), behind.release)

    @get("/conversations/{conversation_id:str}/messages", dependencies=_PAGING)
    async def list_messages(
        identity: Caller, conversation_id: FromPath[str], paging: PagingFromQuery
    ) -> Listing[MessageShape]:
        """List the messages of a conversation, newest first (its participants and admins)."""
        reader = await service.sessions.caller(identity)
        return await service.reading.messages(reader, conversation_id, page=paging.page, limit=paging.limit)

    return [send_message, list_messages]


def _order_chats(service: Support) -> Sequence[ControllerRouterHandler]:
    @post("/order-chat/{order_id:str}")
    async def open_order_chat(identity: Caller, order_id: FromPath[str]) -> Response[ConversationShape]:
        """Get the chat of an order, or create it (status 201)."""
        opener = await service.sessions.caller(identity)
        with service.outgoing.after_answer() as behind:
            opened = await service.orders.open_chat(opener, _checked(order_id), behind)
            response = then(opened.conversation, behind.release)
            if not opened.created:
                response.status_code = _OK
            return response

    @get("/order-chat/{order_id:str}")
    async def get_order_chat(identity: Caller, order_id: FromPath[str]) -> ConversationShape:
        """Get the chat of an order (its participants and admins)."""
        reader = await service.sessions.caller(identity)
        chat = await service.orders.chat(reader, _checked(order_id))
        return await service.access.show(chat, reader.key)

    @get("/order-chat/{order_id:str}/messages", dependencies=_PAGING)
    async def list_order_messages(
        identity: Caller, order_id: FromPath[str], paging: PagingFromQuery
    ) -> Listing[MessageShape]:
        """List the messages of an order's chat, newest first (its participants and admins)."""
        reader = await service.sessions.caller(identity)
        chat = await service.orders.chat(reader, _checked(order_id))
        return await service.reading.history(chat, page=paging.page, limit=paging.limit)

    return [open_order_chat, get_order_chat, list_order_messages]


def _only(roles: frozenset[str]) -> Only:
    """Make the guard of a route that is for these roles, as the service says, too."""
    return Only(lambda identity: require_role(person_of(identity), roles))


def _checked(order_id: str) -> str:
    """Refuse an id that no order has.

    Raises:
        Invalid: too long.
    """
    if len(order_id) > MAX_ORDER_ID_CHARACTERS:
        raise Invalid("The order's id is too long")
    return order_id
