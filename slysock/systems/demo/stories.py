"""What each system is filled with. The README's examples use these users and ids."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, TypeAlias

from slysock.systems.demo.visit import Visit, field

Story: TypeAlias = Callable[[Visit], Awaitable[Sequence[str]]]
"""Tells it, and gives lines about what is there now."""

Claims: TypeAlias = Mapping[str, object]

CUSTOMER: Final[Claims] = {"userId": 1, "role": "CUSTOMER"}
VENDOR: Final[Claims] = {"userId": 5, "role": "VENDOR"}
PRODUCT_ID: Final = 12345

CLIENT: Final[Claims] = {"userId": "client-1", "role": "client"}
PROVIDER: Final[Claims] = {"userId": "provider-1", "role": "provider"}
SERVICES_ADMIN: Final[Claims] = {"userId": "admin-1", "role": "admin"}

BUYER: Final[Claims] = {"userId": "buyer-1", "role": "buyer"}
SELLER: Final[Claims] = {"userId": "seller-1", "role": "seller"}

USER: Final[Claims] = {"userId": "user-1", "role": "user"}
RESTAURANT: Final[Claims] = {"userId": "restaurant-1", "role": "restaurant"}
SUPPORT_ADMIN: Final[Claims] = {"userId": "admin-1", "role": "admin"}


async def marketplace(visit: Visit) -> Sequence[str]:
    """A customer asks a vendor about a notebook."""
    store = {"id": "680f98fac7fe6cd09231fe63", "storeId": 7, "name": "Wonders", "storeLogoUrl": None}
    vendor = {"role": "VENDOR", "firstName": "William", "lastName": "Lock", "email": "william@shop.example"}
    await visit.put(
        "users/1", {"role": "CUSTOMER", "firstName": "Ada", "lastName": "Byron", "email": "ada@example.org"}
    )
    await visit.put("users/5", {**vendor, "verified": True, "store": [store]})
    await visit.put(f"products/{PRODUCT_ID}", {"vendorId": 5, "name": "Mac", "price": "22", "storeId": 7})
    lines: Sequence[tuple[Claims, int, str]] = (
        (CUSTOMER, 5, "Hello, is it still there?"),
        (VENDOR, 1, "It is. Shall I put it aside?"),
        (CUSTOMER, 5, "Please do, I come by tomorrow."),
    )
    for number, (speaker, recipient, text) in enumerate(lines):
        payload = {"productId": PRODUCT_ID, "recipientId": recipient, "text": text, "clientMessageId": f"demo-{number}"}
        async with visit.client(speaker, "/presence"), visit.client(speaker, "/chat") as talk:
            await talk.say("sendMessage", payload)
    content = {"error": False, "message": "Product has been uploaded successfully", "data": {"id": PRODUCT_ID}}
    await visit.notify({"userId": 5, "userType": "VENDOR", "type": "product:upload", "content": content})
    return [f"CUSTOMER 1 and VENDOR 5 talk about product {PRODUCT_ID}; a notification waits for VENDOR 5"]


async def services(visit: Visit) -> Sequence[str]:
    """A client and a provider arrange a date, and the client asks for help."""
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
        (SERVICES_ADMIN, "It is on its way to you."),
    )
    for number, (speaker, content) in enumerate(help_lines):
        async with visit.client(speaker, "/") as talk:
            await talk.say(
                "support-message",
                {"ticketId": "ticket-1", "content": content, "clientMessageId": f"demo-{number}"},
            )
    await visit.notify({"userId": "client-1", "type": "booking:confirmed", "content": {"message": "Monday, nine"}})
    return ["client-1 and provider-1 talk in chat-1; ticket-1 is client-1's; admin-1 answers tickets"]


async def pets(visit: Visit) -> Sequence[str]:
    """A buyer asks a seller about a dog."""
    await visit.put("users/buyer-1", {"role": "buyer", "firstName": "Jane", "lastName": "Goodall"})
    await visit.put("users/seller-1", {"role": "seller", "firstName": "Konrad", "lastName": "Lorenz"})
    listing = {"title": "Golden retriever, two years", "price": 500, "address": "12 Park Lane", "ownerId": "seller-1"}
    await visit.put("listings/pet-1", {**listing, "images": [{"url": "https://pets.example/pet-1.jpg"}]})
    body = {"participantId": "seller-1", "petId": "pet-1", "chatType": "pet_inquiry"}
    chat = field(await visit.request(BUYER, "POST", "/api/chat/create", body), "data", "_id")
    lines: Sequence[tuple[Claims, str]] = (
        (BUYER, "Is she good with children?"),
        (SELLER, "Very. Come and meet her."),
    )
    for number, (speaker, content) in enumerate(lines):
        message = {"content": content, "messageType": "text", "clientMessageId": f"demo-{number}"}
        await visit.request(speaker, "POST", f"/api/chat/{chat}/send", message)
    return [f"buyer-1 and seller-1 talk about pet-1 in chat {chat}"]


async def support(visit: Visit) -> Sequence[str]:
    """A user asks about the app, and about an order, in Arabic."""
    await visit.put("users/user-1", {"role": "user", "name": "سارة"})
    await visit.put("users/restaurant-1", {"role": "restaurant", "name": "مطعم الشام"})
    await visit.put("users/admin-1", {"role": "admin", "name": "Omar"})
    order = {"userId": "user-1", "participants": ["restaurant-1"], "status": "preparing"}
    await visit.put("orders/order-1", order)
    await visit.request(
        USER,
        "POST",
        "/support/conversations/with-admin",
        {"subject": "مشكلة في الدفع", "content": "لا أستطيع الدفع بالبطاقة", "clientMessageId": "demo-0"},
    )
    chat = field(await visit.request(USER, "POST", "/support/order-chat/order-1"), "_id")
    lines: Sequence[tuple[Claims, str]] = ((USER, "أين طلبي؟"), (RESTAURANT, "في الطريق إليك"))
    for number, (speaker, content) in enumerate(lines):
        message = {"conversationId": chat, "content": content, "clientMessageId": f"demo-{number}"}
        await visit.request(speaker, "POST", "/support/messages", message)
    return [f"user-1 and restaurant-1 talk about order-1 in conversation {chat}; admin-1 sees everything"]


STORIES: Final[Mapping[str, Story]] = MappingProxyType(
    {"marketplace": marketplace, "services": services, "pets": pets, "support": support}
)
