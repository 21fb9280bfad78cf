"""Who comes in, as whom, for how long; and what a token has to do with the ids in payloads."""

import logging
from collections.abc import Callable, Mapping

import pytest
import trio
from trio.testing import MockClock

from slysock import ConnectionRefused
from slysock.identity import make_token
from slysock.systems.services.payloads import ChatRecord, UserRecord
from slysock_store import UserKey
from tests.slysock.systems.market import SECRET, at, nothing_for, now, settle, token_for
from tests.slysock.systems.services.events import payloads
from tests.slysock.systems.services.office import (
    ANNA,
    BEN,
    CHAT,
    EVE,
    ROOT,
    SERVICES,
    TICKET,
    Office,
    heard,
    open_office,
    refused,
    success,
    text,
)


@pytest.mark.parametrize(
    "auth",
    [
        None,
        {},
        {"token": ""},
        {"token": None},
        {"token": "x.y.z"},
        {"token": {"$gt": ""}},
        {"token": token_for.__name__},
        {"user": ANNA},
    ],
)
@pytest.mark.parametrize("trusting", [False, True])
async def test_a_client_without_a_good_token_gets_the_error_that_clients_compare(
    auth: Mapping[str, object] | None, trusting: bool
) -> None:
    carries_none = auth is None or not auth.get("token")
    async with open_office(trust_user_join=trusting) as office:
        if trusting and carries_none:
            await office.running.memory.connect(auth=auth)  # is nobody yet; see below
            return
        with pytest.raises(ConnectionRefused, match=r"^Authentication error$"):
            await office.running.memory.connect(auth=auth)


async def test_an_expired_or_foreign_token_is_refused(office: Office) -> None:
    for token in (token_for(ANNA, "client", expires_in=-1), token_for(ANNA, "client")[:-3] + "abc"):
        with pytest.raises(ConnectionRefused, match=r"^Authentication error$"):
            await office.running.memory.connect(auth={"token": token})


@pytest.mark.parametrize(
    "how",
    [
        lambda token: {"auth": {"token": token}},
        lambda token: {"auth": {"token": f"Bearer {token}"}},
        lambda token: {"headers": [("authorization", f"Bearer {token}")]},
        lambda token: {"query": {"token": token}},
        lambda token: {"headers": [("cookie", f"a=b; token={token}")]},
    ],
)
async def test_a_token_may_come_in_every_place(office: Office, how: object) -> None:
    assert callable(how)
    client = await office.running.memory.connect(**how(token_for(ANNA, "client")))
    assert success(await client.call("join-chat", CHAT))


@pytest.mark.parametrize("claim", ["userId", "id", "_id", "sub"])
@pytest.mark.parametrize("role_claim", ["role", "userRole", "userType", "type"])
async def test_claims_under_every_name(office: Office, claim: str, role_claim: str) -> None:
    token = make_token(SECRET, {claim: ROOT, role_claim: "Admin"}, now=now(), expires_in_seconds=60)
    client = await office.running.memory.connect(auth={"token": token})
    assert success(await client.call("user-join", ROOT))
    assert success(await client.call("join-support-dashboard"))


NAMING: Mapping[str, Callable[[str], object]] = {
    "user-join": lambda user: user,
    "join-notifications": lambda user: user,
    "mark-all-notifications-read": lambda user: user,
    "get-unread-count": lambda user: user,
    "set-online-status": lambda user: {"userId": user, "isOnline": False},
    "typing-start": lambda user: {"roomId": CHAT, "userId": user},
    "typing-stop": lambda user: {"roomId": CHAT, "userId": user},
}
"""Every event that names a user who acts, and its payload for one."""


@pytest.mark.parametrize("event", sorted(NAMING))
async def test_an_id_in_a_payload_is_the_tokens_or_an_admins(office: Office, event: str) -> None:
    anna, eve, root = await office.visit(ANNA), await office.visit(EVE), await office.visit(ROOT)
    name: Callable[[str], object] = NAMING[event]
    payload = name(ANNA)
    assert await refused(eve, event, payload) == (403, "The user id is not yours")
    await nothing_for(anna, root)
    assert success(await root.call(event, payload))
    assert success(await anna.call(event, payload))


async def test_numeric_ids_are_the_same_as_text(office: Office) -> None:
    await office.services.managing.put_chat("c", ChatRecord(client_id=7, provider_id="8"))
    client = await office.connect(7, "client")
    for user_id in (7, "7"):
        assert at(await client.call("user-join", user_id), "status", "userId") == "7"
    assert success(await client.call("join-chat", "c"))
    assert (await office.services.managing.presence("7")).is_online


async def test_an_id_that_nobody_can_have_is_nobody(office: Office) -> None:
    client = await office.connect("x" * 129, "client")
    assert (await refused(client, "join-chat", CHAT))[0] == 401


async def test_a_socket_that_outlives_its_token_is_told_and_disconnected(
    office: Office, autojump_clock: MockClock
) -> None:
    ben = await office.visit(BEN)
    client = await office.connect(ANNA, expires_in=60)
    await client.call("user-join", ANNA)
    await heard(client)
    await heard(ben)
    await trio.sleep(61)
    error = {"message": "Authentication token has expired", "event": "connect", "code": 401}
    assert await client.expect("error") == (error,)
    assert await client.wait_disconnected(timeout=1) == "io server disconnect"
    assert at((await ben.expect("user-status-changed"))[0], "isOnline") is False


async def test_a_fresh_token_prolongs_the_stay_and_refreshes_the_user(
    office: Office, autojump_clock: MockClock
) -> None:
    client = await office.connect(ANNA, expires_in=60, name="Old Name")
    assert at(await client.call("send-message", text()), "message", "sender", "fullName") == "Old Name"
    fresh = token_for(ANNA, "client", name="New Name")
    assert success(await client.call("refreshToken", {"token": fresh}))
    await trio.sleep(120)
    assert at(await client.call("send-message", text()), "message", "sender", "fullName") == "New Name"
    assert at(await client.call("refreshToken", {"token": token_for(EVE, "client")}), "success") is False
    assert at(await client.call("refreshToken", {"token": token_for(ANNA, "admin")}), "success") is False


async def test_a_token_without_role_leaves_the_role_that_the_back_end_told(office: Office) -> None:
    await office.services.managing.put_user(
        ANNA, UserRecord(role="CLIENT", full_name="Anna", profile_photo="/anna.jpg")
    )
    client = await office.connect(ANNA, "")
    sender = at(await client.call("send-message", text()), "message", "sender")
    assert sender == {"_id": ANNA, "fullName": "Anna", "profilePhoto": {"url": "/anna.jpg"}, "role": "client"}


async def test_a_client_of_another_system_leaves_no_user_here(office: Office) -> None:
    client = await office.connect("somebody of pets", "buyer")
    await client.emit("online")
    await settle()
    await client.disconnect()
    await settle()
    assert await office.running.store.get_user(SERVICES, UserKey("somebody of pets")) is None


# Trust for closed networks


async def test_trust_is_off_by_default_and_warned_of_when_on(caplog: pytest.LogCaptureFixture) -> None:
    async with open_office():
        assert caplog.records == []
    async with open_office(trust_user_join=True):
        assert [record.levelno for record in caplog.records] == [logging.WARNING]


async def test_a_trusted_client_is_whom_it_says_and_stays_that() -> None:
    async with open_office(trust_user_join=True) as office:
        ben = await office.chatting(BEN)
        anna = await office.running.memory.connect()
        assert (await refused(anna, "join-chat", CHAT)) == (401, "Send user-join first")
        assert success(await anna.call("user-join", ANNA))
        assert success(await anna.call("join-chat", CHAT))
        await heard(ben)
        assert success(await anna.call("send-message", text()))
        assert "new-message" in [event.name for event in await heard(ben)]
        await heard(anna)
        assert await refused(anna, "user-join", EVE) == (403, "The user id is not yours")


async def test_nobody_becomes_an_admin_by_being_trusted() -> None:
    async with open_office(trust_user_join=True) as office:
        await office.services.managing.put_user(ROOT, UserRecord(role="admin"))
        client = await office.running.memory.connect()
        await client.call("user-join", ROOT)
        await heard(client)
        assert await refused(client, "join-support-dashboard") == (403, "Only admins may do this")
        assert await refused(client, "join-support-ticket", {"ticketId": TICKET}) == (404, "Ticket not found")


async def test_trust_does_not_reach_one_who_carries_a_token() -> None:
    async with open_office(trust_user_join=True) as office:
        eve = await office.connect(EVE)
        assert await refused(eve, "user-join", ANNA) == (403, "The user id is not yours")


@pytest.mark.parametrize("event", sorted(payloads().keys() - {"user-join"}))
async def test_every_event_of_one_who_has_said_nothing_is_refused(event: str) -> None:
    async with open_office(trust_user_join=True) as office:
        nobody = await office.running.memory.connect()
        assert (await refused(nobody, event, payloads()[event]))[0] == 401
