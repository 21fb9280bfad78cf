"""What the back-end that owns users, chats and tickets tells: each as often as it likes, with the same result."""

from typing import Annotated, TypeAlias, final

import msgspec
from msgspec import Meta, Struct

from slysock.systems.domain import Conflict, Domain, Invalid
from slysock.systems.domain.all_chats import AllChats
from slysock_store import Chat, ChatChanges, JsonObject

from .access import Access
from .chats import new_chat, new_ticket
from .payloads import UserName
from .people import key_of, normal_role
from .shapes import SenderShape
from .views import sender_shape

ProfileText: TypeAlias = Annotated[str, Meta(max_length=512)] | None


@final
class Photo(Struct, frozen=True, kw_only=True):
    """A user's picture."""

    url: Annotated[str, Meta(max_length=2048)]


@final
class UserRecord(Struct, frozen=True, kw_only=True, rename="camel"):
    """A user's role and profile; what is left out stays."""

    role: Annotated[str, Meta(min_length=1, max_length=64)]
    full_name: ProfileText = None
    name: ProfileText = None
    first_name: ProfileText = None
    last_name: ProfileText = None
    username: ProfileText = None
    email: ProfileText = None
    phone: ProfileText = None
    profile_photo: Photo | Annotated[str, Meta(max_length=2048)] | None = None
    profile_picture: ProfileText = None
    avatar: ProfileText = None

    def profile(self) -> JsonObject:
        """Give what is to be stored."""
        fields: JsonObject = msgspec.to_builtins(self)
        return {name: value for name, value in fields.items() if name != "role" and value is not None}


@final
class ChatRecord(Struct, frozen=True, kw_only=True, rename="camel"):
    """The two sides of a chat."""

    client_id: UserName
    provider_id: UserName


@final
class TicketRecord(Struct, frozen=True, kw_only=True, rename="camel"):
    """Whose ticket it is."""

    user_id: UserName
    subject: Annotated[str, Meta(max_length=512)] | None = None


@final
class ChatShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """A chat, as its back-end knows it."""

    chat_id: str
    client_id: str
    provider_id: str


@final
class TicketShape(Struct, frozen=True, kw_only=True, rename="camel"):
    """A ticket, as its back-end knows it."""

    ticket_id: str
    user_id: str
    subject: str | None


@final
class Managing:
    """Users, chats and tickets as they are told of."""

    def __init__(self, domain: Domain, all_chats: AllChats, access: Access) -> None:
        self._domain = domain
        self._all_chats = all_chats
        self._access = access

    async def put_user(self, user_id: str, user: UserRecord) -> SenderShape:
        """Make or refresh a user, live sockets speak for them as they are now; give them as others see them."""
        stored = await self._domain.users.sign_in(key_of(user_id), role=normal_role(user.role), profile=user.profile())
        self._access.renew(stored)
        return sender_shape(stored)

    async def put_chat(self, chat_id: str, chat: ChatRecord) -> ChatShape:
        """Make a chat, or confirm it.

        Raises:
            Invalid: both sides are the same user.
            Conflict: there is one with this id, between others.
        """
        client, provider = key_of(chat.client_id), key_of(chat.provider_id)
        if client == provider:
            raise Invalid("A chat is between two users")
        stored = (await self._all_chats.ensure(new_chat(chat_id, client=client, provider=provider))).chat
        if stored.participants != (client, provider):
            raise Conflict("There is a chat with this id between others")
        return ChatShape(chat_id=chat_id, client_id=client, provider_id=provider)

    async def put_ticket(self, ticket_id: str, ticket: TicketRecord) -> TicketShape:
        """Make a ticket, or confirm it; a new subject replaces the old one.

        Raises:
            Conflict: there is one with this id, of somebody else.
        """
        owner = key_of(ticket.user_id)
        stored = (await self._all_chats.ensure(new_ticket(ticket_id, owner=owner, subject=ticket.subject))).chat
        if stored.participants != (owner,):
            raise Conflict("There is a ticket with this id of another user")
        if ticket.subject is not None and _subject(stored) != ticket.subject:
            stored = await self._all_chats.change(stored.id, ChatChanges(extra={"subject": ticket.subject}))
        return TicketShape(ticket_id=ticket_id, user_id=owner, subject=_subject(stored))


def _subject(ticket: Chat) -> str | None:
    subject = ticket.extra.get("subject")
    return subject if isinstance(subject, str) else None
