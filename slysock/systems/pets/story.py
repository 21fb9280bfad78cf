"""What `slysock demo` fills the system with. The README's examples use these users and ids."""

from collections.abc import Sequence
from typing import Final

from slysock.systems.demo import Claims, Visit, field

BUYER: Final[Claims] = {"userId": "buyer-1", "role": "buyer"}
SELLER: Final[Claims] = {"userId": "seller-1", "role": "seller"}


async def tell(visit: Visit) -> Sequence[str]:
    """Tell how a buyer asks a seller about a dog."""
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
