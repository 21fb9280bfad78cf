"""Who gets in, by which token, and for how long."""

from collections.abc import Sequence

import pytest
import trio

from tests.slysock.systems.market import settle, token_for
from tests.slysock.systems.support.center import NAMESPACE, Center, exception

MISSING = "Authentication token is missing"
INVALID = "Authentication token is invalid"
NOBODY = "The token does not identify a user of this chat"


def bad_token(kind: str) -> str:
    match kind:
        case "no user":
            return token_for(None, "user")
        case "expired":
            return token_for("u1", "user", expires_in=-1)
        case "the system's":
            return token_for("system", "admin")
        case "long id":
            return token_for("x" * 129, "user")
        case "forged":
            return f"{token_for('u1', 'user')[:-4]}AAAA"
        case _:
            return ""


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", MISSING),
        ("forged", INVALID),
        ("no user", INVALID),
        ("expired", "Authentication token has expired"),
        ("the system's", NOBODY),
        ("long id", NOBODY),
    ],
)
async def test_without_a_usable_token_one_is_connected_told_and_disconnected(
    center: Center, kind: str, message: str
) -> None:
    socket = await center.running.memory.connect(NAMESPACE, auth={"token": bad_token(kind)})
    assert await socket.expect("exception") == (exception(401, message, "Unauthorized"),)
    assert await socket.wait_disconnected(5) == "io server disconnect"
    assert not center.running.memory.server.of(NAMESPACE).sockets()


@pytest.mark.parametrize(
    ("auth", "query", "headers"),
    [
        ("{token}", "", ""),
        ("Bearer {token}", "", ""),
        ("", "{token}", ""),
        ("", "", "Bearer {token}"),
        ("{token}", "forged", "Bearer forged"),
    ],
)
async def test_a_token_comes_by_auth_query_or_header_in_this_order(
    center: Center, auth: str, query: str, headers: str
) -> None:
    token = token_for("u1", "user")
    lines: Sequence[tuple[str, str]] = [("authorization", headers.format(token=token))] if headers else []
    socket = await center.running.memory.connect(
        NAMESPACE,
        auth={"token": auth.format(token=token)} if auth else None,
        query={"token": query.format(token=token)} if query else None,
        headers=lines,
    )
    await settle()
    assert socket.waiting() == []
    assert len(center.running.memory.server.of(NAMESPACE).to("user:u1").sockets()) == 1


async def test_ids_that_are_numbers_and_tokens_without_role_are_users(center: Center) -> None:
    socket = await center.running.memory.connect(NAMESPACE, auth={"token": token_for(7, "")})
    await settle()
    assert socket.waiting() == []
    assert len(center.running.memory.server.of(NAMESPACE).to("user:7").sockets()) == 1


async def test_a_socket_is_told_and_disconnected_when_its_token_expires(
    center: Center, autojump_clock: trio.testing.MockClock
) -> None:
    token = token_for("u1", "user", expires_in=30)
    socket = await center.running.memory.connect(NAMESPACE, auth={"token": token})
    await trio.sleep(29)
    assert socket.waiting() == []
    assert await socket.expect("exception") == (exception(401, "Authentication token has expired", "Unauthorized"),)
    assert await socket.wait_disconnected(5) == "io server disconnect"


async def test_a_newer_token_prolongs_a_socket(center: Center, autojump_clock: trio.testing.MockClock) -> None:
    socket = await center.running.memory.connect(NAMESPACE, auth={"token": token_for("u1", "user", expires_in=30)})
    answer = await socket.call("refreshToken", {"token": token_for("u1", "user", expires_in=90)})
    assert answer == {"success": True, "message": "Token has been refreshed"}
    await trio.sleep(60)
    assert socket.waiting() == []
    await socket.wait_disconnected(60)


@pytest.mark.parametrize(("user_id", "role"), [("u2", "user"), ("u1", "admin")])
async def test_a_token_of_another_user_or_role_changes_nothing(center: Center, user_id: str, role: str) -> None:
    user = await center.user()
    refused = exception(403, "The token belongs to another user", "Forbidden")
    assert await user.socket.call("refreshToken", {"token": token_for(user_id, role)}) == refused
    assert await user.heard() == [("exception", refused)]
    assert user.socket.id in {socket.id for socket in center.running.memory.server.of(NAMESPACE).sockets()}


@pytest.mark.parametrize("place", ["header", "query"])
async def test_requests_take_the_token_from_header_or_query(center: Center, place: str) -> None:
    token = token_for("u1", "user")
    target = "/support/conversations" if place == "header" else f"/support/conversations?token={token}"
    answer = await center.running.http("GET", target, token=token if place == "header" else None)
    assert answer.status == 200


ENDPOINTS = [
    ("POST", "/support/conversations", {"participants": ["u2"]}),
    ("POST", "/support/conversations/with-admin", {}),
    ("GET", "/support/conversations", None),
    ("GET", "/support/conversations/6650abc123def4566650abc1", None),
    ("PATCH", "/support/conversations/6650abc123def4566650abc1", {"status": "closed"}),
    ("POST", "/support/messages", {"conversationId": "6650abc123def4566650abc1", "content": "x"}),
    ("GET", "/support/conversations/6650abc123def4566650abc1/messages", None),
    ("POST", "/support/conversations/6650abc123def4566650abc1/read", None),
    ("POST", "/support/order-chat/1234", None),
    ("GET", "/support/order-chat/1234", None),
    ("GET", "/support/order-chat/1234/messages", None),
]


@pytest.mark.parametrize(("method", "target", "body"), ENDPOINTS)
@pytest.mark.parametrize("kind", ["missing", "forged", "no user", "expired", "the system's"])
async def test_every_endpoint_refuses_whom_it_does_not_know(
    center: Center, method: str, target: str, body: object, kind: str
) -> None:
    token = bad_token(kind)
    answer = await center.running.http(method, target, token=token or None, body=body)
    assert answer.status == 401
    assert answer.headers["content-type"].startswith("application/json")
    assert b'"statusCode":401' in answer.body
    assert b'"error":"Unauthorized"' in answer.body
