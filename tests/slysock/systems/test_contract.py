"""The requests of the four systems, by name: a route that goes, or a field that takes any object, is a decision."""

from typing import Final

from tests.slysock.systems.market import at
from tests.slysock.systems.registered import MAKERS
from tests.slysock.systems.rest.test_documents import operations
from tests.slysock.systems.running import json_of, open_systems
from tests.slysock.systems.test_injection import resolved, takes_any_object

ROUTES: Final = """
    POST /api/chat/create
    GET /api/chat/media/{name}
    HEAD /api/chat/media/{name}
    DELETE /api/chat/message/{message_id}
    GET /api/chat/my-chats
    PUT /api/chat/{chat_id}/mark-read
    GET /api/chat/{chat_id}/messages
    POST /api/chat/{chat_id}/send
    POST /api/chat/{chat_id}/send-media
    PUT /api/chat/{chat_id}/toggle-block
    POST /manage/marketplace/notifications
    GET /manage/marketplace/presence/{user_id}
    PUT /manage/marketplace/products/{record_id}
    PUT /manage/marketplace/users/{record_id}
    PUT /manage/pets/listings/{record_id}
    GET /manage/pets/presence/{user_id}
    PUT /manage/pets/users/{record_id}
    PUT /manage/services/chats/{record_id}
    POST /manage/services/notifications
    GET /manage/services/presence/{user_id}
    PUT /manage/services/tickets/{record_id}
    PUT /manage/services/users/{record_id}
    PUT /manage/support/orders/{record_id}
    GET /manage/support/presence/{user_id}
    PUT /manage/support/users/{record_id}
    GET /support/conversations
    POST /support/conversations
    POST /support/conversations/with-admin
    GET /support/conversations/{conversation_id}
    PATCH /support/conversations/{conversation_id}
    GET /support/conversations/{conversation_id}/messages
    POST /support/conversations/{conversation_id}/read
    POST /support/messages
    GET /support/order-chat/{order_id}
    POST /support/order-chat/{order_id}
    GET /support/order-chat/{order_id}/messages
"""

OURS: Final = (
    *("/api/chat/", "/support/"),
    *(f"/manage/{system}/" for system in ("marketplace", "services", "pets", "support")),
)

FREE_FIELDS: Final = {
    "/manage/marketplace/notifications": {"content"},
    "/manage/services/notifications": {"content"},
    "/manage/marketplace/products/{record_id}": {"attributes", "additionalInfo", "metaData"},
    **{f"/manage/{system}/users/{{record_id}}": {"store"} for system in ("marketplace", "pets", "support")},
}
"""Where objects belong; they are stored as data and never asked by. Anywhere else one is refused (test_injection)."""


async def documented() -> object:
    async with open_systems(*MAKERS.values()) as running:
        return json_of(await running.http("GET", "/openapi.json"))


async def test_the_requests_of_the_documents_are_there() -> None:
    expected = {line.strip() for line in ROUTES.strip().splitlines()}
    found = {f"{method.upper()} {path}" for path, method, _ in operations(await documented())}
    assert {route for route in found if route.split(" ")[1].startswith(OURS)} == expected


async def test_objects_of_any_kind_are_taken_in_these_fields_only() -> None:
    document = await documented()
    free: dict[str, set[str]] = {}
    for path, _, operation in operations(document):
        body = operation.get("requestBody")
        if body is None or "application/json" not in str(body):
            continue
        schema = resolved(document, at(body, "content", "application/json", "schema"))
        fields = schema.get("properties", {})
        assert isinstance(fields, dict)
        names = {name for name, field in fields.items() if takes_any_object(field)}
        if names:
            free[path] = names
    assert {path: names for path, names in free.items() if path.startswith(OURS)} == FREE_FIELDS
