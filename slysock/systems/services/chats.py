"""The two kinds of chats in this system, as the store keeps them: both are created by the back-end that owns them."""

from typing import Final

from slysock_store import Chat, ChatKey, NewChat, UserKey

from .people import CLIENT, PROVIDER

CHAT_KIND: Final = "chat"
TICKET_KIND: Final = "ticket"


def chat_key(chat_id: str) -> ChatKey:
    """Return the key of the chat with this id of the back-end."""
    return ChatKey(f"{CHAT_KIND}:{chat_id}")


def ticket_key(ticket_id: str) -> ChatKey:
    """Return the key of the ticket with this id of the back-end."""
    return ChatKey(f"{TICKET_KIND}:{ticket_id}")


def new_chat(chat_id: str, *, client: UserKey, provider: UserKey) -> NewChat:
    """Describe a chat; the order of its participants says who is the client."""
    return NewChat(kind=CHAT_KIND, key=chat_key(chat_id), participants=(client, provider), reference=chat_id)


def new_ticket(ticket_id: str, *, owner: UserKey, subject: str | None) -> NewChat:
    """Describe a ticket. Admins take part without being participants."""
    extra = {} if subject is None else {"subject": subject}
    return NewChat(kind=TICKET_KIND, key=ticket_key(ticket_id), participants=(owner,), reference=ticket_id, extra=extra)


def side_of(chat: Chat, user: UserKey) -> str:
    """Return whether a participant is the client or the provider of a chat."""
    return CLIENT if user == chat.participants[0] else PROVIDER
