"""What users write, for the type checkers: mypy --strict and pyright strict must have nothing to say about it."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Literal

import msgspec
import trio

from slysock import (
    NO_ACK,
    AckTimeout,
    Broadcast,
    Config,
    ConnectionRefused,
    DisconnectReason,
    Handshake,
    Listening,
    Namespace,
    NoAck,
    Refusal,
    Router,
    Server,
    Socket,
    run,
)
from slysock.testing import serve_memory


class Message(msgspec.Struct):
    """A payload that is checked before the handler sees it."""

    text: Annotated[str, msgspec.Meta(max_length=1000)]
    kind: Literal["text", "image"] = "text"


root = Router("/")
rooms = Router(re.compile(r"/room-\d+"))
more = Router("/")
root.include(more)


@root.use
async def gate(socket: Socket) -> None:
    """Keep out who has no token."""
    if socket.handshake.auth.get("token") != "good":
        raise ConnectionRefused("no entry", data={"code": 1})


@root.use
def plain_gate(socket: Socket) -> None:
    """Note something of a client."""
    handshake: Handshake = socket.handshake
    socket.data["agent"] = handshake.headers.get("user-agent", handshake.query.get("agent", handshake.address))


@root.on_connect
def connected(socket: Socket) -> None:
    """Greet."""
    socket.emit("hello", socket.handshake.auth)


@root.on("echo")
async def echo(socket: Socket, *args: object) -> tuple[object, ...]:
    """Acknowledge with the same values."""
    return args


@root.on("message")
async def message(socket: Socket, sent: Message, urgent: bool = False) -> str:
    """Tell the others."""
    socket.broadcast.emit("message", sent, urgent)
    socket.to("a", "b").emit("message", sent)
    socket.after_ack(socket.namespace.emit, "stored", sent.text)
    return "ok"


@root.on("busy", concurrency=4)
async def busy(socket: Socket, seconds: float) -> None:
    """Run up to four at a time."""
    await trio.sleep(seconds)


@root.on("silent")
def silent(socket: Socket) -> object:
    """Acknowledge nothing."""
    return NO_ACK


@root.on("sometimes")
def sometimes(socket: Socket, wanted: bool) -> str | NoAck:
    """Acknowledge what is wanted."""
    return "yes" if wanted else NO_ACK


@root.on("rooms")
def change_rooms(socket: Socket, name: str) -> list[str]:
    """Move, and list where the client is."""
    socket.join(name, "lobby")
    socket.leave("lobby")
    if socket.namespace.name != "/":
        raise Refusal("not here")
    return sorted(socket.rooms)


@root.on("ask")
async def ask(socket: Socket) -> object:
    """Ask the client, and then a room."""
    try:
        one: object = await socket.call("question", 1, timeout=5)
        everybody: list[object] = await socket.namespace.to("room").call("question", timeout=5)
    except AckTimeout as late:
        return late.answers
    return [one, *everybody]


@root.on_disconnect
def gone(socket: Socket, reason: DisconnectReason) -> None:
    """Tell the rooms that the client was in."""
    socket.namespace.to(*socket.rooms).except_("quiet").volatile.emit("left", socket.id, reason)


@rooms.on_disconnect
async def gone_later(socket: Socket, reason: DisconnectReason) -> None:
    """Wait in a disconnect hook."""
    await trio.lowlevel.checkpoint()


@root.on_any
def every(socket: Socket, event: str, args: tuple[object, ...]) -> None:
    """See every event."""


@root.on_any_outgoing
def every_outgoing(socket: Socket, event: str, args: tuple[object, ...]) -> None:
    """See every event to a client."""


@root.on_error
def failed(socket: Socket, event: str, error: Exception) -> dict[str, str]:
    """Answer for what went wrong."""
    return {"error": type(error).__name__}


@more.on("leave")
def leave(socket: Socket) -> None:
    """Disconnect."""
    socket.disconnect(close=True)


@asynccontextmanager
async def lifespan(server: Server) -> AsyncGenerator[None]:
    """Open and close what the application needs."""
    server.of("/").emit("open")
    yield


async def serve() -> None:
    """Serve inside an application of one's own."""
    server = Server(root, rooms, config=Config(ping_interval_seconds=10), lifespan=lifespan)
    async with trio.open_nursery() as nursery:
        listening: Listening = await nursery.start(server.serve, "127.0.0.1", 0)
        namespace: Namespace = server.of("/")
        audience: Broadcast = namespace.to("a").except_("b")
        audience.emit("listening", listening.url, b"binary")
        server.stop()


async def test_with_clients_in_memory() -> None:
    """Test a handler."""
    async with serve_memory(Server(root)) as memory:
        client = await memory.connect("/", auth={"token": "good"})
        answer: object = await client.call("echo", 1)
        assert answer == 1


if __name__ == "__main__":
    run(root, rooms, host="127.0.0.1", port=3000)
