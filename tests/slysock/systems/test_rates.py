"""Rates as the four systems show them: each in the shape of its document's errors, and each user for themself."""

from collections.abc import Mapping
from contextlib import suppress

import pytest
import trio
from trio.testing import MockClock

from slysock import Config, ConnectionRefused
from slysock.testing import MemoryClient
from tests.slysock.systems.market import at, settle, token_for
from tests.slysock.systems.registered import MAKERS
from tests.slysock.systems.running import Running, open_systems

TEXT = "Too many events, try again later"

CASES = {
    # system -> (namespaces to join, the last of which the event is for, role, event, payload)
    "marketplace": (["/presence", "/chat"], "CUSTOMER", "typing", {"productId": 1, "recipientId": 5}),
    "services": (["/"], "client", "get-unread-count", {}),
    "pets": (["/"], "buyer", "online", {}),
    "support": (["/support"], "user", "leave-conversation", {"conversationId": "x"}),
    "root": (["/"], "user", "refreshToken", {"token": "bad"}),
}

SHOWN: Mapping[str, tuple[str, Mapping[str, object], Mapping[str, object]]] = {
    # system -> (error event, its payload, the acknowledgement), without retryAfter
    "marketplace": (
        "appError",
        {"error": True, "message": TEXT, "statusCode": 429},
        {"error": True, "message": TEXT, "statusCode": 429},
    ),
    "services": (
        "error",
        {"message": TEXT, "event": "get-unread-count", "code": 429},
        {"success": False, "message": TEXT, "code": 429},
    ),
    "pets": ("error", {"message": TEXT}, {"success": False, "message": TEXT}),
    "support": (
        "exception",
        {"status": "error", "message": TEXT, "error": "Too Many Requests", "statusCode": 429},
        {"status": "error", "message": TEXT, "error": "Too Many Requests", "statusCode": 429},
    ),
    "root": (
        "error",
        {"message": TEXT, "event": "refreshToken", "code": 429},
        {"success": False, "message": TEXT, "code": 429},
    ),
}


async def enter(running: Running, case: str, user: object = 1, role: str | None = None) -> MemoryClient:
    """Connect, and join what the system needs."""
    namespaces, usual, _, _ = CASES[case]
    connection = await running.memory.open_connection()
    for namespace in namespaces:
        client = await connection.join(namespace, {"token": token_for(user, role or usual)})
        await settle()
    client.waiting()
    return client


@pytest.mark.parametrize("case", CASES)
async def test_an_event_too_many_is_answered_in_the_shape_of_the_document(autojump_clock: MockClock, case: str) -> None:
    _, _, event, payload = CASES[case]
    name, shown, acknowledged = SHOWN[case]
    async with open_systems(*MAKERS.values(), config=Config(user_events_per_second=1, burst_seconds=2)) as running:
        client = await enter(running, case)
        again = await enter(running, case)
        for _ in range(2):
            await client.call(event, payload)
        await settle()
        again.waiting()
        answer = await again.call(event, payload)
        assert answer == {**acknowledged, "retryAfter": 2}
        (error,) = [received.args for received in again.waiting() if received.name == name]
        assert error == ({**shown, "retryAfter": 2},)
        await trio.sleep(2)
        later = await again.call(event, payload)
        assert not isinstance(later, dict) or "retryAfter" not in later


@pytest.mark.parametrize("case", CASES)
async def test_others_with_the_same_id_in_another_role_have_rates_of_their_own(
    autojump_clock: MockClock, case: str
) -> None:
    _, _, event, payload = CASES[case]
    other = {"marketplace": "VENDOR", "services": "provider", "pets": "seller", "support": "admin", "root": "admin"}
    async with open_systems(*MAKERS.values(), config=Config(user_events_per_second=1, burst_seconds=2)) as running:
        first, second = await enter(running, case, "1"), await enter(running, case, 1, other[case])
        for client in (first, second):
            for _ in range(2):
                answer = await client.call(event, payload)
                assert not isinstance(answer, dict) or "retryAfter" not in answer


async def test_a_user_who_comes_too_often_is_told_so_in_each_way_of_coming_in(autojump_clock: MockClock) -> None:
    async with open_systems(*MAKERS.values(), config=Config(user_joins_per_second=1, burst_seconds=2)) as running:
        for _ in range(2):
            await running.memory.connect("/", auth={"token": token_for(1, "user")})
        with pytest.raises(ConnectionRefused, match="Too many joins, try again later") as caught:
            await running.memory.connect("/", auth={"token": token_for(1, "user")})
        assert caught.value.data == {"retryAfter": 2}
        for namespace, role, name in (("/presence", "CUSTOMER", "appError"), ("/support", "admin", "exception")):
            for _ in range(2):
                await running.memory.connect(namespace, auth={"token": token_for(2, role)})
            client = await running.memory.connect(namespace, auth={"token": token_for(2, role)})
            assert await client.wait_disconnected(1) == "io server disconnect"
            (error,) = [received.args[0] for received in client.waiting() if received.name == name]
            assert at(error, "retryAfter") == 2


@pytest.mark.parametrize("namespace", ["/", "/presence", "/support"])
async def test_bad_tokens_are_refused_logins_and_good_ones_still_come_in(
    autojump_clock: MockClock, namespace: str
) -> None:
    config = Config(address_refused_logins_per_second=1, burst_seconds=3)
    async with open_systems(*MAKERS.values(), config=config) as running:

        async def is_closed() -> bool:
            connection = await running.memory.open_connection()
            with suppress(ConnectionRefused):
                await connection.join(namespace, {"token": "bad"})
            await settle()
            return connection.engine.inbox.closed is not None

        assert [await is_closed() for _ in range(5)] == [False] * 3 + [True] * 2
        client = await running.memory.connect(namespace, auth={"token": token_for(1, "CUSTOMER")})
        await settle()
        assert client.connection.engine.inbox.closed is None
