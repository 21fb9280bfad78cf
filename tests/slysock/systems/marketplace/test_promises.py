"""What holds whatever happens: acknowledged first, one order, once, and clear words while the store is unavailable."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trio

from slysock.testing import Received
from slysock_protocol.engineio import Outgoing
from slysock_store import open_store
from tests.slysock.systems.market import (
    Market,
    Visitor,
    at,
    failure,
    open_market,
    serve_market,
    settle,
    store_now,
    token_for,
)

OUT_OF_ORDER = failure(503, "The chat is temporarily unavailable, try again later")


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ('["sendMessage",{"productId":1,"recipientId":5,"text":"x"}]', "receiveMessage"),
        ('["getUserChats"]', "userChats"),
    ],
)
async def test_the_acknowledgement_comes_before_the_event(market: Market, event: str, told: str) -> None:
    token = token_for(1, "CUSTOMER")
    await market.memory.connect("/presence", auth={"token": token})
    engine = await market.memory.open_engine()
    await engine.send(Outgoing(f'40/chat,{{"token":"{token}"}}'.encode()))
    for _ in range(3):  # in, userChats, offlineMessages
        await engine.inbox.get()
    await engine.send(Outgoing(f"42/chat,7{event}".encode()))
    acknowledgement, following = (await engine.inbox.get()).data, (await engine.inbox.get()).data
    assert acknowledgement.startswith(b"3/chat,7[")
    assert following.startswith(f'2/chat,["{told}",'.encode())


@pytest.mark.port  # a real file, whose writer is a thread: the one thing that lets commits overtake each other
async def test_one_order_for_everybody_with_many_senders_at_once(tmp_path: Path) -> None:
    async with open_market(f"sqlite:///{tmp_path}/chat.db") as market:
        vendor = await market.vendor()
        customers = [await market.customer() for _ in range(5)]  # five sockets of one customer
        await customers[0].send(vendor, "first")
        async with trio.open_nursery() as nursery:
            for position, customer in enumerate(customers):
                nursery.start_soon(send_many, customer, position)
            nursery.start_soon(answer_many, vendor)
        with trio.fail_after(10):
            live = [await texts_heard(visitor, 60) for visitor in (vendor, *customers)]
        history = await customers[0].history(5, limit=100)
        assert len(history) == 61
        assert all(heard == history[1:] for heard in live)


async def send_many(customer: Visitor, position: int) -> None:
    for number in range(10):
        await customer.send(5, f"{position}.{number}")


async def answer_many(vendor: Visitor) -> None:
    for number in range(10):
        await vendor.send(1, f"v.{number}")


async def texts_heard(visitor: Visitor, count: int) -> list[object]:
    """Take so many messages behind the first."""
    texts: list[object] = []
    while len(texts) < count:
        event = await visitor.chat.next()
        if event.name == "receiveMessage" and at(event.args[0], "data", 0, "text") != "first":
            texts.append(at(event.args[0], "data", 0, "text"))
    return texts


@pytest.mark.port
async def test_one_who_comes_while_a_message_is_stored_gets_it_exactly_once(tmp_path: Path) -> None:
    async with open_market(f"sqlite:///{tmp_path}/chat.db") as market:
        customer = await market.customer()
        token = token_for(5, "VENDOR")
        presence = await market.memory.connect("/presence", auth={"token": token})
        await presence.call("refreshToken", {"token": token})
        for attempt in range(20):
            connection = await market.memory.open_connection()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(customer.send, 5, f"attempt {attempt}")
                chat = await connection.join("/chat", {"token": token})
            # Whatever was to be told has been told when this is answered: the sender has its acknowledgement.
            await chat.call("getUserChats")
            heard = [text for event in chat.waiting() for text in texts_of(event)]
            assert heard == [f"attempt {attempt}"]
            await chat.disconnect()
            rejoined = await connection.join("/presence", {"token": token})
            await rejoined.call("refreshToken", {"token": token})


def texts_of(event: Received) -> list[object]:
    """The texts of the messages that an event brings."""
    match event.name:
        case "receiveMessage":
            messages = at(event.args[0], "data")
        case "newChat":
            messages = at(event.args[0], "message", "messages")
        case "offlineMessages":
            messages = at(event.args[0], "data", "items")
        case _:
            return []
    assert isinstance(messages, list)
    return [at(message, "text") for message in messages]


@pytest.mark.port
async def test_a_message_of_one_who_leaves_in_the_middle_is_stored_and_told_or_neither(tmp_path: Path) -> None:
    async with open_market(f"sqlite:///{tmp_path}/chat.db") as market:
        vendor, customer = await market.vendor(), await market.customer()
        await customer.send(vendor, "first")
        for attempt in range(40):
            connection = await market.memory.open_connection()
            leaving = await connection.join("/chat", {"token": customer.token})
            while (await leaving.next()).name != "offlineMessages":
                pass  # among what comes first may be what was sent by the one before, which is still being handled
            payload = {"productId": 12345, "recipientId": 5, "text": f"attempt {attempt}"}
            await leaving.emit("sendMessage", payload)
            for _ in range(3 * attempt):
                await trio.lowlevel.checkpoint()
            await leaving.disconnect()
            presence = await connection.join("/presence", {"token": customer.token})
            await presence.call("refreshToken", {"token": customer.token})  # answered when the leaving is done with
        await vendor.send(1, "last")
        heard: list[object] = []
        while "last" not in heard:
            heard += texts_of(await vendor.chat.next())
        assert heard == await vendor.history(1, limit=100)
        assert len(heard) > 2


async def test_a_store_out_of_order_is_503_and_nobody_is_told_anything() -> None:
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store("sqlite://", clock=store_now))
        async with serve_market(store) as memory:
            market = Market(memory, store)
            vendor, customer = await market.vendor(), await market.customer()
            await stack.aclose()
            events = {
                "sendMessage": {"text": "x"},
                "joinChat": {},
                "markAsRead": {},
                "typing": {},
                "deleteMessage": {"messageId": "1"},
            }
            for event, fields in events.items():
                payload = {"productId": 1, "recipientId": 5, **fields}
                assert await customer.chat.call(event, payload) == OUT_OF_ORDER
                assert await customer.chat.expect("appError") == (OUT_OF_ORDER,)
            late = await memory.connect("/presence", auth={"token": token_for(2, "CUSTOMER")})
            assert await late.expect("appError") == (OUT_OF_ORDER,)
            await late.wait_disconnected(5)
            await market.leave(customer)
            await settle()
            assert vendor.chat.waiting() == []
