"""trio-websocket used plainly: a task for each connection, a message at a time, an `await` for each recipient.

It speaks as much of Engine.IO and Socket.IO as the generator needs, so that the same clients measure it.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Final

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, WebSocketRequest, serve_websocket

from bench.peers.programs.collector import PAUSES

OPEN: Final = '0{"sid":"plain","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'

connections: dict[WebSocketConnection, None] = {}
rooms: defaultdict[str, dict[WebSocketConnection, None]] = defaultdict(dict)
questions: dict[tuple[WebSocketConnection, int], int] = {}  # (who was asked, our ack id) -> the ack id of the request


def split(packet: str) -> tuple[int | None, str]:
    """Split what follows the packet type into an ack id and the array."""
    start = packet.index("[")
    return (int(packet[:start]) if start else None), packet[start:]


async def send(connection: WebSocketConnection, packet: str, attachment: bytes | None) -> None:
    try:
        await connection.send_message(packet)
        if attachment is not None:
            await connection.send_message(attachment)
    except ConnectionClosed:
        return  # noqa: ASYNC910 - whoever awaits us goes on to the next


async def publish(  # noqa: ASYNC910 - without targets it has nothing to wait for
    targets: list[WebSocketConnection], data: object, attachment: bytes | None
) -> None:
    packet = ("42" if attachment is None else "451-") + json.dumps(["msg", data], separators=(",", ":"))
    for connection in targets:
        await send(connection, packet, attachment)


async def handle_event(connection: WebSocketConnection, text: str, attachment: bytes | None = None) -> None:
    ack, array = split(text)
    name, *args = json.loads(array)
    match name:
        case "pub" | "bin":
            await publish(list(connections), args[0], attachment)
        case "say":
            await publish(list(rooms[args[0]]), args[1], attachment)
        case "ask":
            assert ack is not None
            questions[connection, ack] = ack
            await send(connection, f"42{ack}" + json.dumps(["q", *args]), None)
        case _:
            await send(connection, f"43{ack}" + json.dumps(answer(connection, name, args)), None)


def answer(connection: WebSocketConnection, name: str, args: list[object]) -> list[object]:
    """Do what can be done without waiting and return what to acknowledge."""
    match name, args:
        case "echo", [data]:
            return [data]
        case "gc", [str(what)]:
            return [PAUSES.answer(what)]
        case "join", [list(names)]:
            for room in names:
                rooms[room][connection] = None
        case "leave", [list(names)]:
            for room in names:
                rooms[room].pop(connection, None)
    return []


async def handle_ack(connection: WebSocketConnection, text: str) -> None:
    ack, array = split(text)
    assert ack is not None
    await send(connection, f"43{questions.pop((connection, ack))}{array}", None)


Handler = Callable[[WebSocketConnection, str], Awaitable[None]]


async def handle(connection: WebSocketConnection, packet: str) -> None:  # noqa: ASYNC910 - its caller waits anyway
    if packet.startswith("42"):
        await handle_event(connection, packet[2:])
    elif packet.startswith("43"):
        await handle_ack(connection, packet[2:])
    elif packet.startswith("45"):
        attachment = await connection.get_message()
        assert isinstance(attachment, bytes)
        await handle_event(connection, packet[packet.index("-") + 1 :], attachment)
    elif packet == "40":
        connections[connection] = None
        await connection.send_message('40{"sid":"plain"}')


async def serve_connection(request: WebSocketRequest) -> None:
    connection = await request.accept()
    try:
        await connection.send_message(OPEN)
        while True:
            message = await connection.get_message()
            assert isinstance(message, str)
            await handle(connection, message)
    except ConnectionClosed:
        pass
    finally:
        connections.pop(connection, None)
        for members in rooms.values():
            members.pop(connection, None)


async def main() -> None:
    """Serve on a free port and print which."""
    async with trio.open_nursery() as nursery:
        server = await nursery.start(serve_websocket, serve_connection, "127.0.0.1", 0, None)
        sys.stdout.write(json.dumps({"port": server.port}) + "\n")
        sys.stdout.flush()


trio.run(main)
