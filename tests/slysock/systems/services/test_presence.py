"""Who is online, by sockets and by what users say; and who is told."""

import re
import sqlite3
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from slysock.systems.domain import ConnectionKey, Presence
from slysock.systems.services.statuses import Statuses
from slysock_store import UserKey
from tests.slysock.systems.market import at, nothing_for, settle
from tests.slysock.systems.services.office import ANNA, BEN, EVE, ROOT, Office, heard, names_heard, open_office, refused

WIRE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


async def test_joining_is_told_to_everybody_who_has_joined(office: Office) -> None:
    eve = await office.come(EVE)
    silent = await office.connect(BEN)
    anna = await office.connect(ANNA)
    answer = await anna.call("user-join", ANNA)
    (status,) = await eve.expect("user-status-changed")
    assert await anna.expect("user-status-changed") == (status,)
    assert answer == {"success": True, "status": status}
    assert set(status) == {"userId", "isOnline", "lastActive"}  # type: ignore[call-overload]  # a JSON object
    assert (at(status, "userId"), at(status, "isOnline")) == (ANNA, True)
    assert WIRE_TIME.fullmatch(str(at(status, "lastActive")))
    await nothing_for(eve, silent, anna)


async def test_offline_comes_with_the_last_of_several_sockets(office: Office) -> None:
    eve = await office.come(EVE)
    first, second = await office.come(ANNA), await office.connect(ANNA)
    await heard(eve)
    await second.call("user-join", ANNA)
    assert await names_heard(second) == ["user-status-changed"]  # as the document has it, but nobody else is told
    await second.call("user-join", ANNA)  # twice counts once
    await first.disconnect()
    await nothing_for(eve)
    assert (await office.services.managing.presence(ANNA)).sockets == 1
    await second.disconnect()
    (status,) = await eve.expect("user-status-changed")
    assert (at(status, "userId"), at(status, "isOnline")) == (ANNA, False)
    assert WIRE_TIME.fullmatch(str(at(status, "lastActive")))


async def test_a_dropped_connection_is_a_disconnect_too(office: Office) -> None:
    eve, anna = await office.come(EVE), await office.come(ANNA)
    await heard(eve)
    await anna.connection.engine.drop()
    assert at((await eve.expect("user-status-changed"))[0], "isOnline") is False


async def test_status_of_others_can_be_asked_for(office: Office, autojump_clock: MockClock) -> None:
    eve = await office.come(EVE)
    nobody = {"userId": ANNA, "isOnline": False, "lastActive": None}
    assert at(await eve.call("get-online-status", ANNA), "status") == nobody
    assert await eve.expect("online-status") == (nobody,)
    anna = await office.come(ANNA)
    await heard(eve)
    online = at(await eve.call("get-online-status", ANNA), "status")
    assert at(online, "isOnline") is True
    await trio.sleep(60)
    await anna.disconnect()
    await heard(eve)
    offline = at(await eve.call("get-online-status", ANNA), "status")
    assert at(offline, "isOnline") is False
    assert str(at(offline, "lastActive")) > str(at(online, "lastActive"))


async def test_one_may_be_seen_as_offline_while_connected(office: Office) -> None:
    eve, anna = await office.come(EVE), await office.come(ANNA)
    await heard(eve)
    for is_online in (False, True, False):
        await anna.emit("set-online-status", {"userId": ANNA, "isOnline": is_online})
        for client in (eve, anna):
            (status,) = await client.expect("user-status-changed")
            assert (at(status, "userId"), at(status, "isOnline")) == (ANNA, is_online)
    assert at(await eve.call("get-online-status", ANNA), "status", "isOnline") is False
    await heard(eve)
    await anna.disconnect()
    await nothing_for(eve)  # it was told before
    await office.come(ANNA)
    assert at((await eve.expect("user-status-changed"))[0], "isOnline") is True


async def test_saying_so_again_is_told_to_nobody_else(office: Office) -> None:
    eve, anna = await office.come(EVE), await office.come(ANNA)
    await heard(eve)
    await anna.call("set-online-status", {"userId": ANNA, "isOnline": True})
    assert await names_heard(anna) == ["user-status-changed"]
    await nothing_for(eve)


async def test_setting_oneself_online_counts_the_socket(office: Office) -> None:
    anna = await office.connect(ANNA)
    await anna.call("set-online-status", {"userId": ANNA, "isOnline": True})
    assert (await office.services.managing.presence(ANNA)).is_online
    await anna.disconnect()
    await heard(await office.come(EVE))
    assert not (await office.services.managing.presence(ANNA)).is_online


async def test_one_without_a_socket_cannot_be_set_online(office: Office) -> None:
    anna, root = await office.connect(ANNA), await office.come(ROOT)
    status = {"userId": ANNA, "isOnline": False}
    assert await refused(anna, "set-online-status", status) == (409, "This user is not connected")
    assert (await refused(root, "set-online-status", {**status, "isOnline": True}))[0] == 409


async def test_an_admin_may_set_another_and_join_for_another_without_being_them(office: Office) -> None:
    root, eve = await office.come(ROOT), await office.come(EVE)
    await root.call("user-join", ANNA)
    assert (await office.services.managing.presence(ANNA)).sockets == 0
    await nothing_for(eve)
    await heard(root)
    anna = await office.come(ANNA)
    await root.call("set-online-status", {"userId": ANNA, "isOnline": False})
    assert [at(event.args[0], "isOnline") for event in await heard(eve)] == [True, False]
    await root.disconnect()
    await settle()
    assert (await office.services.managing.presence(ANNA)).sockets == 1
    await anna.disconnect()


@pytest.mark.parametrize("payload", [{}, {"userId": ANNA}, {"userId": ANNA, "isOnline": "yes"}, ANNA])
async def test_a_status_that_is_none_is_refused(office: Office, payload: object) -> None:
    anna = await office.come(ANNA)
    assert (await refused(anna, "set-online-status", payload))[0] == 400


@pytest.mark.port  # a real file, whose lock holds back what the store is asked for
async def test_the_last_thing_told_of_one_who_leaves_and_comes_at_once_is_the_truth(tmp_path: Path) -> None:
    async with open_office(f"sqlite:///{tmp_path}/chat.db") as office:
        eve, before = await office.come(EVE), await office.come(ANNA)
        for _ in range(10):  # which of both is told first is left to chance
            again = await office.connect(ANNA)
            await again.call("get-online-status", ANNA)
            await heard(eve)
            lock = sqlite3.connect(tmp_path / "chat.db", isolation_level=None)
            lock.execute("BEGIN IMMEDIATE")
            await before.disconnect()
            await settle()
            await again.emit("user-join", ANNA)
            await settle()
            lock.execute("ROLLBACK")
            lock.close()
            await again.call("get-online-status", ANNA)
            told = [at(event.args[0], "isOnline") for event in await heard(eve)]
            assert told in ([True], [False, True])
            before = again


def test_one_without_sockets_is_not_remembered_as_hidden() -> None:
    presence = Presence()
    statuses = Statuses(presence)
    assert not statuses.show(UserKey(ANNA), is_online=False)
    assert not statuses.show(UserKey(ANNA), is_online=True)
    assert statuses.arrive(UserKey(ANNA), ConnectionKey("one"))
    assert statuses.is_online(UserKey(ANNA))
    assert statuses.leave(ConnectionKey("two")) is None
    assert statuses.leave(ConnectionKey("one")) == ANNA


async def test_presence_for_the_back_end(office: Office) -> None:
    nobody = await office.services.managing.presence(ANNA, "client")
    assert (nobody.user_id, nobody.is_online, nobody.sockets, nobody.last_active) == (ANNA, False, 0, None)
    await office.come(ANNA)
    await office.come(ANNA)
    somebody = await office.services.managing.presence(ANNA)
    assert (somebody.is_online, somebody.sockets) == (True, 2)
    assert WIRE_TIME.fullmatch(str(somebody.last_active))
