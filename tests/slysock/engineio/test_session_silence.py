"""Who is given up and who is not: silence that is ours, and clients that are busy with a large message."""

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from slysock import Config, Router, Socket
from slysock.config import TransportName
from slysock.ids import DisconnectReason
from slysock_protocol.engineio import Outgoing
from tests.slysock.serving import both, serving

PONG = Outgoing(b"3")


def reasons() -> tuple[Router, list[DisconnectReason]]:
    root, log = Router(), list[DisconnectReason]()
    root.on_disconnect(lambda socket, reason: log.append(reason))
    return root, log


# ---- the loop stands still ------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("_again", range(5))  # Trio runs what is due forwards or backwards, by chance
async def test_an_answer_that_came_while_the_loop_stood_still_is_read(
    autojump_clock: MockClock, transport: TransportName, _again: int
) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        clients = [await memory.connect(transport=transport) for _ in range(5)]
        for client in clients:
            client.connection.engine.pace.silent = True
        await trio.sleep(25.5)  # the ping has been sent
        async with trio.open_nursery() as nursery:
            for client in clients:
                nursery.start_soon(client.connection.engine.send, PONG)
            autojump_clock.jump(60)
        await trio.sleep(20)
        assert log == []


@both
async def test_answers_wait_behind_a_handler_that_blocks(autojump_clock: MockClock, transport: TransportName) -> None:
    root, log = reasons()

    @root.on("block")
    def block(socket: Socket) -> None:
        autojump_clock.jump(60)

    async with serving(root) as memory:
        clients = [await memory.connect(transport=transport) for _ in range(3)]
        for client in clients:
            client.connection.engine.pace.silent = True
        await trio.sleep(25.5)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(clients[0].emit, "block")
            for client in clients:
                nursery.start_soon(client.connection.engine.send, PONG)
        await wait_all_tasks_blocked()  # until the handler has run: a sleep of ours would end in its standstill
        await trio.sleep(20)
        assert log == []
        assert memory.server.statistics().loop_lag_seconds > 50


@both
async def test_a_standstill_buys_a_dead_client_no_more_than_its_length(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        client = await memory.connect(transport=transport)
        client.connection.engine.pace.silent = True
        await trio.sleep(30)
        autojump_clock.jump(60)
        await trio.sleep(13.9)  # 15 s are left; of a standstill, up to 1.1 s may count as time
        assert log == []
        await trio.sleep(1.2)
        assert log == ["ping timeout"]


@both
async def test_the_first_ping_may_fall_into_a_standstill(autojump_clock: MockClock, transport: TransportName) -> None:
    root, log = reasons()
    config = Config(ping_interval_seconds=0.3, ping_timeout_seconds=0.2)
    async with serving(root, config=config) as memory:
        client = await memory.connect(transport=transport)
        await trio.sleep(0.1)
        autojump_clock.jump(1.1)
        await client.emit("something")  # by polling, a request that asks whether the session has expired
        await trio.sleep(5)
        assert log == []


async def test_other_deadlines_move_too(autojump_clock: MockClock) -> None:
    async with serving(Router()) as memory:
        await memory.open_connection()
        await trio.sleep(40)
        autojump_clock.jump(1000)
        await trio.sleep(3)
        assert memory.server.statistics().connections == 1, "it has 45 s to join a namespace"
        await trio.sleep(3)
        assert memory.server.statistics().connections == 0


# ---- a large message on a slow line ---------------------------------------------------------------------------------


@both
async def test_a_client_that_is_reading_a_large_message_is_alive(
    autojump_clock: MockClock, transport: TransportName
) -> None:
    root, log = reasons()
    sockets = list[Socket]()
    root.on_connect(sockets.append)
    async with serving(root, config=Config(slow_consumer_seconds=1000)) as memory:
        client = await memory.connect(transport=transport)
        client.connection.engine.pace.slow_down(2)
        await trio.sleep(1)
        sockets[0].emit("large", "x" * 65_536 * 100)
        assert len(str((await client.expect("large"))[0])) == 65_536 * 100
        if transport == "websocket":  # by polling, the client of these tests takes an answer in a few large pieces
            assert trio.current_time() > 150, "the ping had to wait so long"
        await trio.sleep(100)
        assert log == []


async def test_a_client_that_is_sending_a_large_message_is_alive(autojump_clock: MockClock) -> None:
    root, log = reasons()
    heard = list[int]()
    root.on("large")(lambda socket, text: heard.append(len(text)))
    async with serving(root) as memory:
        client = await memory.connect()
        engine = client.connection.engine
        engine.pace.silent = True
        message = b'42["large","' + b"x" * 1000 + b'"]'
        frame = b"\x81\xfe" + len(message).to_bytes(2, "big") + bytes(4) + message  # masked with zeros
        for start in range(0, len(frame), 100):
            await engine.stream.send_all(frame[start : start + 100])  # type: ignore[union-attr]  # a WebSocketClient
            await trio.sleep(15)
        assert (heard, log) == ([1000], [])
        await engine.send(PONG)
        await trio.sleep(40)
        assert log == []


async def test_a_client_that_stops_in_the_middle_of_a_message_is_given_up(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root) as memory:
        client = await memory.connect()
        engine = client.connection.engine
        engine.pace.silent = True
        await trio.sleep(30)
        await engine.stream.send_all(b"\x81\xfe\x10\x00" + bytes(100))  # type: ignore[union-attr]  # a WebSocketClient
        await trio.sleep(34.9)
        assert log == []
        await trio.sleep(0.3)
        assert log == ["ping timeout"]


async def test_a_client_that_is_posting_a_large_body_is_alive(autojump_clock: MockClock) -> None:
    root, log = reasons()
    heard = list[int]()
    root.on("large")(lambda socket, text: heard.append(len(text)))
    async with serving(root) as memory:
        client = await memory.connect(transport="polling")
        engine = client.connection.engine
        engine.pace.silent = True
        await wait_all_tasks_blocked()
        body = b'42["large","' + b"x" * 1000 + b'"]\x1e3'
        stream = memory.open()
        sid = engine.handshake["sid"]
        head = f"POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nhost: a\r\ncontent-length: {len(body)}"
        await stream.send_all(head.encode() + b"\r\n\r\n")
        for start in range(0, len(body), 100):
            await stream.send_all(body[start : start + 100])
            await trio.sleep(15)
        assert (heard, log) == ([1000], [])
        await stream.aclose()


async def test_a_ping_that_nobody_reads_is_no_sign_of_life(autojump_clock: MockClock) -> None:
    root, log = reasons()
    async with serving(root, config=Config(write_timeout_seconds=1000)) as memory:
        client = await memory.connect()
        client.connection.engine.pace.vanish()
        await trio.sleep(44.9)
        assert log == []
        await trio.sleep(0.3)
        assert log == ["ping timeout"]
