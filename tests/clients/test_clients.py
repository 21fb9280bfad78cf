"""Stock clients against a server with nothing unusual about it: what they need to do anything at all.

These tests also hold the tools in this folder to what they promise; they run in real time, on a port of their own.
"""

from collections.abc import Sequence

import pytest
import socketio
import trio

from slysock import Config, ConnectionRefused, Listening, Router, Server, Socket
from tests.clients import CallError, ConnectError, NodeClients, Payload, node_clients, python_client
from tests.clients.deadline import ClientError

pytestmark = [pytest.mark.port, pytest.mark.node]

TRANSPORTS = pytest.mark.parametrize(
    "transports", [["polling"], ["websocket"], None], ids=["polling", "websocket", "upgrade"]
)
PLAIN_VALUES: list[Payload] = [None, True, 0, -1, 2.5, 2**53 - 1, "", "é\U0001f600\u2028", [], {}]
NESTED: Payload = {"list": [1, {"deep": b"binary", "n": None}, [[b"1"], b""]]}
VALUES: list[Payload] = [*PLAIN_VALUES, b"", b"\x00\xff", NESTED, "x" * 500_000, b"\xfe" * 500_000]


def routers() -> list[Router]:
    root, other, closed = Router("/"), Router("/other"), Router("/closed")
    for router in (root, other):
        router.on_connect(greet)

    @root.on("echo")
    def echo(socket: Socket, *args: object) -> tuple[object, ...]:
        return args

    @root.on("again")
    def again(socket: Socket, *args: object) -> None:
        socket.emit("again", *args)

    @root.on("ask me")
    async def ask_me(socket: Socket, *args: object) -> object:
        return await socket.call("question", *args)

    @root.on("ask and tell")
    async def ask_and_tell(socket: Socket, *args: object) -> None:
        answer = await socket.call("question", *args)
        assert isinstance(answer, tuple)
        socket.emit("answered", *answer)

    @root.on("dismiss me")
    def dismiss_me(socket: Socket) -> None:
        socket.disconnect(close=True)

    @closed.use
    async def refuse(socket: Socket) -> None:
        raise ConnectionRefused("members only", data={"code": 7})

    return [root, other, closed]


def greet(socket: Socket) -> None:
    socket.emit("hello", socket.handshake.auth or {})


@pytest.fixture
async def url(nursery: trio.Nursery) -> str:
    listening: Listening = await nursery.start(Server(*routers(), config=Config()).serve, "127.0.0.1", 0)
    return listening.url


async def test_a_client_that_offers_subprotocols_is_connected(url: str, node: NodeClients) -> None:
    client = await node.connect(url, transports=["websocket"], options={"protocols": ["v2.chat", "v1.chat"]})
    assert await client.call("echo", 1) == [1]


@TRANSPORTS
async def test_node_client_gets_back_every_kind_of_value(
    url: str, node: NodeClients, transports: Sequence[str] | None
) -> None:
    client = await node.connect(url, transports=transports, auth={"token": "t"})
    assert await client.next_args("hello") == [{"token": "t"}]
    assert await client.call("echo", *PLAIN_VALUES) == PLAIN_VALUES
    for value in VALUES:
        assert await client.call("echo", value) == [value]
    assert await client.call("echo") == []
    assert client.upgraded is (transports is None)
    assert await client.current_transport() == (transports or ["websocket"])[0]


@TRANSPORTS
async def test_node_client_gets_a_thousand_events_in_order(
    url: str, node: NodeClients, transports: Sequence[str] | None
) -> None:
    client = await node.connect(url, transports=transports)
    for number in range(1000):
        await client.emit("again", number)
    assert [(await client.next_args("again"))[0] for _ in range(1000)] == list(range(1000))


@TRANSPORTS
async def test_node_client_acknowledges_what_the_server_asks(
    url: str, node: NodeClients, transports: Sequence[str] | None
) -> None:
    client = await node.connect(url, transports=transports)
    await client.emit("ask and tell", 1, b"2")
    question = await client.next("question")
    assert question.args == [1, b"2"]
    await question.ack("answer", {"binary": b"3"})
    assert await client.next_args("answered") == ["answer", {"binary": b"3"}]


async def test_node_clients_share_a_connection_when_told_to(url: str, node: NodeClients) -> None:
    client = await node.connect(url, transports=["websocket"])
    other = await client.join("/other", auth={"n": 1})
    assert await other.next_args("hello") == [{"n": 1}]
    await client.emit("dismiss me")
    assert await client.wait_disconnect() == await other.wait_disconnect() == "io server disconnect"


@pytest.mark.parametrize(
    ("namespace", "message", "data"),
    [("/closed", "members only", {"code": 7}), ("/nowhere", "Invalid namespace", None)],
)
async def test_node_client_learns_why_it_is_refused(
    url: str, node: NodeClients, namespace: str, message: str, data: Payload
) -> None:
    with pytest.raises(ConnectError) as refusal:
        await node.connect(url, namespace=namespace)
    assert (refusal.value.message, refusal.value.data) == (message, data)


async def test_node_client_connects_again_after_its_connection_was_cut(url: str, node: NodeClients) -> None:
    client = await node.connect(url, transports=["websocket"])
    first = client.sid
    await client.cut(abrupt=True)
    assert await client.wait_disconnect() == "transport close"
    await client.open()
    await client.wait_connect()
    assert client.sid != first


async def test_call_nobody_answers_fails_at_its_deadline(url: str, node: NodeClients) -> None:
    client = await node.connect(url)
    with pytest.raises(CallError):
        await client.call("nobody handles this", timeout_seconds=0.01)


async def test_node_that_ends_early_fails_the_test_with_its_complaint(url: str) -> None:
    async def misuse() -> None:
        async with node_clients() as clients:
            client = await clients.connect(url)
            await client.command("no such operation")
            await client.next("anything")

    with pytest.raises(ClientError, match="TypeError: operations"):
        await misuse()


@TRANSPORTS
async def test_python_client_talks_both_ways(url: str, transports: Sequence[str] | None) -> None:
    async with python_client(url, transports=transports, auth={"n": 1}, namespaces=["/", "/other"]) as client:
        assert (await client.next("hello")).args == ({"n": 1},)
        assert (await client.next("hello", namespace="/other")).args == ({"n": 1},)
        assert await client.call("echo", *PLAIN_VALUES) == tuple(PLAIN_VALUES)
        assert await client.call("echo", NESTED) == NESTED
        client.answer("question", ("yes", b"!"))
        assert await client.call("ask me", 1) == ("yes", b"!")
        assert client.transport_name == (transports or ["websocket"])[0]


@TRANSPORTS
async def test_python_client_learns_that_the_server_disconnects_it(url: str, transports: Sequence[str] | None) -> None:
    async with python_client(url, transports=transports) as client:
        await client.emit("dismiss me")
        assert await client.wait_disconnect() == "server disconnect"


async def test_python_client_is_refused(url: str) -> None:
    with pytest.raises(socketio.exceptions.ConnectionError):
        async with python_client(url, namespaces=["/closed"]):
            pass
