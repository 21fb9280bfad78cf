"""What `slysock demo` fills the system with. The README's examples use these users and ids."""

from collections.abc import Sequence
from typing import Final

from slysock.systems.demo import Claims, Visit, field

USER: Final[Claims] = {"userId": "user-1", "role": "user"}
RESTAURANT: Final[Claims] = {"userId": "restaurant-1", "role": "restaurant"}


async def tell(visit: Visit) -> Sequence[str]:
    """Tell how a user asks about the app, and about an order, in Arabic."""
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
