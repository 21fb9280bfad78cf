"""What `slysock demo` fills the system with. The README's examples use these users and ids."""

from collections.abc import Sequence
from typing import Final

from slysock.systems.demo import Claims, Visit

CUSTOMER: Final[Claims] = {"userId": 1, "role": "CUSTOMER"}
VENDOR: Final[Claims] = {"userId": 5, "role": "VENDOR"}
PRODUCT_ID: Final = 12345


async def tell(visit: Visit) -> Sequence[str]:
    """Tell how a customer asks a vendor about a notebook."""
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
        (CUSTOMER, 5, "Please do, I'll come by tomorrow."),
    )
    for number, (speaker, recipient, text) in enumerate(lines):
        payload = {"productId": PRODUCT_ID, "recipientId": recipient, "text": text, "clientMessageId": f"demo-{number}"}
        async with visit.client(speaker, "/presence"), visit.client(speaker, "/chat") as talk:
            await talk.say("sendMessage", payload)
    content = {"error": False, "message": "Product has been uploaded successfully", "data": {"id": PRODUCT_ID}}
    await visit.notify({"userId": 5, "userType": "VENDOR", "type": "product:upload", "content": content})
    return [f"CUSTOMER 1 and VENDOR 5 talk about product {PRODUCT_ID}; a notification waits for VENDOR 5"]
