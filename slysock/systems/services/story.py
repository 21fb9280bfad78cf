"""What `slysock demo` fills the system with. The README's examples use these users and ids."""

from collections.abc import Sequence
from typing import Final

from slysock.systems.demo import Claims, Visit

CLIENT: Final[Claims] = {"userId": "client-1", "role": "client"}
PROVIDER: Final[Claims] = {"userId": "provider-1", "role": "provider"}
ADMIN: Final[Claims] = {"userId": "admin-1", "role": "admin"}


async def tell(visit: Visit) -> Sequence[str]:
    """Tell how a client and a provider arrange a date, and how the client asks for help."""
    await visit.put("users/client-1", {"role": "client", "firstName": "Grace", "lastName": "Hopper"})
    await visit.put("users/provider-1", {"role": "provider", "firstName": "Alan", "lastName": "Kay"})
    await visit.put("users/admin-1", {"role": "admin", "firstName": "Barbara", "lastName": "Liskov"})
    await visit.put("chats/chat-1", {"clientId": "client-1", "providerId": "provider-1"})
    await visit.put("tickets/ticket-1", {"userId": "client-1", "subject": "An invoice is missing"})
    lines: Sequence[tuple[Claims, str]] = (
        (CLIENT, "Could you come on Monday?"),
        (PROVIDER, "At nine?"),
        (CLIENT, "At nine it is."),
    )
    for number, (speaker, content) in enumerate(lines):
        async with visit.client(speaker, "/") as talk:
            message = {"chatId": "chat-1", "content": content, "messageType": "text"}
            await talk.say("send-message", {**message, "clientMessageId": f"demo-{number}"})
    help_lines: Sequence[tuple[Claims, str]] = (
        (CLIENT, "I cannot find my invoice."),
        (ADMIN, "It is on its way to you."),
    )
    for number, (speaker, content) in enumerate(help_lines):
        async with visit.client(speaker, "/") as talk:
            await talk.say(
                "support-message",
                {"ticketId": "ticket-1", "content": content, "clientMessageId": f"demo-{number}"},
            )
    await visit.notify({"userId": "client-1", "type": "booking:confirmed", "content": {"message": "Monday, nine"}})
    return ["client-1 and provider-1 talk in chat-1; ticket-1 is client-1's; admin-1 answers tickets"]
