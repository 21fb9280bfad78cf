"""Stock clients among each other: rooms, broadcasts, acknowledgements of a room, the other parser, TLS, a stop."""

import datetime as dt
import ssl
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from slysock import AckTimeout, Config, Listening, Router, Server, Socket
from tests.clients import ConnectError, NodeClient, NodeClients, Payload
from tests.clients.test_clients import TRANSPORTS

pytestmark = [pytest.mark.port, pytest.mark.node]


def rooms() -> Router:
    root = Router("/")

    @root.on("join")
    def join(socket: Socket, *names: str) -> None:
        socket.join(*names)

    @root.on("leave")
    def leave(socket: Socket, name: str) -> None:
        socket.leave(name)

    @root.on("say")
    def say(socket: Socket, targets: list[str] | None, excluded: list[str], text: str, with_me: bool) -> None:
        if targets is None:
            audience = socket.namespace.except_() if with_me else socket.broadcast
        else:
            audience = socket.namespace.to(*targets) if with_me else socket.to(*targets)
        audience.except_(*excluded).emit("said", text, b"\x01")

    @root.on("gather")
    async def gather(socket: Socket, room: str) -> object:
        try:
            return sorted(str(answer) for answer in await socket.namespace.to(room).call("who", timeout=0.3))
        except AckTimeout as error:
            return {"only": error.answers}

    @root.on("echo")
    def echo(socket: Socket, *args: object) -> tuple[object, ...]:
        return args

    return root


async def start(
    nursery: trio.Nursery, config: Config | None = None, tls: ssl.SSLContext | None = None
) -> tuple[Server, str]:
    """Start a server; return it and its address."""
    server = Server(rooms(), config=config)
    listening: Listening = await nursery.start(partial(server.serve, "127.0.0.1", 0, tls=tls))
    return server, listening.url


async def heard(clients: Sequence[NodeClient]) -> list[list[object]]:
    """Say what each has been told so far: an echo comes behind everything that was sent before it."""
    for client in clients:
        await client.call("echo")
    return [[event.args[0] for event in client.events if event.name == "said"] for client in clients]


@TRANSPORTS
async def test_a_room_hears_what_is_said_to_it_once_and_nobody_else_does(
    nursery: trio.Nursery, node: NodeClients, transports: Sequence[str] | None
) -> None:
    _, url = await start(nursery)
    anna, ben, cleo, dan = [await node.connect(url, transports=transports) for _ in range(4)]
    await ben.call("join", "red", "blue")
    await cleo.call("join", "blue")
    await anna.call("say", ["red", "blue"], [], "to both", False)
    await ben.call("say", ["blue"], [], "not to myself", False)
    await ben.call("say", ["blue"], [], "to myself too", True)
    await anna.call("say", ["blue"], ["red"], "not to red", False)
    await anna.call("say", None, [], "to all others", False)
    await anna.call("say", [], [], "to nobody", False)
    await ben.call("leave", "blue")
    await anna.call("say", ["blue"], [], "after leaving", False)
    assert await heard([anna, ben, cleo, dan]) == [
        [],
        ["to both", "to myself too", "to all others"],
        ["to both", "not to myself", "to myself too", "not to red", "to all others", "after leaving"],
        ["to all others"],
    ]


@TRANSPORTS
async def test_the_answers_of_a_room_are_gathered(
    nursery: trio.Nursery, node: NodeClients, transports: Sequence[str] | None
) -> None:
    _, url = await start(nursery)
    anna, ben, cleo = [await node.connect(url, transports=transports) for _ in range(3)]
    for client in (ben, cleo):
        await client.call("join", "room")
    results: list[object] = []

    async def ask() -> None:
        results.append(await anna.call("gather", "room"))

    async with trio.open_nursery() as asking:
        asking.start_soon(ask)
        await (await ben.next("who")).ack("ben")
        await (await cleo.next("who")).ack("cleo")
    async with trio.open_nursery() as asking:
        asking.start_soon(ask)
        await (await ben.next("who")).ack("ben")
    assert results == [[["ben", "cleo"]], [{"only": ["ben"]}]]


@TRANSPORTS
async def test_the_messagepack_parser_on_both_sides(
    nursery: trio.Nursery, node: NodeClients, transports: Sequence[str] | None
) -> None:
    _, url = await start(nursery, Config(parser="msgpack"))
    client = await node.connect(url, transports=transports, auth={"a": 1}, options={"parser": "msgpack"})
    values: list[Payload] = [
        None,
        True,
        -1,
        2.5,
        "é\U0001f600",
        [],
        {"binary": [b"\x00" * 300, {"n": [1]}]},
        b"x" * 200_000,
    ]
    assert await client.call("echo", *values) == values
    with pytest.raises(ConnectError, match="Invalid namespace"):
        await client.join("/nowhere")


async def test_a_stop_tells_the_clients_so_that_they_come_back(nursery: trio.Nursery, node: NodeClients) -> None:
    server, url = await start(nursery)
    clients = [await node.connect(url, transports=[name]) for name in ("polling", "websocket")]
    server.stop()
    # Not "io server disconnect", after which a client would not try again.
    assert [await client.wait_disconnect() for client in clients] == ["transport close", "transport close"]


@TRANSPORTS
async def test_clients_connect_by_tls(
    nursery: trio.Nursery, node: NodeClients, transports: Sequence[str] | None, tmp_path: Path
) -> None:
    _, url = await start(nursery, tls=self_signed(tmp_path))
    client = await node.connect(url, transports=transports, options={"rejectUnauthorized": False})
    for value in ("x" * 500_000, {"binary": b"\xff" * 300_000}):
        assert await client.call("echo", value) == [value]


def self_signed(folder: Path) -> ssl.SSLContext:
    """Make a certificate for this test alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    no_password = serialization.NoEncryption()
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    return context
