"""Delivered means received: what a recipient does not get is handed out until they do, and to no socket twice."""

import sqlite3
from pathlib import Path

import pytest
import trio

from slysock.systems.marketplace import NAME
from slysock.testing import Received
from tests.slysock.systems.market import Market, Visitor, at, open_market, settle, token_for


def texts(events: list[Received]) -> list[object]:
    """The texts of the messages that some events bring, in the order of the events."""
    found: list[object] = []
    for event in events:
        match event.name:
            case "receiveMessage":
                items = at(event.args[0], "data")
            case "newChat":
                items = at(event.args[0], "message", "messages")
            case "offlineMessages":
                items = at(event.args[0], "data", "items")
            case _:
                items = []
        assert isinstance(items, list)
        found += [at(item, "text") for item in items]
    return found


def missed(visitor: Visitor) -> list[object]:
    items = at(visitor.missed_on_connect, "data", "items")
    assert isinstance(items, list)
    return [at(item, "text") for item in items]


async def test_a_vendor_whose_network_dies_silently_finds_every_message_after_reconnecting(market: Market) -> None:
    vendor, customer = await market.vendor(), await market.customer()
    await customer.send(vendor, "received")
    await vendor.drain()
    vendor.connection.engine.pace.vanish()
    for number in range(25):  # more than one page
        await customer.send(vendor, f"lost {number}")
    again = await market.vendor()
    await settle()
    found = [*missed(again), *texts(again.chat.waiting())]
    assert sorted(map(str, found)) == sorted(f"lost {number}" for number in range(25))
    assert missed(await market.vendor()) == [], "now they have been received"


async def test_what_is_not_received_is_handed_out_again_and_again(market: Market) -> None:
    customer = await market.customer()
    await customer.send(5, "hello")
    for _ in range(3):
        token = token_for(5, "VENDOR")
        connection = await market.memory.open_connection()
        connection.engine.pace.silent = True  # it reads, but answers no ping
        await connection.join("/presence", {"token": token})
        chat = await connection.join("/chat", {"token": token})
        await settle()
        assert texts(chat.waiting()) == ["hello"]
        await connection.engine.drop()
        await settle()
    assert missed(await market.vendor()) == ["hello"]
    assert missed(await market.vendor()) == []


async def test_it_is_delivered_when_any_socket_of_the_recipient_has_it(market: Market) -> None:
    dead, alive, customer = await market.vendor(), await market.vendor(), await market.customer()
    dead.connection.engine.pace.vanish()
    await customer.send(5, "hello")
    assert texts(await alive.drain()) == ["hello"]
    assert missed(await market.vendor()) == []


async def test_within_one_connection_nothing_comes_twice(market: Market) -> None:
    """Neither live and with the offline messages, nor by a retry."""
    vendor, customer = await market.vendor(), await market.customer()
    vendor.connection.engine.pace.silent = True
    await customer.send(vendor, "hello", clientMessageId="c")
    assert texts(await vendor.drain()) == ["hello"]
    await customer.send(vendor, "hello", clientMessageId="c")
    assert texts(await vendor.drain()) == [], "it may be on its way"
    other = await market.vendor()  # gets it, as the first may not have it
    assert missed(other) == ["hello"]
    await customer.send(vendor, "hello", clientMessageId="c")
    assert texts([*await vendor.drain(), *await other.drain()]) == []


async def test_a_retry_is_told_to_one_who_is_here_and_was_sent_nothing(market: Market) -> None:
    vendor, customer = await market.vendor(), await market.customer()
    await customer.send(vendor, "first", clientMessageId="1")
    await vendor.drain()
    vendor.connection.engine.pace.vanish()
    await customer.send(vendor, "second", clientMessageId="2")
    await trio.sleep(50)  # until that socket is given up
    again = await market.vendor()
    assert missed(again) == ["second"]
    again.connection.engine.pace.silent = True
    await customer.drain()
    for key, text in (("1", "first"), ("2", "second")):
        answer = await customer.send(vendor, text, clientMessageId=key)
        assert at(answer, "data", 0, "text") == text
    assert texts(await again.drain()) == []
    assert texts(await customer.drain()) == []


async def test_a_notification_is_handed_out_until_it_is_received(market: Market) -> None:
    back_end = [("authorization", f"Bearer {token_for('svc', 'service')}"), ("content-type", "application/json")]
    token = token_for(5, "VENDOR")
    gone = await market.memory.connect("/notification", auth={"token": token})
    await gone.expect("offlineNotifications")
    gone.connection.engine.pace.vanish()
    body = b'{"userId":5,"userType":"VENDOR","type":"x","content":{"n":1}}'
    answer = await market.memory.request("POST", "/manage/marketplace/notifications", headers=back_end, body=body)
    assert answer.status in (200, 201)
    for count in (1, 0):
        client = await market.memory.connect("/notification", auth={"token": token})
        (page,) = await client.expect("offlineNotifications")
        items = at(page, "data", "items")
        assert isinstance(items, list)
        assert len(items) == count
        await settle()


@pytest.mark.port  # a real file, whose writer is a thread and can be held up
async def test_a_message_is_told_although_its_sender_is_sent_away_while_it_is_stored(tmp_path: Path) -> None:
    """His handler is cancelled then: after the commit, which has begun, and before the announcement."""
    async with open_market(f"sqlite:///{tmp_path}/chat.db") as market:
        vendor, customer = await market.vendor(), await market.customer()
        await customer.send(vendor, "first")
        await vendor.chat.expect("newChat")
        (chat,) = (await market.store.list_chats(NAME)).items
        with trio.fail_after(10):  # that the first was received is not to stand before the second in the writer's queue
            while not (await market.store.latest_messages(NAME, [chat.id]))[chat.id][0].delivered_to:  # noqa: ASYNC110
                await trio.sleep(0.01)
        lock = sqlite3.connect(tmp_path / "chat.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        await customer.chat.emit("sendMessage", {"productId": 12345, "recipientId": 5, "text": "second"})
        with trio.fail_after(10):  # until it is with the writer, which the lock makes wait; threads read before that
            while not market.store._engine._writer._undone:  # noqa: ASYNC110 - no event tells of it
                await trio.sleep(0.01)
        for socket in market.memory.server.of("/chat").sockets():
            if socket.id == customer.chat.id:
                socket.disconnect()
        await settle()
        lock.execute("ROLLBACK")
        lock.close()
        with trio.fail_after(10):
            assert texts([await vendor.chat.next()]) == ["second"]
