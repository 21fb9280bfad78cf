"""The management API over the marketplace: what another back-end tells, and who hears of it."""

from collections.abc import AsyncIterator

import pytest

from slysock.systems.marketplace import marketplace
from slysock.testing import MemoryClient
from slysock_store import SystemName, UserKey
from tests.slysock.systems.market import at, length, settle, token_for
from tests.slysock.systems.running import Running, error_of, json_of, open_systems

MARKETPLACE = SystemName("marketplace")


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with open_systems(marketplace) as system:
        yield system


async def put(running: Running, path: str, body: object, *, role: str = "service") -> tuple[int, object]:
    answer = await running.http("PUT", f"/manage/marketplace/{path}", token=token_for("shop", role), body=body)
    return answer.status, json_of(answer)


async def notify(running: Running, **body: object) -> tuple[int, object]:
    token = token_for("shop", "Admin")
    answer = await running.http("POST", "/manage/marketplace/notifications", token=token, body=body)
    return answer.status, json_of(answer)


async def presence(running: Running, user: str) -> object:
    answer = await running.http("GET", f"/manage/marketplace/presence/{user}", token=token_for("shop", "service"))
    assert answer.status == 200
    return json_of(answer)


async def join(running: Running, namespace: str, user: int = 5, role: str = "VENDOR") -> MemoryClient:
    return await running.memory.connect(namespace, auth={"token": token_for(user, role)})


def ids(offline_notifications: object) -> list[object]:
    items = at(offline_notifications, "data", "items")
    assert isinstance(items, list)
    return [at(item, "id") for item in items]


@pytest.mark.parametrize("role", ["CUSTOMER", "VENDOR", "services", ""])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "users/5", {"role": "VENDOR"}),
        ("PUT", "products/1", {"vendorId": 5, "name": "Mac"}),
        ("GET", "presence/5", None),
        ("POST", "notifications", {"userId": 5, "userType": "VENDOR", "type": "x"}),
    ],
)
async def test_only_back_ends_and_admins_may(running: Running, role: str, method: str, path: str, body: object) -> None:
    answer = await running.http(method, f"/manage/marketplace/{path}", token=token_for(5, role), body=body)
    assert (answer.status, json_of(answer)) == (403, error_of(403, "You are not allowed to do this", "Forbidden"))
    answer = await running.http(method, f"/manage/marketplace/{path}", body=body)
    assert answer.status == 401
    assert await running.store.get_user(MARKETPLACE, UserKey("VENDOR:5")) is None


@pytest.mark.parametrize("path", ["nowhere/users/1", "marketplace/tickets/1", "marketplace/users", "marketplace"])
async def test_unknown_systems_and_kinds_are_404(running: Running, path: str) -> None:
    answer = await running.http("PUT", f"/manage/{path}", token=token_for("shop", "service"), body={})
    assert (answer.status, json_of(answer)) == (404, error_of(404, "Not found", "Not Found"))


async def test_a_user_is_made_and_then_refreshed(running: Running) -> None:
    stores = [{"id": "680f98fac7fe6cd09231fe63", "name": "Wonders", "storeId": 7}]
    status, made = await put(running, "users/5", {"role": "vendor", "firstName": "William", "store": stores})
    assert status == 200
    assert at(made, "userId") == 5
    assert at(made, "store", 0, "storeId") == 7
    status, again = await put(running, "users/5", {"role": "vendor", "firstName": "William", "store": stores})
    assert (status, again) == (200, made)
    _, changed = await put(running, "users/5", {"role": "vendor", "lastName": "Lock"})
    assert (at(changed, "id"), at(changed, "firstName"), at(changed, "lastName")) == (at(made, "id"), "William", "Lock")


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        ("users/5", {"role": "boss"}, "Expected CUSTOMER or VENDOR as the role of a user"),
        ("users/x", {"role": "VENDOR"}, "Expected an integer as the id of a user"),
        ("users/5", {"role": {"$gt": ""}}, "Expected `str`, got `object` at `role`"),
        ("users/%7B%22$gt%22:1%7D", {"role": "VENDOR"}, "Expected an integer as the id of a user"),
        ("users/5", {}, "Object missing required field `role`"),
        ("products/1", {"vendorId": {"$gt": 0}, "name": "Mac"}, "Expected `int`, got `object` at `vendorId`"),
        (f"products/{'x' * 129}", {"vendorId": 5, "name": "Mac"}, "An id must have 1 to 128 printable characters"),
        ("products/a%00b", {"vendorId": 5, "name": "Mac"}, "An id must have 1 to 128 printable characters"),
    ],
)
async def test_what_makes_no_sense_is_400_and_says_why(running: Running, path: str, body: object, text: str) -> None:
    assert await put(running, path, body) == (400, error_of(400, text, "Bad Request"))


async def test_a_product_is_replaced(running: Running) -> None:
    status, made = await put(running, "products/12345", {"vendorId": 5, "name": "Mac", "price": "22"})
    assert (status, at(made, "product")) == (200, {"vendorId": 5, "name": "Mac", "price": "22"})
    _, replaced = await put(running, "products/12345", {"vendorId": 5, "name": "Mac 2"})
    assert at(replaced, "product") == {"vendorId": 5, "name": "Mac 2"}
    reference = await running.store.get_reference(MARKETPLACE, kind="product", key="12345")
    assert reference is not None
    assert reference.data["name"] == "Mac 2"


async def test_a_live_session_shows_the_profile_that_was_told_last(running: Running) -> None:
    for namespace in ("/presence", "/chat"):
        vendor = await join(running, namespace)
        customer = await join(running, namespace, 1, "CUSTOMER")
    await put(running, "users/5", {"role": "VENDOR", "firstName": "Renamed"})
    await vendor.call("sendMessage", {"productId": 1, "recipientId": 1, "text": "hi"})
    await settle()
    new_chat = next(event for event in customer.waiting() if event.name == "newChat")
    assert at(new_chat.args[0], "message", "vendor", "firstName") == "Renamed"


async def test_presence_is_of_either_role_unless_one_is_named(running: Running) -> None:
    nobody = {"userId": 5, "isOnline": False, "sockets": 0, "lastActive": None}
    assert await presence(running, "5") == nobody
    client = await join(running, "/presence")
    await settle()
    here = await presence(running, "5")
    assert (at(here, "isOnline"), at(here, "sockets")) == (True, 1)
    assert str(at(here, "lastActive")).startswith("2025-06-")
    assert await presence(running, "5?userType=customer") == nobody
    assert at(await presence(running, "5?userType=vendor"), "isOnline") is True
    await client.disconnect()
    await settle()
    assert at(await presence(running, "5"), "isOnline") is False


async def test_a_notification_reaches_whoever_is_there(running: Running) -> None:
    vendor, other = await join(running, "/notification"), await join(running, "/notification", 5, "CUSTOMER")
    for client in (vendor, other):
        assert length(at((await client.expect("offlineNotifications"))[0], "data", "items")) == 0
    status, answer = await notify(
        running, userId=5, userType="VENDOR", type="product:upload", content={"data": {"id": 63}}
    )
    assert status == 201
    assert await vendor.expect("notification") == (answer,)
    expected = {"vendorId": 5, "customerId": None, "type": "product:upload", "channel": "PUSH", "status": "SENT"}
    assert expected.items() <= dict(answer if isinstance(answer, dict) else {}).items()
    assert at(answer, "content") == {"data": {"id": 63}}
    assert at(answer, "priority") == 1
    await settle()
    assert other.waiting() == []


async def test_a_notification_waits_for_whoever_is_not_and_is_handed_out_once(running: Running) -> None:
    answers = [
        (await notify(running, userId=1, userType="customer", type=f"t{number}", channel="EMAIL", priority=3))[1]
        for number in range(25)
    ]
    client = await join(running, "/notification", 1, "CUSTOMER")
    first, second = (await client.expect("offlineNotifications"))[0], (await client.expect("offlineNotifications"))[0]
    assert ids(first) == [at(answer, "id") for answer in answers[:4:-1]]
    assert ids(second) == [at(answer, "id") for answer in answers[4::-1]]
    assert at(first, "message") is None
    assert at(first, "data", "pagination", "totalPages") == 2
    assert (at(answers[0], "customerId"), at(answers[0], "vendorId")) == (1, None)
    again = await join(running, "/notification", 1, "CUSTOMER")
    assert length(at((await again.expect("offlineNotifications"))[0], "data", "items")) == 0


async def test_an_id_that_may_be_two_users_needs_a_role(running: Running) -> None:
    assert (await notify(running, userId=5, type="x"))[0] == 400
    await put(running, "users/5", {"role": "VENDOR"})
    status, answer = await notify(running, userId="5", type="x")
    assert (status, at(answer, "vendorId")) == (201, 5)
    await put(running, "users/5", {"role": "CUSTOMER"})
    status, answer = await notify(running, userId=5, type="x")
    assert status == 400
    assert "userType" in str(at(answer, "message"))


async def test_whoever_has_a_chat_with_the_user_is_told_when_their_last_socket_is_gone(running: Running) -> None:
    for namespace in ("/presence", "/chat"):
        vendor = await join(running, namespace)
        await join(running, namespace, 1, "CUSTOMER")
    await vendor.call("sendMessage", {"productId": 1, "recipientId": 1, "text": "hi"})
    listening, stranger = await join(running, "/notification", 1, "CUSTOMER"), await join(running, "/notification", 9)
    first, second = await join(running, "/notification"), await join(running, "/notification")
    for client in (listening, stranger):
        await client.expect("offlineNotifications")
    await first.disconnect()
    await settle()
    assert listening.waiting() == []
    await second.disconnect()
    assert await listening.expect("userIsOffline") == (
        {
            "statusCode": 200,
            "error": False,
            "message": "User has gone offline",
            "data": {"userId": 5, "userType": "VENDOR"},
        },
    )
    await settle()
    assert stranger.waiting() == []


@pytest.mark.parametrize("auth", [None, {"token": "nonsense"}])
async def test_without_a_good_token_nobody_is_notified(running: Running, auth: dict[str, object] | None) -> None:
    client = await running.memory.connect("/notification", auth=auth)
    assert at((await client.expect("appError"))[0], "statusCode") == 401
    assert await client.wait_disconnected(5) == "io server disconnect"
