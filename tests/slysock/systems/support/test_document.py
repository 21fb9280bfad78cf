"""The document from end to end, with stock clients and plain HTTP, in the order of its "Order Chat Flow"."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.clients import NodeClient, NodeClients, Payload, python_client
from tests.slysock.systems.market import at, token_for
from tests.slysock.systems.support.center import (
    CONVERSATION_KEYS,
    LAST_MESSAGE_KEYS,
    MESSAGE_KEYS,
    NAMESPACE,
    NEW_CONVERSATION_KEYS,
    PERSON_KEYS,
    assert_keys,
    data_of,
    id_of,
)
from tests.slysock.systems.support.office import Office, open_office, sqlite_in

pytestmark = [pytest.mark.port]

ORDER = "665mno345ghi678901"
HELLO = "مرحبا ، أحتاج مساعدة في طلبي"
ORDER_CLOSED = "تم إغلاق محادثة الطلب"
CLOSED = "تم إغلاق المحادثة"
SUBJECT = "1234#مشكلة في الطلب"

RECONNECTION: Mapping[str, Payload] = {
    "reconnection": True,
    "reconnectionDelay": 1000,
    "reconnectionDelayMax": 5000,
    "reconnectionAttempts": 5,
}


def user_token() -> str:
    return token_for("664ghi789abc012345", "user", name="محمد محمد")


def admin_token() -> str:
    return token_for("664jkl012def345678", "admin", name="المدير")


def stranger_token() -> str:
    return token_for("664stranger", "user", name="Mallory")


Options: TypeAlias = Mapping[str, Payload]


def in_auth(token: str) -> Options:
    """`setAuth({'token': token})`."""
    return {"auth": {"token": token}}


def in_query(token: str) -> Options:
    """`?token=`."""
    return {"query": {"token": token}}


def in_header(token: str) -> Options:
    """`Authorization: Bearer`; Node's client can set headers on WebSockets, too."""
    return {"extraHeaders": {"Authorization": f"Bearer {token}"}}


async def come(
    node: NodeClients, office: Office, token: str, place: Callable[[str], Options], transports: Sequence[str]
) -> NodeClient:
    options = {**RECONNECTION, **place(token)}
    return await node.connect(office.url, namespace=NAMESPACE, transports=list(transports), options=options)


@pytest.mark.node
@pytest.mark.parametrize("place", [in_auth, in_query, in_header])
@pytest.mark.parametrize("transports", [["websocket", "polling"], ["polling", "websocket"]])
async def test_the_order_chat_flow_with_the_stock_client(
    node: NodeClients, tmp_path: Path, place: Callable[[str], Options], transports: Sequence[str]
) -> None:
    async with open_office(sqlite_in(tmp_path)) as office:
        admin = await come(node, office, admin_token(), place, transports)
        user = await come(node, office, user_token(), place, transports)
        assert transports[0] == "polling" or user.transport_name == "websocket"

        # 1. User opens order chat; admin receives "new-conversation"
        opened = await office.ask("POST", f"/order-chat/{ORDER}", user_token())
        assert_keys(opened, {**CONVERSATION_KEYS, "lastMessage": type(None)}, "relatedOrder")
        conversation = id_of(opened)
        for client in (admin, user):
            (new,) = await client.next_args("new-conversation")
            check_new_conversation(new, conversation)

        # 2. and 3. Both join
        for client in (user, admin):
            (joined,) = await client.call("join-conversation", {"conversationId": conversation})
            assert joined == {"success": True, "conversationId": conversation}

        # 4. and 5. User sends, admin replies; both receive "new-message"
        for token, content in ((user_token(), HELLO), (admin_token(), "أهلا محمد")):
            sent = await office.ask("POST", "/messages", token, {"conversationId": conversation, "content": content})
            for client in (user, admin):
                (message,) = await client.next_args("new-message")
                check_message(message, conversation, content)
                assert message == sent

        listing = await office.ask("GET", f"/order-chat/{ORDER}/messages?page=1&limit=50", user_token())
        assert [at(message, "content") for message in data_of(listing)] == ["أهلا محمد", HELLO]
        read = await office.ask("POST", f"/conversations/{conversation}/read", user_token())
        assert at(read, "success") is True

        # 6. Order is delivered
        body: Payload = {"userId": "664ghi789abc012345", "participants": [], "status": "delivered"}
        await office.tell(f"orders/{ORDER}", body)
        for client, unread in ((user, 1), (admin, 2)):
            (message,) = await client.next_args("new-message")
            assert (at(message, "type"), at(message, "content")) == ("system", ORDER_CLOSED)
            (updated,) = await client.next_args("conversation-updated")
            check_updated(updated, conversation, ORDER_CLOSED, "relatedOrder")
            assert at(updated, "unreadCount") == unread
        refused = await office.http(
            "POST", "/support/messages", user_token(), {"conversationId": conversation, "content": "?"}
        )
        assert refused.status == 409

        # The app leaves the screen
        (left,) = await user.call("leave-conversation", {"conversationId": conversation})
        assert left == {"success": True, "conversationId": conversation}


@pytest.mark.node
async def test_the_support_chat_and_its_errors_with_the_stock_client(node: NodeClients, tmp_path: Path) -> None:
    async with open_office(sqlite_in(tmp_path)) as office:
        transports = ["websocket", "polling"]
        admin = await come(node, office, admin_token(), in_auth, transports)
        user = await come(node, office, user_token(), in_auth, transports)
        stranger = await come(node, office, stranger_token(), in_auth, transports)

        created = await office.ask(
            "POST", "/conversations", admin_token(), {"participants": ["664ghi789abc012345"], "subject": SUBJECT}
        )
        conversation = id_of(created)
        (new,) = await user.next_args("new-conversation")
        assert at(new, "subject") == SUBJECT
        assert at(new, "supportType") == "general"
        await user.emit("join-conversation", {"conversationId": conversation})
        await user.call("join-conversation", {"conversationId": conversation})

        (refused,) = await stranger.call("join-conversation", {"conversationId": conversation})
        assert refused == {
            "status": "error",
            "message": "You do not have access to this conversation",
            "error": "Forbidden",
            "statusCode": 403,
        }
        assert (await stranger.next_args("exception")) == [refused]
        (missing,) = await user.call("join-conversation", {"conversationId": "6650abc123def456"})
        assert at(missing, "statusCode") == 404

        await office.ask("PATCH", f"/conversations/{conversation}", admin_token(), {"status": "closed"})
        (updated,) = await user.next_args("conversation-updated")
        check_updated(updated, conversation, CLOSED)
        await office.ask("PATCH", f"/conversations/{conversation}", admin_token(), {"status": "open"})
        (updated,) = await user.next_args("conversation-updated")
        assert at(updated, "status") == "open"

        asked = await office.ask("POST", "/conversations/with-admin", user_token(), {"subject": "?", "content": HELLO})
        (new,) = await admin.next_args("new-conversation")
        assert id_of(new) in {conversation, id_of(asked)}
        for token, total in ((user_token(), 2), (admin_token(), 2), (stranger_token(), 0)):
            listing = await office.ask("GET", "/conversations", token)
            assert (at(listing, "total"), at(listing, "page"), at(listing, "limit")) == (total, 1, 50)
        answer = await office.http("GET", f"/support/conversations/{conversation}", stranger_token())
        assert (answer.status, answer.body) == (
            403,
            {"statusCode": 403, "message": "You do not have access to this conversation", "error": "Forbidden"},
        )
        assert [event.name for event in stranger.events] == []


@pytest.mark.node
@pytest.mark.parametrize("place", [in_auth, in_query, in_header])
@pytest.mark.parametrize("transports", [["websocket", "polling"], ["polling"]])
async def test_a_failed_connection_is_disconnected_by_the_server(
    node: NodeClients, tmp_path: Path, place: Callable[[str], Options], transports: Sequence[str]
) -> None:
    tokens = {
        "none": "",
        "forged": user_token()[:-4] + "AAAA",
        "expired": token_for("u1", "user", expires_in=-5),
        "nobody": token_for(None, "user"),
    }
    async with open_office(sqlite_in(tmp_path)) as office:
        for token in tokens.values():
            client = await node.connect(
                office.url, namespace=NAMESPACE, transports=list(transports), options=place(token), wait=False
            )
            assert await client.wait_disconnect() == "io server disconnect"
            assert client.connect_error is None
            (failure,) = await client.next_args("exception")
            assert at(failure, "statusCode") == 401


@pytest.mark.parametrize("place", ["auth", "query", "header"])
@pytest.mark.parametrize("transports", [["websocket"], ["polling"], None])
async def test_the_order_chat_flow_with_the_python_client(
    tmp_path: Path, place: str, transports: Sequence[str] | None
) -> None:
    def how(token: str) -> tuple[str, Mapping[str, Payload] | None, Mapping[str, str] | None]:
        match place:
            case "auth":
                return "", {"token": token}, None
            case "query":
                return f"?token={token}", None, None
            case _:
                return "", None, {"Authorization": f"Bearer {token}"}

    async with open_office(sqlite_in(tmp_path)) as office:
        user_query, user_auth, user_headers = how(user_token())
        admin_query, admin_auth, admin_headers = how(admin_token())
        async with (
            python_client(
                office.url + admin_query,
                namespaces=[NAMESPACE],
                auth=admin_auth,
                headers=admin_headers,
                transports=transports,
            ) as admin,
            python_client(
                office.url + user_query,
                namespaces=[NAMESPACE],
                auth=user_auth,
                headers=user_headers,
                transports=transports,
            ) as user,
        ):
            conversation = id_of(await office.ask("POST", f"/order-chat/{ORDER}", user_token()))
            for client in (admin, user):
                event = await client.next("new-conversation", namespace=NAMESPACE)
                check_new_conversation(event.args[0], conversation)
                joined = await client.call("join-conversation", {"conversationId": conversation}, namespace=NAMESPACE)
                assert joined == {"success": True, "conversationId": conversation}
            for token, content in ((user_token(), HELLO), (admin_token(), "أهلا")):
                await office.ask("POST", "/messages", token, {"conversationId": conversation, "content": content})
                for client in (user, admin):
                    event = await client.next("new-message", namespace=NAMESPACE)
                    check_message(event.args[0], conversation, content)
            await office.tell(f"orders/{ORDER}", {"userId": "664ghi789abc012345", "status": "cancelled"})
            for client in (user, admin):
                event = await client.next("new-message", namespace=NAMESPACE)
                assert at(event.args[0], "content") == ORDER_CLOSED
                event = await client.next("conversation-updated", namespace=NAMESPACE)
                check_updated(event.args[0], conversation, ORDER_CLOSED, "relatedOrder")
            failure = await user.call("join-conversation", {"conversationId": "x"}, namespace=NAMESPACE)
            assert at(failure, "statusCode") == 404


def check_new_conversation(new: Payload, conversation: str) -> None:
    assert_keys(new, NEW_CONVERSATION_KEYS, "relatedOrder")
    assert id_of(new) == conversation
    participants = at(new, "participants")
    assert isinstance(participants, list)
    assert [at(person, "name") for person in participants] == ["محمد محمد", "المدير"]
    assert [at(person, "role") for person in participants] == ["user", "admin"]
    for person in participants:
        assert_keys(person, PERSON_KEYS)
    assert (at(new, "status"), at(new, "supportType"), at(new, "relatedOrder")) == ("open", "order", ORDER)


def check_message(message: Payload, conversation: str, content: str) -> None:
    assert_keys(message, MESSAGE_KEYS)
    assert_keys(at(message, "sender"), PERSON_KEYS)
    assert (at(message, "conversation"), at(message, "content")) == (conversation, content)
    assert (at(message, "type"), at(message, "isRead")) == ("text", False)
    assert str(at(message, "createdAt")).endswith("Z")


def check_updated(updated: Payload, conversation: str, last: str, *more: str) -> None:
    assert_keys(updated, CONVERSATION_KEYS, *more)
    assert_keys(at(updated, "lastMessage"), LAST_MESSAGE_KEYS)
    assert id_of(updated) == conversation
    assert at(updated, "status") == "closed"
    assert (at(updated, "lastMessage", "content"), at(updated, "lastMessage", "type")) == (last, "system")
