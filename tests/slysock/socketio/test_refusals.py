"""What is refused leaves its reason, for an observer and in the log at level DEBUG, and nothing that is a secret."""

import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, ConnectionRefused, EngineHooks, EngineRequest, Refusal, Router, Socket
from slysock.asgi import Receive, Scope, Send
from slysock.testing import Closed, Memory
from slysock_protocol.engineio import Outgoing
from tests.slysock.engineio.frames import HANDSHAKE, Raw
from tests.slysock.serving import logged, serving
from tests.slysock.socketio.ledger import Ledger

SECRET: Final = "eyJhbGciOiJIUzI1NiJ9.SECRET.x"
CARRIED: Final = [("Authorization", f"Bearer {SECRET}"), ("Cookie", f"token={SECRET}")]
QUERY: Final = {"token": SECRET}
PATH: Final = f"/socket.io/?EIO=4&transport=polling&token={SECRET}"

Attempt: TypeAlias = Callable[[Memory], Awaitable[object]]


def make_routers() -> list[Router]:
    root, kept, left = Router("/"), Router("/kept"), Router("/left")

    @root.on("send")
    def send(socket: Socket, text: str) -> None: ...

    @kept.use
    async def keep_out(socket: Socket) -> None:
        raise ConnectionRefused(f"not with {SECRET}") from ValueError(SECRET)

    @left.on_connect
    def send_away(socket: Socket) -> None:
        socket.report_refusal("token", "expired")
        raise Refusal(SECRET)

    return [root, kept, left]


async def request(memory: Memory, target: str, *headers: tuple[str, str], method: str = "GET") -> None:
    assert (await memory.request(method, target, headers=[*CARRIED, *headers])).status >= 400


async def join(memory: Memory, namespace: str) -> None:
    with pytest.raises(ConnectionRefused):
        await memory.connect(namespace, auth={"token": SECRET}, headers=CARRIED, query=QUERY)


async def say(memory: Memory, *messages: str) -> None:
    client = await memory.connect(auth={"token": SECRET}, headers=CARRIED, query=QUERY)
    for message in messages:
        await client.connection.engine.send(Outgoing(message.encode()))


async def be_sent_away(memory: Memory) -> None:
    client = await memory.connect("/left", auth={"token": SECRET}, headers=CARRIED, query=QUERY)
    await client.wait_disconnected(1)


async def join_too_many(memory: Memory) -> None:
    client = await memory.connect(headers=CARRIED, query=QUERY)
    with pytest.raises(ConnectionRefused, match="Too many"):
        await client.connection.join(f"/kept?token={SECRET}")


async def join_nothing(memory: Memory) -> None:
    await memory.open_connection(headers=CARRIED, query=QUERY)
    await trio.sleep(46)


async def send_bytes(memory: Memory, data: bytes) -> None:
    stream = memory.open()
    await stream.send_all(data)
    assert (await stream.receive_some()).startswith(b"HTTP/1.1 4")
    await trio.aclose_forcefully(stream)


async def post(memory: Memory, body: bytes) -> None:
    sid = (await memory.request("GET", PATH)).body.split(b'"')[3].decode()
    assert (await memory.request("POST", f"{PATH}&sid={sid}", headers=CARRIED, body=body)).status >= 400


async def open_a_second_websocket(memory: Memory) -> None:
    client = await memory.open_engine(query=QUERY)
    websocket = Raw(memory.open())
    await websocket.send(HANDSHAKE.replace(b"=websocket", f"=websocket&sid={client.handshake['sid']}".encode()))
    assert (await websocket.head()).startswith(b"HTTP/1.1 101")
    assert await websocket.closing() == 1000


async def come_when_full(memory: Memory) -> None:
    await memory.open_engine("polling", query=QUERY)
    with pytest.raises(Closed):
        await memory.open_engine("polling", query=QUERY)


@pytest.mark.parametrize(
    ("attempt", "reason", "detail", "namespace"),
    [
        (lambda memory: request(memory, PATH.replace("socket.io", "sockets")), "path", "'/sockets/'", None),
        (lambda memory: request(memory, PATH.replace("EIO=4", "EIO=3")), "EIO", "version 4", None),
        (lambda memory: request(memory, PATH.replace("EIO=4&", "")), "EIO", "version 4", None),
        (lambda memory: request(memory, PATH.replace("polling", SECRET)), "transport", "offers", None),
        (lambda memory: request(memory, f"{PATH}&sid={SECRET}"), "sid", "no session", None),
        (lambda memory: request(memory, PATH, method="PUT"), "method", "GET", None),
        (lambda memory: request(memory, PATH + "&x" * 200), "request", "", None),
        (lambda memory: request(memory, PATH, ("Origin", "http://evil")), "origin", "'http://evil'", None),
        (lambda memory: request(memory, f"{PATH}&forbid=1"), "hook", "judge refused it", None),
        (lambda memory: request(memory, f"{PATH}&fail=1"), "hook", "judge failed", None),
        (lambda memory: send_bytes(memory, f"GET {PATH} HTTP/1.1\r\n\r\n".encode()), "request", "400", None),
        (lambda memory: send_bytes(memory, f"GET /{SECRET * 900}".encode()), "request", "431", None),
        (lambda memory: post(memory, f"9{SECRET}".encode()), "protocol", "malformed Engine.IO packet", None),
        (lambda memory: post(memory, SECRET.encode() * 50_000), "request", "too large", None),
        (open_a_second_websocket, "sid", "WebSocket", None),
        (come_when_full, "capacity", "session", None),
        (join_too_many, "capacity", "max_namespaces", "/kept"),
        (join_nothing, "namespace", "in time", None),
        (lambda memory: join(memory, f"/nope?token={SECRET}"), "namespace", "no router", "/nope"),
        (
            lambda memory: join(memory, "/kept"),
            "middleware",
            "keep_out raised ConnectionRefused from ValueError",
            "/kept",
        ),
        (be_sent_away, "token", "expired", "/left"),
        (lambda memory: say(memory, f'42["sned","{SECRET}"]'), "unknown event", "'sned'", "/"),
        (
            lambda memory: say(memory, f'42["send",{{"token":"{SECRET}"}}]'),
            "payload",
            "'send' does not fit its handler: argument 1",
            "/",
        ),
        (lambda memory: say(memory, '42["send"]'), "payload", "the number of arguments", "/"),
        (lambda memory: say(memory, f'42["send","{SECRET}"'), "protocol", "malformed JSON", None),
        (lambda memory: say(memory, f"9{SECRET}"), "protocol", "malformed Engine.IO packet", None),
    ],
)
async def test_a_refusal_is_told_once_with_its_reason_and_without_secrets(
    attempt: Attempt,
    reason: str,
    detail: str,
    namespace: str | None,
    autojump_clock: MockClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    hooks = EngineHooks()

    @hooks.allow_request
    def judge(request: EngineRequest) -> bool:
        if "fail" in request.query:
            raise LookupError("the hook's own mistake")
        return "forbid" not in request.query

    config = Config(cors_origins=["https://shop.example"], max_namespaces=1, max_connections=1)
    async with serving(*make_routers(), hooks=hooks, config=config) as memory:
        ledger = Ledger()
        memory.server.observe(ledger)
        await attempt(memory)
        await wait_all_tasks_blocked()
        (record,) = ledger.records
    assert record.reason == reason
    assert detail in record.detail
    assert record.namespace == namespace
    assert record.address == "192.0.2.1"
    lines = [text for text in logged(caplog, logging.DEBUG) if text.startswith("refused, ")]
    assert lines == [f"refused, {record.reason}: {record.detail}"]
    everything = caplog.text + repr([entry.__dict__ for entry in caplog.records]) + repr(record)
    assert "SECRET" not in everything


async def test_a_client_of_engineio_at_another_address_is_told_of_also_where_an_application_answers(
    autojump_clock: MockClock,
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body"})

    async with serving(Router(), app=app) as memory:
        ledger = Ledger()
        memory.server.observe(ledger)
        await request(memory, "/favicon.ico")
        await request(memory, PATH.replace("socket.io", "sockets"))
        assert [record.reason for record in ledger.records] == ["path"]


async def test_what_is_let_in_and_handled_is_no_refusal(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    root = Router()
    root.on("echo")(lambda socket, value: value)
    async with serving(root) as memory:
        ledger = Ledger()
        memory.server.observe(ledger)
        client = await memory.connect(transport="polling")
        assert await client.call("echo", 1) == 1
        await client.disconnect()
        assert (await memory.request("GET", "/healthz")).status == 200
    assert ledger.records == []
    assert not [text for text in logged(caplog, logging.DEBUG) if text.startswith("refused")]


async def test_whoever_listens_to_all_events_knows_them_all(autojump_clock: MockClock) -> None:
    root, heard = Router(), list[str]()
    root.on_any(lambda socket, event, args: heard.append(event))
    async with serving(root) as memory:
        ledger = Ledger()
        memory.server.observe(ledger)
        await (await memory.connect()).emit("anything")
        await wait_all_tasks_blocked()
        assert (heard, ledger.records) == (["anything"], [])


async def test_the_line_has_fields_for_whoever_formats_it(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(Router()) as memory:
        client = await memory.connect()
        await client.emit("what")
        await wait_all_tasks_blocked()
    (entry,) = [entry for entry in caplog.records if entry.getMessage().startswith("refused")]
    assert entry.__dict__["fields"] == {"address": "192.0.2.1", "namespace": "/", "socket": client.id}
